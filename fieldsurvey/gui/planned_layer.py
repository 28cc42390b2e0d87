"""Paints the stretches that the plan still wants tested: a broken line along the highway.

A stretch that has its tests is a highway like any other again. Must not count: the drive does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import Floats, MapView
from fieldsurvey.gui.polyline import screen_path
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.drive import PlannedStretch
from fieldsurvey.model.planned import PlannedProgress

_WIDTH_PX = 7
_DASHES = (1.4, 0.9)  # of the width
_SAMPLE_PX = 42  # of the line in the legend


@dataclass(frozen=True, slots=True, eq=False)
class PlannedLines:
    """Open stretches in world units; ``joined[i]``: vertex i is connected to vertex i+1."""

    x: Floats
    y: Floats
    joined: NDArray[np.bool_]


def open_lines(features: MapFeatures, progress: Sequence[PlannedProgress]) -> PlannedLines:
    """Return the lines of all stretches of ``progress`` that lack tests, cut at their ends."""
    parts: list[tuple[Floats, Floats]] = []
    lines = _lines_by_ref(features)
    for one in progress:
        stretch = one.planned
        if one.is_done or not isinstance(stretch, PlannedStretch):
            continue
        for line in lines.get(stretch.highway_ref, ()):
            chainage_m = features.chainage_m[line]
            from_m = max(float(stretch.from_m), float(chainage_m[0]))
            to_m = min(float(stretch.to_m), float(chainage_m[-1]))
            if to_m <= from_m:
                continue
            inside = chainage_m[(chainage_m > from_m) & (chainage_m < to_m)]
            at_m = np.concatenate(([from_m], inside, [to_m]))
            parts.append(
                (
                    np.interp(at_m, chainage_m, features.highway_x[line]),
                    np.interp(at_m, chainage_m, features.highway_y[line]),
                )
            )
    lengths = [len(x) for x, _ in parts]
    joined = np.ones(sum(lengths), bool)
    joined[np.cumsum(lengths, dtype=int) - 1] = False
    nothing = np.zeros(0)
    return PlannedLines(
        np.concatenate([nothing, *(x for x, _ in parts)]),
        np.concatenate([nothing, *(y for _, y in parts)]),
        joined,
    )


def paint_planned(painter: QPainter, lines: PlannedLines, view: MapView, look: Look) -> None:
    """Draw the lines that ``view`` shows."""
    painter.setPen(_pen(look))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(screen_path(lines.x, lines.y, lines.joined, view))


def paint_sample(painter: QPainter, at: QPointF, look: Look) -> float:
    """Draw a piece of such a line from ``at`` to the right, for the legend; return its width."""
    width = look.px(_SAMPLE_PX)
    painter.setPen(_pen(look))
    painter.drawLine(at, at + QPointF(width, 0))
    return width


def _pen(look: Look) -> QPen:
    pen = QPen(QColor(look.theme.ink), look.px(_WIDTH_PX))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern(_DASHES)
    return pen


def _lines_by_ref(features: MapFeatures) -> dict[str, list[slice]]:
    found: dict[str, list[slice]] = {}
    begin = 0
    for end in (np.flatnonzero(~features.joined) + 1).tolist():
        found.setdefault(features.refs[features.highway_of[begin]], []).append(slice(begin, end))
        begin = end
    return found
