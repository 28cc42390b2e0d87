"""How a rank looks: one colour for its cells, one small picture for its single points.

Unselected points keep a fifth of their strength: dimmed, never hidden.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from fieldsurvey.gui.shapes import Shape, draw_shape, marker_pixmap
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_pyramid import SELECTED

DIMMED = 0.2
_TEST_RADIUS_PX = 6.0
_SECOND_RADIUS_PX = 2.5


def colour_table(palette: ClassPalette) -> NDArray[np.uint32]:
    """Return the colour of each of 256 ranks as premultiplied ARGB; 0 is transparent."""
    table = np.zeros(256, dtype=np.uint32)
    for number, colour in enumerate(palette.colours):
        table[1 + number] = _premultiplied(QColor(colour), DIMMED)
        table[1 + number + SELECTED] = _premultiplied(QColor(colour), 1.0)
    return table


def _premultiplied(colour: QColor, alpha: float) -> int:
    red, green, blue = (
        round(part * alpha) for part in (colour.red(), colour.green(), colour.blue())
    )
    return round(alpha * 255) << 24 | red << 16 | green << 8 | blue


class SignBook:
    """Ready-made pictures of single points, for one palette, look and device ratio."""

    def __init__(self) -> None:
        self._made_for: object = None
        self._pictures: dict[tuple[int, bool], QPixmap] = {}

    def of(
        self, palette: ClassPalette, look: Look, device_ratio: float
    ) -> Callable[[int, bool], QPixmap]:
        """Return what gives the picture of a rank; tests are bigger than seconds of a drive."""
        wanted = (palette, look.theme.name, look.scale, device_ratio)
        if wanted != self._made_for:
            self._made_for = wanted
            self._pictures = {}

        def picture(rank: int, is_test: bool) -> QPixmap:
            key = (rank, is_test)
            if key not in self._pictures:
                self._pictures[key] = _picture(rank, is_test, palette, look, device_ratio)
            return self._pictures[key]

        return picture


def _picture(
    rank: int, is_test: bool, palette: ClassPalette, look: Look, device_ratio: float
) -> QPixmap:
    number = (rank % SELECTED) - 1
    colour = QColor(palette.colours[number])
    halo = halo_of(colour)
    if is_test:
        pixmap = marker_pixmap(
            palette.shapes[number], _TEST_RADIUS_PX * look.scale, colour, halo, device_ratio
        )
    else:
        small = palette.shapes[number]
        # At this size only the cross can be told from a dot.
        small = small if small is Shape.CROSS else Shape.SQUARE
        pixmap = marker_pixmap(small, _SECOND_RADIUS_PX * look.scale, colour, halo, device_ratio)
    return pixmap if rank >= SELECTED else _dimmed(pixmap)


def halo_of(colour: QColor) -> QColor:
    """Return the outline that keeps ``colour`` apart from any map: dark around light ones."""
    return QColor("#20262b") if colour.lightnessF() > 0.45 else QColor("#f6f7f5")


def _dimmed(pixmap: QPixmap) -> QPixmap:
    dimmed = QPixmap(pixmap.size())
    dimmed.setDevicePixelRatio(pixmap.devicePixelRatio())
    dimmed.fill(Qt.GlobalColor.transparent)
    painter = QPainter(dimmed)
    painter.setOpacity(DIMMED)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return dimmed


def draw_sign(
    painter: QPainter, palette: ClassPalette, number: int, centre: QPointF, radius: float
) -> None:
    """Draw the sign of a class, as in the legend; hatched where it stands for "not known"."""
    colour = QColor(palette.colours[number])
    draw_shape(painter, palette.shapes[number], centre, radius, colour, halo_of(colour))
