"""Long lines, reduced to what the screen can show before Qt sees them.

A drive of 100,000 seconds must paint as fast as one of a hundred: what lies outside of the view
and what would fall on the same two pixels is left out.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QPainterPath, QPolygonF
from shiboken6 import VoidPtr

from fieldsurvey.gui.map_view import Floats, MapView

_CELL_PX = 2.0
_MARGIN_PX = 40.0
_PIECE_VERTICES = 12


def visible_segments(
    x: Floats, y: Floats, joined: NDArray[np.bool_], view: MapView
) -> NDArray[np.bool_]:
    """Return, per vertex, whether the segment to the next one may be seen."""
    seen = np.zeros(len(x), dtype=bool)
    if len(x) < 2:
        return seen
    left, top, right, bottom = view.bounds(_MARGIN_PX)
    with np.errstate(invalid="ignore"):  # NaN (no position) compares False, as it should
        seen[:-1] = (
            joined[:-1]
            & (np.maximum(x[:-1], x[1:]) >= left)
            & (np.minimum(x[:-1], x[1:]) <= right)
            & (np.maximum(y[:-1], y[1:]) >= top)
            & (np.minimum(y[:-1], y[1:]) <= bottom)
        )
    return seen


def screen_path(x: Floats, y: Floats, joined: NDArray[np.bool_], view: MapView) -> QPainterPath:
    """Return the visible part of a line (world units) as a path in pixels.

    ``joined[i]`` tells whether vertex i is connected to vertex i+1.
    """
    points, connected = _reduced(x, y, joined, view)
    return _path_of_runs(points, connected)


def screen_polylines(
    x: Floats, y: Floats, joined: NDArray[np.bool_], view: MapView
) -> Iterator[QPolygonF]:
    """Return the same in short pieces: many pieces are stroked ten times as fast as one path that
    holds them all, because smooth edges are worked out over the whole of what is filled at once."""
    points, connected = _reduced(x, y, joined, view)
    begin = 0
    for end in (np.flatnonzero(~connected) + 1).tolist():
        for start in range(begin, max(begin + 1, end - 1), _PIECE_VERTICES):
            yield _polygon(points[start : min(end, start + _PIECE_VERTICES + 1)])
        begin = end


def _reduced(
    x: Floats, y: Floats, joined: NDArray[np.bool_], view: MapView
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the vertices worth drawing in pixels, (n, 2), and which are connected to the next."""
    segment = visible_segments(x, y, joined, view)
    vertex = segment.copy()
    vertex[1:] |= segment[:-1]
    if not vertex.any():
        return np.zeros((0, 2)), np.zeros(0, dtype=bool)
    index = np.flatnonzero(vertex)
    px, py = view.to_screen(x[index], y[index])
    connected = segment[index]
    keep = _worth_drawing(px, py, connected)
    # A vertex left out lies between kept ones of the same run, so the run stays connected.
    return np.column_stack((px[keep], py[keep])), connected[keep]


def _path_of_runs(points: Floats, connected: NDArray[np.bool_]) -> QPainterPath:
    """Return ``points`` (n, 2) as one polyline per run of connected vertices."""
    path = QPainterPath()
    begin = 0
    for end in (np.flatnonzero(~connected) + 1).tolist():
        path.addPolygon(_polygon(points[begin:end]))
        begin = end
    return path


def _polygon(points: Floats) -> QPolygonF:
    """Copy ``points`` (n, 2) into Qt's memory at once: one call per point takes a hundred times
    as long."""
    polygon = QPolygonF()
    polygon.resize(len(points))
    # The stubs know neither the type of ``data()`` nor the buffer that a VoidPtr is.
    memory: Any = VoidPtr(polygon.data(), polygon.size() * 16, True)  # type: ignore[arg-type, call-arg]
    np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)[:] = points
    return polygon


def _worth_drawing(px: Floats, py: Floats, connected: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the ends of every run and one vertex per cell of two pixels."""
    cells = np.floor(px / _CELL_PX).astype(np.int64) * 1_000_003 + np.floor(py / _CELL_PX).astype(
        np.int64
    )
    keep = np.ones(len(px), dtype=bool)
    keep[1:] = cells[1:] != cells[:-1]
    starts = np.ones(len(px), dtype=bool)
    starts[1:] = ~connected[:-1]
    keep |= starts | ~connected
    return keep


def spread_along(
    px: Floats, py: Floats, wanted: NDArray[np.bool_], gap_px: float
) -> NDArray[np.intp]:
    """Return indices of wanted points, at most one per cell of ``gap_px``, in order."""
    index = np.flatnonzero(wanted)
    if not len(index):
        return index
    cells = np.floor(px[index] / gap_px).astype(np.int64) * 1_000_003 + np.floor(
        py[index] / gap_px
    ).astype(np.int64)
    _, first = np.unique(cells, return_index=True)
    return index[np.sort(first)]
