"""Paints the points: cells with the worst class in them, or single points where they are few.

Both are drawn from the pyramid, so a frame costs the same for ten million points as for ten
thousand. Must not change what it is given; several views may share a pyramid.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from fieldsurvey.gui.map_view import TILE_PX, Floats, MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_pyramid import (
    BLOCK_CELLS,
    RASTER,
    Bounds,
    Cells,
    PointPyramid,
    Ranks,
    positions,
)
from fieldsurvey.gui.workbench_map.point_signs import SignBook, colour_table

MOST_SINGLE_POINTS = 10_000
_CELL_PX = 4.0
_EDGE_PX = 8.0  # a sign is seen before its centre is


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points ready to be drawn: their pyramid and the ranks of each of its levels. Without a
    palette nobody knows yet what their classes look like."""

    pyramid: PointPyramid
    ranks: tuple[Ranks, ...]
    is_test: NDArray[np.bool_]
    palette: ClassPalette | None
    has_selection: bool


@dataclass(frozen=True, eq=False)
class SinglePoints:
    """The points in view: pixel of each, place along the curve; drawn in this order."""

    x: Floats
    y: Floats
    along: NDArray[np.int64]


def cell_level(view: MapView) -> int:
    """Return the level whose cells are nearest to four pixels wide."""
    return max(1, round(view.zoom + math.log2(TILE_PX / _CELL_PX)))


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
    worst_last = np.argsort(cloud.ranks[0][along], kind="stable")
    return SinglePoints(x[worst_last], y[worst_last], along[worst_last])


def paint_cells(painter: QPainter, cloud: Cloud, view: MapView) -> None:
    """Draw every occupied cell in view as a square of the worst class in it."""
    assert cloud.palette is not None
    level = cell_level(view)
    bounds = view.bounds()
    at = cloud.pyramid.index_for(level)
    grid, column, row = _ranks_in(cloud.pyramid.cells[at], cloud.ranks[at], bounds, level)
    if not grid.size:
        return
    pixels = colour_table(cloud.palette)[grid]
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    side = view.scale / 2**level
    left, top = view.one_to_screen(column / 2**level, row / 2**level)
    painter.drawImage(QRectF(left, top, width * side, height * side), image)


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
        grid[y : y + BLOCK_CELLS, x : x + BLOCK_CELLS] = block[RASTER].reshape(BLOCK_CELLS, -1)
    return grid, column, row


def paint_singles(
    painter: QPainter,
    points: SinglePoints,
    cloud: Cloud,
    look: Look,
    book: SignBook,
) -> None:
    """Draw points as signs, the worst last; of equal ones in the same pixel only one."""
    assert cloud.palette is not None
    picture_of = book.of(cloud.palette, look, painter.device().devicePixelRatioF())
    ranks = cloud.ranks[0][points.along]
    is_test = cloud.is_test[cloud.pyramid.order[points.along]]
    for place in _one_per_pixel(points, ranks, is_test):
        pixmap = picture_of(int(ranks[place]), bool(is_test[place]))
        half = pixmap.deviceIndependentSize().width() / 2
        painter.drawPixmap(QPointF(points.x[place] - half, points.y[place] - half), pixmap)


def _one_per_pixel(
    points: SinglePoints, ranks: Ranks, is_test: NDArray[np.bool_]
) -> NDArray[np.intp]:
    key = (np.floor(points.y).astype(np.int64) + 64) << 32 | (
        np.floor(points.x).astype(np.int64) + 64
    ) << 16
    key |= ranks.astype(np.int64) << 1 | is_test
    _, first = np.unique(key, return_index=True)
    return np.sort(first)


def nearest_point(points: SinglePoints, x: float, y: float, reach_px: float) -> int | None:
    """Return the place along the curve of the point drawn nearest to a pixel, None beyond
    ``reach_px``; of equally near ones the one on top."""
    if not len(points.x):
        return None
    distance = np.hypot(points.x - x, points.y - y)[::-1]
    nearest = int(np.argmin(distance))
    return None if distance[nearest] > reach_px else int(points.along[::-1][nearest])
