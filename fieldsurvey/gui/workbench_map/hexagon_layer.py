"""Paints judged hexagons: outline, hatching and sign tell the verdict, with their colour.

Above is a plain veil, below is hatched, undecided is dotted: a grey print reads the same. From far
away, where hexagons would be specks, there are none.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPolygonF

from fieldsurvey.gui.map_view import MapView, project
from fieldsurvey.gui.theme import Look, verdict_colour
from fieldsurvey.gui.workbench_map.map_data import MapHexagon
from fieldsurvey.gui.workbench_map.sign_sprites import Sprite
from fieldsurvey.gui.workbench_map.stretch_layer import DRAWN_IN_ORDER, verdict_pen, verdict_pixmap
from fieldsurvey.model.verdict import Verdict

_PATTERNS = {
    Verdict.ABOVE: Qt.BrushStyle.SolidPattern,
    Verdict.UNDECIDED: Qt.BrushStyle.Dense6Pattern,
    Verdict.BELOW: Qt.BrushStyle.BDiagPattern,
}
_VEIL = 0.25  # opacity of the plain one
_LEAST_PX = 8
_SIGNED_FROM_PX = 30
_OUTLINE_PX = 2
_SIGN_PX = 7


class HexagonLayer:
    """The hexagons, prepared for drawing and for finding the one under the mouse."""

    def __init__(self, hexagons: Sequence[MapHexagon] = ()) -> None:
        self._hexagons = [
            one for verdict in DRAWN_IN_ORDER for one in hexagons if one.verdict is verdict
        ]
        self._corners = [project(one.latitude_deg, one.longitude_deg) for one in self._hexagons]
        boxes = [(x.min(), y.min(), x.max(), y.max()) for x, y in self._corners]
        self._boxes = np.array(boxes, float).reshape(-1, 4)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts there are, in the order they are drawn in."""
        there = {one.verdict for one in self._hexagons}
        return tuple(verdict for verdict in DRAWN_IN_ORDER if verdict in there)

    def paint(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        """Draw every hexagon, and yield wherever something else may be done meanwhile."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in self._seen(view, _LEAST_PX):
            verdict = self._hexagons[number].verdict
            painter.setPen(verdict_pen(verdict, look, look.px(_OUTLINE_PX)))
            painter.setBrush(_brush(verdict, look))
            painter.drawPolygon(QPolygonF(self._on_screen(number, view)))
            yield

    def signs(self, view: MapView, look: Look, ratio: float) -> Iterator[Sprite]:
        """Return the signs of hexagons that have room for one."""
        pictures = {
            verdict: verdict_pixmap(verdict, look, look.px(_SIGN_PX), ratio)
            for verdict in self.verdicts
        }
        for number in self._seen(view, look.px(_SIGNED_FROM_PX)):
            x, y = self._corners[number]
            sign = pictures[self._hexagons[number].verdict]
            half = sign.deviceIndependentSize().width() / 2
            yield Sprite(float(x.mean()), float(y.mean()), sign, half)

    def at(self, view: MapView, x: float, y: float) -> MapHexagon | None:
        """Return the hexagon drawn at a pixel."""
        for number in self._seen(view, _LEAST_PX):
            polygon = QPolygonF(self._on_screen(number, view))
            if polygon.containsPoint(QPointF(x, y), Qt.FillRule.OddEvenFill):
                return self._hexagons[number]
        return None

    def _seen(self, view: MapView, least_px: float) -> list[int]:
        """Return the numbers of those in view that are at least so wide, the worst last."""
        left, top, right, bottom = view.bounds()
        boxes = self._boxes
        seen = (boxes[:, 2] >= left) & (boxes[:, 0] <= right)
        seen &= (boxes[:, 3] >= top) & (boxes[:, 1] <= bottom)
        seen &= (boxes[:, 2] - boxes[:, 0]) * view.scale >= least_px
        return [int(number) for number in np.flatnonzero(seen)]

    def _on_screen(self, number: int, view: MapView) -> list[QPointF]:
        px, py = view.to_screen(*self._corners[number])
        return [QPointF(x, y) for x, y in zip(px.tolist(), py.tolist(), strict=True)]


def _brush(verdict: Verdict, look: Look) -> QBrush:
    colour = QColor(verdict_colour(look.theme, verdict))
    if verdict is Verdict.ABOVE:
        colour.setAlphaF(_VEIL)
    return QBrush(colour, _PATTERNS[verdict])
