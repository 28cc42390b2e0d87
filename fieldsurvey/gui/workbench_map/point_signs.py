"""The small pictures of single points, and the sign of a class in the legend."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from fieldsurvey.gui.shapes import Shape, draw_shape, marker_pixmap, shape_path
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_pyramid import SELECTED
from fieldsurvey.gui.workbench_map.rank_picture import DIMMED

_RADIUS_PX = 6.0


class SignBook:
    """Ready-made pictures of single points, for one palette, look and device ratio."""

    def __init__(self) -> None:
        self._made_for: object = None
        self._pictures: dict[int, tuple[QPixmap, float]] = {}

    def of(
        self, palette: ClassPalette, look: Look, device_ratio: float
    ) -> Callable[[int], tuple[QPixmap, float]]:
        """Return what gives the picture of a rank, and half its side."""
        wanted = (palette, look.theme.name, look.scale, device_ratio)
        if wanted != self._made_for:
            self._made_for = wanted
            self._pictures = {}

        def picture(rank: int) -> tuple[QPixmap, float]:
            if rank not in self._pictures:
                made = _picture(rank, palette, look, device_ratio)
                self._pictures[rank] = made, made.deviceIndependentSize().width() / 2
            return self._pictures[rank]

        return picture


def crossed_ranks(palette: ClassPalette) -> NDArray[np.uint8]:
    """Return the ranks, unselected, whose sign is a cross: too few to be a mere dot."""
    crossed = [1 + n for n, shape in enumerate(palette.shapes) if shape is Shape.CROSS]
    return np.array(crossed, dtype=np.uint8)


def halo_of(colour: QColor) -> QColor:
    """Return the outline that keeps ``colour`` apart from any map: dark around light ones."""
    return QColor("#20262b") if colour.lightnessF() > 0.45 else QColor("#f6f7f5")


def draw_sign(
    painter: QPainter, palette: ClassPalette, number: int, centre: QPointF, radius: float
) -> None:
    """Draw the sign of a class; only its outline where it stands for "not known"."""
    colour = QColor(palette.colours[number])
    shape = palette.shapes[number]
    if number not in palette.unknown:
        draw_shape(painter, shape, centre, radius, colour, halo_of(colour))
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(centre)
    painter.scale(radius, radius)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 0.3))
    painter.drawPath(shape_path(shape))
    painter.restore()


def _picture(rank: int, palette: ClassPalette, look: Look, device_ratio: float) -> QPixmap:
    radius = _RADIUS_PX * look.scale
    # An empty one of the right size, whatever the shape.
    pixmap = marker_pixmap(Shape.BAR, radius, QColor(0, 0, 0, 0), QColor(0, 0, 0, 0), device_ratio)
    painter = QPainter(pixmap)
    painter.setOpacity(1.0 if rank >= SELECTED else DIMMED)
    middle = pixmap.deviceIndependentSize().width() / 2
    draw_sign(painter, palette, rank % SELECTED - 1, QPointF(middle, middle), radius)
    painter.end()
    return pixmap
