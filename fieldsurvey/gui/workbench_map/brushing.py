"""A rectangle or a lasso drawn over the map, and which points lie inside.

Inside is what was seen to be inside: the outline is filled as the screen would fill it, and every
point is looked up in that picture. What lies beyond the edge of the map is not selected unseen.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.point_pyramid import BLOCK_CELLS, Bounds, PointPyramid

_SMALLEST_PX = 4.0
_NEAREST_LEVEL = 30


@dataclass(frozen=True, slots=True)
class Brush:
    """Corners in pixels: a lasso's all, of a rectangle two opposite ones."""

    corners: tuple[tuple[float, float], ...]
    is_lasso: bool

    def drawn_to(self, x: float, y: float) -> "Brush":
        """Return the brush with the mouse at a new place."""
        kept = self.corners if self.is_lasso else self.corners[:1]
        return Brush((*kept, (x, y)), self.is_lasso)

    @classmethod
    def around_middle(cls, view: MapView, share: float) -> "Brush":
        """Return a rectangle that takes ``share`` of each side of the map."""
        left, top = view.width * (1 - share) / 2, view.height * (1 - share) / 2
        return cls(((left, top), (view.width - left, view.height - top)), is_lasso=False)

    def widened(self, x: float, y: float, view: MapView) -> "Brush":
        """Return a rectangle wider and higher by so much on either side, or narrower and lower, as
        far as the map goes."""
        left, top = self.corners[0]
        left = min(max(left - x, 0.0), view.width / 2 - _SMALLEST_PX)
        top = min(max(top - y, 0.0), view.height / 2 - _SMALLEST_PX)
        return Brush(((left, top), (view.width - left, view.height - top)), is_lasso=False)

    @property
    def outline(self) -> QPolygonF:
        if self.is_lasso:
            return QPolygonF([QPointF(x, y) for x, y in self.corners])
        (x0, y0), (x1, y1) = self.corners[0], self.corners[-1]
        return QPolygonF([QPointF(x0, y0), QPointF(x1, y0), QPointF(x1, y1), QPointF(x0, y1)])

    @property
    def is_a_click(self) -> bool:
        """Return whether the mouse hardly moved: nobody meant to draw anything."""
        room = self.outline.boundingRect()
        return max(room.width(), room.height()) < _SMALLEST_PX

    def paint(self, painter: QPainter, look: Look) -> None:
        painter.save()
        veil = QColor(look.theme.above)
        veil.setAlphaF(0.15)
        painter.setBrush(veil)
        painter.setPen(QPen(QColor(look.theme.ink), look.px(1.5), Qt.PenStyle.DashLine))
        painter.drawPolygon(self.outline)
        painter.restore()


def points_inside(pyramid: PointPyramid, brush: Brush, view: MapView) -> NDArray[np.bool_]:
    """Return, per point as given, whether it lies inside ``brush`` as drawn upon ``view``."""
    level = min(_NEAREST_LEVEL, round(view.zoom + 8) + 1)  # half a pixel to a pixel
    room = brush.outline.boundingRect() & QRectF(0, 0, view.width, view.height)
    if room.isEmpty():
        return np.zeros(pyramid.given, dtype=bool)
    left, top = view.one_to_world(room.left(), room.top())
    right, bottom = view.one_to_world(room.right(), room.bottom())
    bounds: Bounds = (left, top, right, bottom)
    inside = np.zeros(pyramid.given, dtype=bool)
    filled, column, row = _filled(brush, view, bounds, level)
    for run in pyramid.points.runs(bounds, level):
        y, x = run.row - row, run.column - column
        block = filled[y : y + BLOCK_CELLS, x : x + BLOCK_CELLS]
        if block.any():
            if block.all():
                inside[pyramid.order[run.part]] = True
            else:
                hit = block.ravel()[pyramid.points.within_block(run, level)]
                inside[pyramid.order[run.part][hit]] = True
    return inside


def _filled(
    brush: Brush, view: MapView, bounds: Bounds, level: int
) -> tuple[NDArray[np.bool_], int, int]:
    """Return the brush as a picture of whole blocks of cells of ``level``, in rows; and the column
    and row of its first cell."""
    count = 2.0**level
    column, row = (math.floor(low * count) // BLOCK_CELLS * BLOCK_CELLS for low in bounds[:2])
    width, height = (
        (math.floor(high * count) - first) // BLOCK_CELLS * BLOCK_CELLS + BLOCK_CELLS
        for high, first in zip(bounds[2:], (column, row), strict=True)
    )
    picture = QImage(width, height, QImage.Format.Format_Grayscale8)
    picture.fill(0)
    painter = QPainter(picture)
    side = view.scale / count  # of a cell, in pixels
    left, top = view.one_to_screen(column / count, row / count)
    painter.scale(1 / side, 1 / side)
    painter.translate(-left, -top)
    painter.setClipRect(QRectF(0, 0, view.width, view.height))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.white)
    painter.drawPolygon(brush.outline)
    painter.end()
    lines = np.frombuffer(picture.constBits(), dtype=np.uint8).reshape(height, -1)
    return lines[:, :width] > 0, column, row
