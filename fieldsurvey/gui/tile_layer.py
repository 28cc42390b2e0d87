"""Paints the base map: the right tiles, or a part of a coarser one until they are here."""

import math
import re

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.tile_source import TileSource

# Beyond this a raster tile is a smear that hides more than it shows.
_MAX_ENLARGEMENT_STEPS = 3
_MAX_TILES = 80


def paint_tiles(painter: QPainter, source: TileSource, view: MapView, opacity: float) -> None:
    """Draw every tile that ``view`` touches and that is here; ask for the others."""
    tile_set = source.tile_set
    if tile_set is None or view.zoom > tile_set.max_zoom + _MAX_ENLARGEMENT_STEPS:
        return
    zoom = min(tile_set.max_zoom, max(tile_set.min_zoom, round(view.zoom)))
    count = 2**zoom
    left, top, right, bottom = view.bounds()
    columns = range(max(0, math.floor(left * count)), min(count, math.floor(right * count) + 1))
    rows = range(max(0, math.floor(top * count)), min(count, math.floor(bottom * count) + 1))
    if len(columns) * len(rows) > _MAX_TILES:
        return
    painter.save()
    painter.setOpacity(opacity)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for column in columns:
        for row in rows:
            _paint_one(painter, source, view, (zoom, column, row), tile_set.min_zoom)
    painter.restore()


def _paint_one(
    painter: QPainter, source: TileSource, view: MapView, key: tuple[int, int, int], lowest: int
) -> None:
    zoom, column, row = key
    count = 2**zoom
    x, y = view.one_to_screen(column / count, row / count)
    side = view.scale / count
    target = QRectF(x, y, side, side)
    for steps in range(zoom - lowest + 1):
        pixmap = source.tile((zoom - steps, column >> steps, row >> steps))
        if pixmap is None:
            continue
        parts = 2**steps
        part_px = pixmap.width() / parts
        part = QRectF((column % parts) * part_px, (row % parts) * part_px, part_px, part_px)
        painter.drawPixmap(target, pixmap, part)
        return


def attribution_text(source: TileSource | None) -> str:
    """Return whom to thank for the tiles, without the markup some files have."""
    if source is None or source.tile_set is None:
        return ""
    return re.sub(r"<[^>]*>", "", source.tile_set.attribution).strip()
