"""Paints a grid of ranks: squares of colour with an outline that keeps them apart from any map.

Unselected ranks keep a fifth of their strength and no outline: dimmed, never hidden. Classes that
stand for "not known" are chequered, so that they are not taken for a grey value.
"""

import functools
import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_pyramid import SELECTED, Ranks

DIMMED = 0.2
# Ranks that points never have: 62 classes leave 63 free, selected or not.
_OUTLINE = 63
_CHEQUER = np.uint8(128)  # on every other part of the picture


def paint_ranks(
    painter: QPainter,
    grid: Ranks,
    at: QPointF,
    side: float,
    palette: ClassPalette,
    outline: str,
    parts: int,
) -> None:
    """Draw ``grid``, in rows, with its upper left corner ``at`` and cells of ``side`` pixels.

    ``outline`` is ``#aarrggbb``; it is drawn as wide as a cell divided by ``parts``.
    """
    if parts > 1:
        grid = grid.repeat(parts, axis=0).repeat(parts, axis=1)
    fine = np.pad(grid, 1)
    is_edge = (fine == 0) & (highest_around(fine) >= SELECTED)
    fine |= is_edge.view(np.uint8) * np.uint8(_OUTLINE)
    height, width = fine.shape
    # Of a round size, so that it is the same for many a frame.
    chequer = _chequer(*(512 * math.ceil(length / 512) for length in (height, width)))
    fine |= chequer[:height, :width]
    indexed = QImage(fine.data, width, height, width, QImage.Format.Format_Indexed8)
    indexed.setColorTable(_colours(palette, outline))
    # Qt looks the colours up faster than numpy does, but not while it draws.
    image = indexed.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    step = side / parts
    room = QRectF(at.x() - step, at.y() - step, width * step, height * step)
    if step == 1.0:
        painter.drawImage(room.topLeft(), image)
    else:
        painter.drawImage(room, image)


@functools.lru_cache(maxsize=4)
def _chequer(height: int, width: int) -> Ranks:
    """Return what every other part of a picture has on top of its rank."""
    fields = np.zeros((height, width), dtype=np.uint8)
    fields[::2, ::2] = fields[1::2, 1::2] = _CHEQUER
    return fields


def highest_around(grid: Ranks) -> Ranks:
    """Return, per cell, the highest rank among it and its eight neighbours."""
    wide = grid.copy()
    np.maximum(wide[:, 1:], grid[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], grid[:, 1:], out=wide[:, :-1])
    high = wide.copy()
    np.maximum(high[1:], wide[:-1], out=high[1:])
    np.maximum(high[:-1], wide[1:], out=high[:-1])
    return high


@functools.lru_cache(maxsize=8)
def _colours(palette: ClassPalette, outline: str) -> list[int]:
    """Return the colour of each of 256 ranks as ARGB; 0 is transparent."""
    table = [0] * 256
    for number, name in enumerate(palette.colours):
        colour = QColor(name)
        solid, dimmed = 1 + number + SELECTED, 1 + number
        table[solid] = colour.rgba()
        colour.setAlphaF(DIMMED)
        table[dimmed] = colour.rgba()
    table[_OUTLINE] = QColor(outline).rgba()
    chequered = list(table[:_CHEQUER])
    for number in palette.unknown:
        chequered[1 + number] = chequered[1 + number + SELECTED] = 0
    return table[:_CHEQUER] + chequered
