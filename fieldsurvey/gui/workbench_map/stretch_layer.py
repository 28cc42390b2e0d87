"""Paints judged pieces of highway: colour, kind of line and a sign tell the verdict.

Above is a whole line, below is broken into dashes, undecided is dotted, so that a grey print and
the colour-blind read the same. The worst is drawn last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from fieldsurvey.gui.map_view import Floats, MapView, project
from fieldsurvey.gui.polyline import screen_polylines, spread_along, visible_segments
from fieldsurvey.gui.shapes import VERDICT_SHAPES, marker_pixmap
from fieldsurvey.gui.theme import Look, verdict_colour
from fieldsurvey.gui.workbench_map.map_data import MapStretch
from fieldsurvey.gui.workbench_map.sign_sprites import Sprite
from fieldsurvey.model.verdict import Verdict

DRAWN_IN_ORDER = (Verdict.ABOVE, Verdict.UNDECIDED, Verdict.BELOW)
# In widths of the line.
_DASHES: dict[Verdict, list[float]] = {Verdict.UNDECIDED: [0.6, 1.4], Verdict.BELOW: [2.2, 0.8]}
_WIDTH_PX = 9
_SIGN_PX = 7
_SIGN_GAP_PX = 56


@dataclass(frozen=True, eq=False)
class _Lines:
    """All stretches of one verdict as one line with gaps; ``stretch_of[i]`` is vertex i's."""

    x: Floats
    y: Floats
    joined: NDArray[np.bool_]
    stretch_of: NDArray[np.int64]
    middles: NDArray[np.int64]  # one vertex of each stretch, where its sign stands


class StretchLines:
    """The stretches, prepared for drawing and for finding the one under the mouse."""

    def __init__(self, stretches: Sequence[MapStretch]) -> None:
        self._stretches: list[MapStretch] = list(stretches)
        self._lines = {
            verdict: _together([(i, s) for i, s in enumerate(stretches) if s.verdict is verdict])
            for verdict in DRAWN_IN_ORDER
        }

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts there are, in the order they are drawn in."""
        return tuple(verdict for verdict in DRAWN_IN_ORDER if len(self._lines[verdict].x))

    def paint(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        """Draw every line, and yield wherever something else may be done meanwhile."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for verdict in self.verdicts:
            lines = self._lines[verdict]
            pieces = list(screen_polylines(lines.x, lines.y, lines.joined, view))
            yield
            casing = QPen(QColor(look.theme.map_ground), look.px(_WIDTH_PX + 3))
            for pen in (casing, verdict_pen(verdict, look, look.px(_WIDTH_PX))):
                painter.setPen(pen)
                for piece in pieces:
                    painter.drawPolyline(piece)
                    yield

    def signs(self, view: MapView, look: Look, ratio: float) -> Iterator[Sprite]:
        """Return the sign of each stretch, for above the points: they would hide the lines' colour,
        not that."""
        for verdict in self.verdicts:
            lines = self._lines[verdict]
            at = lines.middles
            yield from verdict_sprites(
                verdict, lines.x[at], lines.y[at], view, look, ratio, (_SIGN_PX, _SIGN_GAP_PX)
            )

    def nearest(self, view: MapView, x: float, y: float, reach_px: float) -> MapStretch | None:
        """Return the stretch drawn nearest to a pixel, the uppermost first; None beyond
        ``reach_px``."""
        for verdict in reversed(self.verdicts):
            lines = self._lines[verdict]
            start = np.flatnonzero(visible_segments(lines.x, lines.y, lines.joined, view))
            if not len(start):
                continue
            distance = _distance_px(lines, start, view, x, y)
            nearest = int(np.argmin(distance))
            if distance[nearest] <= reach_px:
                return self._stretches[int(lines.stretch_of[start[nearest]])]
        return None


def verdict_pen(verdict: Verdict, look: Look, width: float) -> QPen:
    """Return the pen of a verdict: the same on the map and in its legend."""
    pen = QPen(QColor(verdict_colour(look.theme, verdict)), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if verdict in _DASHES:
        pen.setDashPattern(_DASHES[verdict])
    return pen


def verdict_pixmap(verdict: Verdict, look: Look, radius: float, ratio: float) -> QPixmap:
    """Return the sign of a verdict as a picture for a device of that ratio."""
    colour, halo = QColor(verdict_colour(look.theme, verdict)), QColor(look.theme.map_ground)
    return marker_pixmap(VERDICT_SHAPES[verdict], radius, colour, halo, ratio)


def verdict_sprites(
    verdict: Verdict,
    x: Floats,
    y: Floats,
    view: MapView,
    look: Look,
    ratio: float,
    radius_and_gap_px: tuple[int, int],
) -> Iterator[Sprite]:
    """Return the sign of a verdict for each of n places in view, at most one in a square of the
    gap's size."""
    radius, gap = (look.px(side) for side in radius_and_gap_px)
    sign = verdict_pixmap(verdict, look, radius, ratio)
    half = sign.deviceIndependentSize().width() / 2
    px, py = view.to_screen(x, y)
    seen = (px >= 0) & (px <= view.width) & (py >= 0) & (py <= view.height)
    for index in spread_along(px, py, seen, gap):
        yield Sprite(float(x[index]), float(y[index]), sign, half)


def _together(stretches: Sequence[tuple[int, MapStretch]]) -> _Lines:
    lengths = np.array([len(stretch.latitude_deg) for _, stretch in stretches], dtype=np.int64)
    empty = np.zeros(0)
    x, y = project(
        np.concatenate([empty, *(stretch.latitude_deg for _, stretch in stretches)]),
        np.concatenate([empty, *(stretch.longitude_deg for _, stretch in stretches)]),
    )
    ends = np.cumsum(lengths)
    joined = np.ones(len(x), dtype=bool)
    joined[ends[lengths > 0] - 1] = False
    numbers = np.array([number for number, _ in stretches], dtype=np.int64)
    middles = (ends - lengths + lengths // 2)[lengths > 0]
    return _Lines(x, y, joined, np.repeat(numbers, lengths), middles)


def _distance_px(
    lines: _Lines, start: NDArray[np.int64], view: MapView, x: float, y: float
) -> Floats:
    """Return the distance of a pixel from each segment that begins at ``start``."""
    x0, y0 = view.to_screen(lines.x[start], lines.y[start])
    x1, y1 = view.to_screen(lines.x[start + 1], lines.y[start + 1])
    dx, dy = x1 - x0, y1 - y0
    length2 = np.maximum(dx * dx + dy * dy, 1e-9)
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / length2, 0.0, 1.0)
    return np.hypot(x0 + along * dx - x, y0 + along * dy - y)
