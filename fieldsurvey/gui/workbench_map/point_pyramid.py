"""Millions of points as a quadtree in flat arrays: a frame costs what the screen can show.

Points are sorted along a Z-order curve, so that whatever lies in one square of the world is one
run of the array. Above them lie coarser levels, where a cell holds the highest rank of the points
in it: ranks grow from good to bad, and an average would flatter. Must not know Qt.

A rank is one byte: 0 nothing here, 1 + class, and ``SELECTED`` on top of it where the point is
selected. The highest rank of a cell is thus that of the worst selected point, where there is one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.map_view import Floats, project

SELECTED = 64
BLOCK_CELLS = 64
_BLOCK_LEVELS = 6  # 2**6 = BLOCK_CELLS
_POINT_LEVEL = 32  # positions are kept to 1/2**32 of the world: 9 mm at the equator
# Cells of 10 m at the equator: finer ones would show the error of positions.
FINEST_LEVEL = 22
_LEVELS = tuple(range(FINEST_LEVEL, 0, -1))
_EXTENT_CELLS = 1 << 16  # are looked through in a millisecond
_CHUNK = 1 << 20
_NOWHERE = np.uint64(2**64 - 1)

Codes = NDArray[np.uint64]
Ranks = NDArray[np.uint8]
Bounds = tuple[float, float, float, float]  # left, top, right, bottom in world units


@dataclass(frozen=True, slots=True)
class Run:
    """The cells of one block, and the column and row of the block's first cell."""

    part: slice
    column: int
    row: int


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """The occupied cells of one level, along the curve: the first point of each, as its place
    among ``codes``, and ``within``, which of the 4,096 of its block it is, in rows. Of the points
    themselves every one is a cell."""

    level: int
    codes: Codes
    first: NDArray[np.uint32] | None
    within: NDArray[np.uint16] | None

    def __len__(self) -> int:
        return len(self.codes if self.first is None else self.first)

    def runs(self, bounds: Bounds, level: int) -> Iterator[Run]:
        """Return what lies in the blocks of 64×64 cells of ``level`` that ``bounds`` touches."""
        blocks = max(0, level - _BLOCK_LEVELS)
        columns = _touched(bounds[0], bounds[2], blocks)
        rows = _touched(bounds[1], bounds[3], blocks)
        column, row = (grid.ravel() for grid in np.meshgrid(columns, rows))
        code = _interleave(column.astype(np.uint64), row.astype(np.uint64))
        shift = np.uint64(2 * (_POINT_LEVEL - blocks))
        begin = np.searchsorted(self.codes, code << shift)
        # The block after the last one of the world would be code 2**64.
        end = np.searchsorted(self.codes, ((code + np.uint64(1)) << shift) - np.uint64(1), "right")
        if self.first is not None:
            # Of their own type: numpy would turn all of ``first`` into that of what is looked up.
            ends = (places.astype(np.uint32) for places in (begin, end))
            begin, end = (np.searchsorted(self.first, places) for places in ends)
        for at in np.flatnonzero(end > begin):
            yield Run(
                slice(int(begin[at]), int(end[at])),
                int(column[at]) * BLOCK_CELLS,
                int(row[at]) * BLOCK_CELLS,
            )

    def within_block(self, run: Run, level: int) -> NDArray[np.intp]:
        """Return, per cell of ``run``, in which of the block's 4,096 cells of ``level`` it is."""
        if self.within is not None and level == self.level:
            return self.within[run.part].astype(np.intp)
        codes = self.codes[run.part if self.first is None else self.first[run.part]]
        return ROW_BY_ROW[_along_block(codes, level)].astype(np.intp)

    def highest(self, ranks: Ranks) -> Ranks:
        """Return the highest rank of the points in each cell."""
        if self.first is None or not len(ranks):
            return ranks
        return np.asarray(np.maximum.reduceat(ranks, self.first.astype(np.intp)))


@dataclass(frozen=True, eq=False, slots=True)
class PointPyramid:
    """``order[i]`` is the index, among the points given, of the i-th along the curve; those whose
    position is not known are left out. ``cells[0]`` are the points, coarser levels follow."""

    order: NDArray[np.uint32]
    cells: tuple[Cells, ...]
    given: int

    @property
    def points(self) -> Cells:
        return self.cells[0]

    @property
    def placed(self) -> int:
        return len(self.order)

    def extent(self) -> Bounds | None:
        """Return the room all points take, to within a cell as fine as there is time for; None
        where there are no points."""
        if not self.placed:
            return None
        cells = next((one for one in self.cells if len(one) <= _EXTENT_CELLS), self.cells[-1])
        codes = cells.codes if cells.first is None else cells.codes[cells.first]
        x, y = positions(codes)  # somewhere in their cells
        side = 1.0 / 2**cells.level
        left, top = math.floor(x.min() / side), math.floor(y.min() / side)
        right, bottom = math.floor(x.max() / side) + 1, math.floor(y.max() / side) + 1
        return left * side, top * side, right * side, bottom * side

    def index_for(self, level: int) -> int:
        """Return which of ``cells`` has the level, or is the finer next to it: the points."""
        return max(i for i, cells in enumerate(self.cells) if cells.level >= level)


def build_pyramid(latitude_deg: Floats, longitude_deg: Floats) -> PointPyramid:
    """Sort n points and build the levels above them. Takes about 0.3 s a million."""
    codes = _codes_of(latitude_deg, longitude_deg)
    along = np.argsort(codes)
    order = along.astype(np.uint32)
    codes = codes[along]
    del along
    placed = int(np.searchsorted(codes, _NOWHERE))
    codes, order = codes[:placed], order[:placed]
    cells = [Cells(_POINT_LEVEL, codes, None, None)]
    for level in _LEVELS:
        first = _first_of_cells(cells[-1], level)
        within = ROW_BY_ROW[_along_block(codes[first], level)]
        cells.append(Cells(level, codes, first, within))
    return PointPyramid(order, tuple(cells), len(latitude_deg))


def rank_points(
    pyramid: PointPyramid, classes: NDArray[np.uint8], selected: NDArray[np.bool_] | None
) -> Ranks:
    """Return the rank of every point along the curve.

    ``classes`` and ``selected`` are of the points as given; None selects all.
    """
    given = classes + np.uint8(1)
    if selected is None:
        given += np.uint8(SELECTED)
    else:
        given += selected.view(np.uint8) * np.uint8(SELECTED)
    return given.take(pyramid.order)


def positions(codes: Codes) -> tuple[Floats, Floats]:
    """Return world x and y of points along the curve."""
    scale = 1.0 / 2**_POINT_LEVEL
    return _every_other_bit(codes) * scale, _every_other_bit(codes >> np.uint64(1)) * scale


def _codes_of(latitude_deg: Floats, longitude_deg: Floats) -> Codes:
    codes = np.full(len(latitude_deg), _NOWHERE)
    for start in range(0, len(codes), _CHUNK):
        part = slice(start, start + _CHUNK)
        x, y = project(latitude_deg[part], longitude_deg[part])
        known = np.isfinite(x) & np.isfinite(y)
        code = _interleave(_steps(x[known]), _steps(y[known]))
        codes[part][known] = np.minimum(code, _NOWHERE - np.uint64(1))
    return codes


def _steps(world: Floats) -> Codes:
    return np.clip(world * 2.0**_POINT_LEVEL, 0, 2.0**_POINT_LEVEL - 1).astype(np.uint64)


def _first_of_cells(finer: Cells, level: int) -> NDArray[np.uint32]:
    """Return the place of the first point of every occupied cell of ``level``."""
    codes = finer.codes if finer.first is None else finer.codes[finer.first]
    cell = codes >> np.uint64(2 * (_POINT_LEVEL - level))
    is_first = np.ones(len(cell), dtype=bool)
    np.not_equal(cell[1:], cell[:-1], out=is_first[1:])
    if finer.first is None:
        return np.flatnonzero(is_first).astype(np.uint32)
    return finer.first[is_first]


def _along_block(codes: Codes, level: int) -> NDArray[np.uint16]:
    """Return which cell of ``level`` points are in, counted along the curve within its block."""
    shift = np.uint64(2 * (_POINT_LEVEL - level))
    return (codes >> shift).astype(np.uint16) & np.uint16(BLOCK_CELLS**2 - 1)


def _touched(low: float, high: float, level: int) -> NDArray[np.int64]:
    count = 2**level
    first, last = int(np.floor(low * count)), int(np.floor(high * count))
    return np.arange(max(0, first), min(count - 1, last) + 1)


# Masks of Morton's interleaving: each step halves the runs of bits.
_MASKS = tuple(
    np.uint64(mask)
    for mask in (
        0x00000000FFFFFFFF, 0x0000FFFF0000FFFF, 0x00FF00FF00FF00FF,
        0x0F0F0F0F0F0F0F0F, 0x3333333333333333, 0x5555555555555555,
    )
)  # fmt: skip


def _spread(value: Codes) -> Codes:
    for shift, mask in zip((16, 8, 4, 2, 1), _MASKS[1:], strict=True):
        value = (value | (value << np.uint64(shift))) & mask
    return value


def _interleave(column: Codes, row: Codes) -> Codes:
    """Return the place along the Z-order curve: bits of ``row`` above those of ``column``."""
    return _spread(column) | (_spread(row) << np.uint64(1))


def _every_other_bit(code: Codes) -> Codes:
    code = code & _MASKS[-1]
    for shift, mask in zip((1, 2, 4, 8, 16), reversed(_MASKS[:-1]), strict=True):
        code = (code | (code >> np.uint64(shift))) & mask
    return code


def _row_by_row() -> NDArray[np.uint16]:
    """Return, per cell of a block along the curve, its place in rows."""
    along = np.arange(BLOCK_CELLS**2, dtype=np.uint64)
    row, column = _every_other_bit(along >> np.uint64(1)), _every_other_bit(along)
    return (row * np.uint64(BLOCK_CELLS) + column).astype(np.uint16)


ROW_BY_ROW = _row_by_row()
