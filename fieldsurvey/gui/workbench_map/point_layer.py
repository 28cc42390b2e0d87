"""Paints the points: cells with the worst class in them, or single points where they are few.

Both are drawn from the pyramid, so a frame costs the same for ten million points as for ten
thousand. Must not change what it is given; several views may share a pyramid.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter

from fieldsurvey.gui.map_view import TILE_PX, Floats, MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_pyramid import (
    BLOCK_CELLS,
    FINEST_LEVEL,
    SELECTED,
    Bounds,
    Cells,
    PointPyramid,
    Ranks,
    positions,
)
from fieldsurvey.gui.workbench_map.point_signs import SignBook, crossed_ranks
from fieldsurvey.gui.workbench_map.rank_picture import highest_around, paint_ranks

MOST_SINGLE_POINTS = 10_000
_CELL_PX = 4.0
_PARTS = 2  # of a cell's side, so that an outline can be narrower than a cell
_SIGN_CELL_PX = 3.0
_EDGE_PX = 8.0  # a sign is seen before its centre is


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points ready to be drawn: their pyramid and the rank of each. Without a palette nobody knows
    yet what their classes look like."""

    pyramid: PointPyramid
    ranks: Ranks
    is_test: NDArray[np.bool_]
    palette: ClassPalette | None
    has_selection: bool
    _of_cells: dict[int, Ranks] = field(default_factory=dict)

    def ranks_of_cells(self, at: int) -> Ranks:
        """Return the highest rank in each of ``pyramid.cells[at]``; worked out when first asked
        for, by whichever thread asks."""
        if at not in self._of_cells:
            self._of_cells[at] = self.pyramid.cells[at].highest(self.ranks)
        return self._of_cells[at]


@dataclass(frozen=True, eq=False)
class SinglePoints:
    """The points in view: pixel of each, place along the curve; drawn in this order."""

    x: Floats
    y: Floats
    along: NDArray[np.int64]


def cell_level(view: MapView) -> int:
    """Return the level whose cells are nearest to four pixels wide, where there are finer ones."""
    return min(FINEST_LEVEL, max(1, round(view.zoom + math.log2(TILE_PX / _CELL_PX))))


def cell_side_m(view: MapView) -> float:
    """Return the side of a cell on the ground, in the middle of the view."""
    return float(view.metres_per_px * view.scale / 2 ** cell_level(view))


def single_points(cloud: Cloud, view: MapView) -> SinglePoints | None:
    """Return the points in view, worst last, or None where they are too many to be told apart."""
    runs = list(cloud.pyramid.points.runs(view.bounds(_EDGE_PX), cell_level(view)))
    if sum(run.part.stop - run.part.start for run in runs) > MOST_SINGLE_POINTS:
        return None
    along = np.concatenate(
        [np.arange(run.part.start, run.part.stop) for run in runs] or [np.zeros(0, dtype=np.int64)]
    )
    x, y = view.to_screen(*positions(cloud.pyramid.points.codes[along]))
    inside = (np.abs(x - view.width / 2) <= view.width / 2 + _EDGE_PX) & (
        np.abs(y - view.height / 2) <= view.height / 2 + _EDGE_PX
    )
    x, y, along = x[inside], y[inside], along[inside]
    worst_last = np.argsort(cloud.ranks[along], kind="stable")
    return SinglePoints(x[worst_last], y[worst_last], along[worst_last])


def paint_cells(painter: QPainter, cloud: Cloud, view: MapView, look: Look) -> None:
    """Draw every occupied cell in view as a square of the worst class in it."""
    assert cloud.palette is not None
    level = cell_level(view)
    at = cloud.pyramid.index_for(level)
    grid, column, row = _ranks_in(
        cloud.pyramid.cells[at], cloud.ranks_of_cells(at), view.bounds(), level
    )
    if grid.size:
        grid, column, row = _cropped(grid, column, row, view.bounds(), level)
        side = view.scale / 2**level
        left, top = view.one_to_screen(column / 2**level, row / 2**level)
        paint_ranks(painter, grid, QPointF(left, top), side, cloud.palette, _outline(look), _PARTS)


def _ranks_in(cells: Cells, ranks: Ranks, bounds: Bounds, level: int) -> tuple[Ranks, int, int]:
    """Return the ranks of all cells of ``level`` in the blocks that ``bounds`` touches, in rows;
    and the column and row of the first."""
    runs = list(cells.runs(bounds, level))
    if not runs:
        return np.zeros((0, 0), dtype=np.uint8), 0, 0
    column, row = min(run.column for run in runs), min(run.row for run in runs)
    width = max(run.column for run in runs) + BLOCK_CELLS - column
    height = max(run.row for run in runs) + BLOCK_CELLS - row
    grid = np.zeros((height, width), dtype=np.uint8)
    block = np.empty(BLOCK_CELLS**2, dtype=np.uint8)
    for run in runs:
        block[:] = 0
        np.maximum.at(block, cells.within_block(run, level), ranks[run.part])
        x, y = run.column - column, run.row - row
        grid[y : y + BLOCK_CELLS, x : x + BLOCK_CELLS] = block.reshape(BLOCK_CELLS, -1)
    return grid, column, row


def _cropped(
    grid: Ranks, column: int, row: int, bounds: Bounds, level: int
) -> tuple[Ranks, int, int]:
    """Return the part of a grid that ``bounds`` shows; blocks reach beyond it on all sides."""
    left, top, right, bottom = (math.floor(side * 2**level) for side in bounds)
    x, y = max(0, left - column), max(0, top - row)
    return grid[y : bottom + 1 - row, x : right + 1 - column], column + x, row + y


def paint_singles(
    painter: QPainter,
    points: SinglePoints,
    cloud: Cloud,
    look: Look,
    book: SignBook,
) -> None:
    """Draw tests as signs and seconds of a drive as dots, the worst last; where several of one rank
    would cover each other, one. Seconds without service are crosses like tests."""
    assert cloud.palette is not None
    ranks = cloud.ranks[points.along]
    has_sign = cloud.is_test[cloud.pyramid.order[points.along]]
    has_sign |= np.isin(ranks % SELECTED, crossed_ranks(cloud.palette))
    _paint_dots(painter, points, np.where(has_sign, np.uint8(0), ranks), look, cloud.palette)
    picture_of = book.of(cloud.palette, look, painter.device().devicePixelRatioF())
    shown = np.flatnonzero(has_sign)
    shown = shown[_one_per_cell(points.x[shown], points.y[shown], ranks[shown])]
    # Thousands of times: numbers of Python's own are read faster than numpy's one by one.
    of_signs = (points.x[shown].tolist(), points.y[shown].tolist(), ranks[shown].tolist())
    for x, y, rank in zip(*of_signs, strict=True):
        pixmap, half = picture_of(rank)
        painter.drawPixmap(QPointF(x - half, y - half), pixmap)


def _paint_dots(
    painter: QPainter,
    points: SinglePoints,
    ranks: Ranks,
    look: Look,
    palette: ClassPalette,
) -> None:
    margin = look.px(1)
    x, y = np.floor(points.x).astype(np.intp), np.floor(points.y).astype(np.intp)
    seen = np.flatnonzero(ranks)
    if not len(seen):
        return
    x, y, ranks = x[seen], y[seen], ranks[seen]
    left, top = int(x.min()) - margin, int(y.min()) - margin
    width, height = int(x.max()) - left + margin + 1, int(y.max()) - top + margin + 1
    grid = np.zeros((height, width), dtype=np.uint8)
    np.maximum.at(grid.reshape(-1), (y - top) * width + x - left, ranks)
    for _ in range(margin):
        grid = highest_around(grid)
    paint_ranks(painter, grid, QPointF(left, top), 1.0, palette, _outline(look), 1)


def _outline(look: Look) -> str:
    """Return a colour that no class has, on either ground: dark by day, a dull light by night."""
    is_light = QColor(look.theme.map_ground).lightnessF() > 0.5
    return look.theme.ink.replace("#", "#c0" if is_light else "#60")


def _one_per_cell(x: Floats, y: Floats, ranks: Ranks) -> NDArray[np.intp]:
    """Return places of which no two of one rank lie in the same few pixels, in order."""
    column, row = (np.floor(side / _SIGN_CELL_PX).astype(np.int64) + 64 for side in (x, y))
    _, first = np.unique(row << 32 | column << 8 | ranks, return_index=True)
    return np.sort(first)


def nearest_point(points: SinglePoints, x: float, y: float, reach_px: float) -> int | None:
    """Return the place along the curve of the point drawn nearest to a pixel, None beyond
    ``reach_px``; of equally near ones the one on top."""
    if not len(points.x):
        return None
    distance = np.hypot(points.x - x, points.y - y)[::-1]
    nearest = int(np.argmin(distance))
    return None if distance[nearest] > reach_px else int(points.along[::-1][nearest])
