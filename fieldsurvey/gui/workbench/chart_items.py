"""What a chart draws by the hundred thousand: points, the range of a trace, hatched spans.

Each is drawn in pixels with a few array operations, so that a frame costs milliseconds at a million
points. Nothing is thinned out by chance: of points in one pixel the worst is seen, of a trace the
highest and the lowest.
"""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from fieldsurvey.gui.shapes import Shape, marker_pixmap
from fieldsurvey.gui.workbench.facts import Bools, Floats

_MOST_SHAPES = 1_500
_DIM = 0.2
_DOT_PX = 3
_EMPTY: Floats = np.zeros(0)


class PixelItem(QGraphicsItem):
    """Paints over the whole box it lies in, in pixels."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__()
        self._box = box

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.viewRect())

    def refresh(self) -> None:
        """What is drawn, or the part of it in view, has changed."""
        self.prepareGeometryChange()
        self.update()

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        to_pixels = painter.worldTransform()
        area = to_pixels.mapRect(self.boundingRect()).toAlignedRect()
        painter.save()
        painter.resetTransform()
        self.paint_pixels(painter, to_pixels, area)
        painter.restore()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        raise NotImplementedError


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
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
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
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        width, height = max(1, round(area.width() * ratio)), max(1, round(area.height() * ratio))
        column = np.clip(x * ratio, 0, width - 1).astype(np.int32)
        line = np.clip(y * ratio, 0, height - 1).astype(np.int32)
        at = line * width + column
        classes = len(self._colours)
        code = self._ranks[rows] + np.uint8(1) + np.uint8(classes) * self._selected[rows]
        cells = np.zeros(width * height, np.uint8)
        for value in np.unique(code):
            cells[at[code == value]] = value
        picture = _spread(cells.reshape(height, width), round(_DOT_PX * ratio))
        image = _image_of(picture, _dimmed_and_plain(self._colours))
        image.setDevicePixelRatio(ratio)
        painter.drawImage(area.topLeft(), image)


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


def _dimmed_and_plain(colours: Sequence[str]) -> NDArray[np.uint32]:
    table = [0]
    for share in (_DIM, 1.0):
        for name in colours:
            colour = QColor(name)
            parts = [round(part * share) for part in (colour.red(), colour.green(), colour.blue())]
            table.append(round(255 * share) << 24 | parts[0] << 16 | parts[1] << 8 | parts[2])
    return np.array(table, np.uint32)


def _image_of(cells: NDArray[np.uint8], table: NDArray[np.uint32]) -> QImage:
    pixels = np.ascontiguousarray(table[cells])
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()  # the array is gone when this returns


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
    """Hatched spans of x over the full height of a chart, or its lowest part."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__(box)
        self._starts = self._ends = _EMPTY
        self._colour = QColor("purple")

    def set_colour(self, colour: str) -> None:
        self._colour = QColor(colour)
        self.update()

    def set_spans(self, starts: Floats, ends: Floats) -> None:
        self._starts, self._ends = starts, ends
        self.refresh()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        left = self._starts * to_pixels.m11() + to_pixels.dx()
        right = np.maximum(left + 1, self._ends * to_pixels.m11() + to_pixels.dx())
        seen = (right >= area.left()) & (left <= area.right())
        covered = np.zeros(area.width() + 2, np.int32)
        np.add.at(covered, np.clip(left[seen] - area.left(), 0, area.width()).astype(int), 1)
        np.add.at(covered, np.clip(right[seen] - area.left(), 0, area.width()).astype(int) + 1, -1)
        edges = np.flatnonzero(np.diff((np.cumsum(covered) > 0).astype(np.int8), prepend=0))
        veil = QColor(self._colour)
        veil.setAlphaF(0.13)
        hatch = QColor(self._colour)
        hatch.setAlphaF(0.45)
        spans = [
            QRect(area.left() + start, area.top(), max(1, end - start), area.height())
            for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=False)
        ]
        painter.setPen(Qt.PenStyle.NoPen)
        for brush in (QBrush(veil), QBrush(hatch, Qt.BrushStyle.BDiagPattern)):
            painter.setBrush(brush)
            painter.drawRects(spans)
