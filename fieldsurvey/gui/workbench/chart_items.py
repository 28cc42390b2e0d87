"""What a chart draws by the hundred thousand: points, the range of a trace, hatched spans.

Each is drawn in pixels with a few array operations, so that a frame costs milliseconds at a million
points. Nothing is thinned out by chance: of points in one pixel the worst is seen, of a trace the
highest and the lowest.
"""

import functools
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QTransform

from fieldsurvey.gui.shapes import Shape, marker_pixmap
from fieldsurvey.gui.workbench.facts import Bools, Floats
from fieldsurvey.gui.workbench.pixel_item import (
    FORMAT,
    PixelItem,
    Pixels,
    draw_pixels,
    pixels_of,
    ratio_of,
)

_MOST_SHAPES = 1_500
_DIM = 0.2
_DOT_PX = 3
_EMPTY: Floats = np.zeros(0)


class PointCloud(PixelItem):
    """Points of a few classes: shapes where they are few, dots where they are many. What is not
    selected is dimmed, never hidden."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__(box)
        self._x = self._y = _EMPTY
        self._ranks: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._selected: Bools = np.zeros(0, bool)
        self._colours: Sequence[str] = ()
        self._shapes: Sequence[Shape] = ()
        self._halo = "#ffffff"
        self._radius_px = 5.0

    def set_signs(
        self, colours: Sequence[str], shapes: Sequence[Shape], halo: str, radius_px: float
    ) -> None:
        """Colour and shape by rank; a later rank lies on top."""
        self._colours, self._shapes, self._halo = colours, shapes, halo
        self._radius_px = radius_px
        self.refresh()

    def set_points(self, x: Floats, y: Floats, ranks: NDArray[np.uint8], selected: Bools) -> None:
        """Arrays of n; NaN is drawn nowhere."""
        self._x, self._y, self._ranks, self._selected = x, y, ranks, selected
        self.refresh()

    def set_selected(self, selected: Bools) -> None:
        self._selected = selected
        self.update()

    def nearest(self, x: float, y: float, x_unit: float, y_unit: float) -> int | None:
        """Return the point next to a position, None where there is none. Units are what a pixel
        is worth in either direction."""
        far = np.hypot((self._x - x) / x_unit, (self._y - y) / y_unit)
        far[~self._selected] += 1e4  # a dimmed one only where no other is near
        if not len(far) or bool(np.isnan(far).all()):
            return None
        return int(np.nanargmin(far))

    def place(self, row: int) -> tuple[float, float]:
        """Return where a point lies."""
        return float(self._x[row]), float(self._y[row])

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        x = self._x * to_pixels.m11() + (to_pixels.dx() - area.left())
        y = self._y * to_pixels.m22() + (to_pixels.dy() - area.top())
        edge = self._radius_px
        inside = (
            (x >= -edge) & (x < area.width() + edge) & (y >= -edge) & (y < area.height() + edge)
        )
        rows = np.flatnonzero(inside)
        if not len(rows):
            return
        if len(rows) <= _MOST_SHAPES:
            self._paint_shapes(painter, area, x, y, rows)
        else:
            self._paint_dots(painter, area, x[rows], y[rows], rows)

    def _paint_shapes(
        self, painter: QPainter, area: QRect, x: Floats, y: Floats, rows: NDArray[np.int64]
    ) -> None:
        ratio = ratio_of(painter)
        halo = QColor(self._halo)
        pictures = [
            marker_pixmap(shape, self._radius_px, QColor(colour), halo, ratio)
            for shape, colour in zip(self._shapes, self._colours, strict=True)
        ]
        order = rows[np.lexsort((self._ranks[rows], self._selected[rows]))]
        opacity = None
        for row in order.tolist():
            wanted = 1.0 if self._selected[row] else _DIM
            if wanted != opacity:
                opacity = wanted
                painter.setOpacity(wanted)
            picture = pictures[self._ranks[row]]
            half = picture.width() / ratio / 2
            painter.drawPixmap(
                QPointF(area.left() + x[row] - half, area.top() + y[row] - half), picture
            )
        painter.setOpacity(1.0)

    def _paint_dots(
        self, painter: QPainter, area: QRect, x: Floats, y: Floats, rows: NDArray[np.int64]
    ) -> None:
        """One byte a pixel: 0 nothing, then the dimmed classes, then the selected ones. The
        greatest wins where dots overlap."""
        ratio = ratio_of(painter)
        width, height = pixels_of(area, ratio)
        column = np.clip(x * ratio, 0, width - 1).astype(np.int32)
        line = np.clip(y * ratio, 0, height - 1).astype(np.int32)
        at = line * width + column
        classes = len(self._colours)
        code = self._ranks[rows] + np.uint8(1) + np.uint8(classes) * self._selected[rows]
        cells = np.zeros(width * height, np.uint8)
        for value in np.unique(code):
            cells[at[code == value]] = value
        picture = _spread(cells.reshape(height, width), round(_DOT_PX * ratio))
        table = _dimmed_and_plain(tuple(self._colours))
        draw_pixels(painter, area, table.take(picture), ratio)


def _spread(cells: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Make every dot a square of ``size_px``."""
    for axis in (0, 1):
        whole = cells.copy()
        for step in range(1, size_px):
            behind = [slice(None), slice(None)]
            before = [slice(None), slice(None)]
            behind[axis], before[axis] = slice(step, None), slice(None, -step)
            np.maximum(whole[tuple(behind)], cells[tuple(before)], out=whole[tuple(behind)])
        cells = whole
    return cells


@functools.lru_cache(maxsize=8)
def _dimmed_and_plain(colours: tuple[str, ...]) -> Pixels:
    table = [0]
    for share in (_DIM, 1.0):
        for name in colours:
            colour = QColor(name)
            parts = [round(part * share) for part in (colour.red(), colour.green(), colour.blue())]
            table.append(round(255 * share) << 24 | parts[0] << 16 | parts[1] << 8 | parts[2])
    return np.array(table, np.uint32)


class Trace(PixelItem):
    """Values in the order of x, as the range from the lowest to the highest in each column of
    pixels. A column without values stays empty: gaps are gaps."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__(box)
        self._x = self._y = _EMPTY
        self._colour = QColor("gray")

    def set_colour(self, colour: str) -> None:
        self._colour = QColor(colour)
        self.update()

    def set_values(self, x: Floats, y: Floats) -> None:
        """``x`` grows and neither has NaN."""
        self._x, self._y = x, y
        self.refresh()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        if not len(self._x) or not to_pixels.m11():
            return
        pixels = np.arange(area.left(), area.right() + 2)
        borders = (pixels - to_pixels.dx()) / to_pixels.m11()
        starts = np.searchsorted(self._x, borders)
        filled = np.flatnonzero(np.diff(starts))
        if not len(filled):
            return
        # Every second value is where the next filled column begins: reduceat wants no empty ones.
        bounds = starts[filled]
        end = starts[filled[-1] + 1]
        highest = np.maximum.reduceat(self._y[:end], bounds)
        lowest = np.minimum.reduceat(self._y[:end], bounds)
        top = highest * to_pixels.m22() + to_pixels.dy()
        bottom = lowest * to_pixels.m22() + to_pixels.dy()
        painter.setPen(QPen(self._colour, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        left = area.left() + filled
        painter.drawRects(
            [
                QRectF(x, y, 0.5, max(0.5, height))
                for x, y, height in zip(
                    left.tolist(), top.tolist(), (bottom - top).tolist(), strict=True
                )
            ]
        )


class Spans(PixelItem):
    """Hatched spans of x over the full height of a chart."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__(box)
        self._starts = self._ends = _EMPTY
        self._colour = QColor("purple")
        self._drawn_for: object = None
        self._patterns: list[Pixels] = []

    def set_colour(self, colour: str) -> None:
        self._colour = QColor(colour)
        self.update()

    def set_spans(self, starts: Floats, ends: Floats) -> None:
        self._starts, self._ends = starts, ends
        self.refresh()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        covered = self._covered(to_pixels, area)
        if not covered.any():
            return
        # Qt takes ten times as long to fill a hundred narrow columns with a brush.
        ratio = ratio_of(painter)
        column = (np.arange(pixels_of(area, ratio)[0]) / ratio).astype(int)
        shown = covered[np.minimum(column, len(covered) - 1)]
        for pattern in self._patterns_of(area, ratio):
            draw_pixels(painter, area, pattern * shown, ratio)

    def _covered(self, to_pixels: QTransform, area: QRect) -> Bools:
        """Return which columns of ``area`` the spans touch."""
        left = self._starts * to_pixels.m11() + to_pixels.dx()
        right = np.maximum(left + 1, self._ends * to_pixels.m11() + to_pixels.dx())
        seen = (right >= area.left()) & (left <= area.right())
        begun, ended = (
            np.bincount(
                np.clip(side[seen] - area.left(), 0, area.width()).astype(int),
                minlength=area.width() + 1,
            )
            for side in (left, right)
        )
        ended = np.roll(ended, 1)  # a span covers the column that it ends in
        ended[0] = 0
        return np.cumsum(begun - ended)[:-1] > 0

    def _patterns_of(self, area: QRect, ratio: float) -> list[Pixels]:
        """Return a veil and a hatching over all of ``area``, made once."""
        wanted = (area, ratio, self._colour)
        if wanted != self._drawn_for:
            self._drawn_for = wanted
            self._patterns = [
                _filled(area, ratio, self._colour, *pattern)
                for pattern in (
                    (0.13, Qt.BrushStyle.SolidPattern),
                    (0.45, Qt.BrushStyle.BDiagPattern),
                )
            ]
        return self._patterns


def _filled(
    area: QRect, ratio: float, colour: QColor, opacity: float, style: Qt.BrushStyle
) -> Pixels:
    """Return ``area`` as a brush fills it."""
    ink = QColor(colour)
    ink.setAlphaF(opacity)
    width, height = pixels_of(area, ratio)
    image = QImage(width, height, FORMAT)
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    painter.setBrushOrigin(-area.topLeft())
    painter.fillRect(QRect(0, 0, area.width(), area.height()), QBrush(ink, style))
    painter.end()
    return np.frombuffer(image.constBits(), np.uint32).reshape(height, width).copy()
