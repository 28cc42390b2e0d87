"""A grid over line segments that says which of them are within their reach of a point.

Exact, not approximate: a segment is entered into every cell its reach touches, so one cell holds
all that can match a point in it, whatever the cell size. Knows planes and numbers only; must not
know what a road or a settlement is.
"""

from dataclasses import dataclass

import numpy as np

from fieldsurvey.places.geometry import Floats, Ints

_CHUNK_POINTS = 65_536  # keeps the work of one chunk inside the processor's caches
_ENTRIES_PER_SEGMENT = 8  # cells are made larger until it is so: memory and time to build
_FEW_ENTRIES = 200_000
_HALF_DIAGONAL = 0.7072
_POINT = 1e-9  # what is shorter has no direction


@dataclass(frozen=True, slots=True)
class Candidates:
    """Segments that may be within reach, grouped by point: one entry per (point, segment).

    ``starts`` is where each group begins; ``points[i]`` is the point of group ``i``. Points
    without any candidate are absent. Distances are in plane units.
    """

    points: Ints
    starts: Ints
    counts: Ints
    segments: Ints
    distance: Floats
    fraction: Floats  # of the segment, 0 at its first end: where the foot is

    def first_lowest(self, cost: Floats) -> Ints:
        """Return, per group, the position of its lowest ``cost`` (the first one of a tie)."""
        lowest = np.minimum.reduceat(cost, self.starts)
        positions = np.flatnonzero(cost == np.repeat(lowest, self.counts))
        group = np.searchsorted(self.starts, positions, side="right") - 1
        first = np.ones(len(group), bool)
        first[1:] = group[1:] != group[:-1]
        return positions[first]


class SegmentGrid:
    """Segments ``a`` to ``b`` (arrays of n plane coordinates) with a ``reach`` each.

    A segment may be a point. Reaches and coordinates share the plane's unit.
    """

    def __init__(self, ax: Floats, ay: Floats, bx: Floats, by: Floats, reach: Floats) -> None:
        dx, dy = bx - ax, by - ay
        squared = dx * dx + dy * dy
        inverse = np.divide(1.0, squared, out=np.zeros_like(squared), where=squared > _POINT**2)
        self._ax, self._ay, self._dx, self._dy = ax, ay, dx, dy
        self._inverse_squared, self._reach = inverse, reach
        self._cell = _cell_size(np.sqrt(squared), reach)
        segment, column, row = self._rasterise()
        self._column_0 = int(column.min(initial=0))
        self._row_0 = int(row.min(initial=0))
        self._columns = int(column.max(initial=0)) - self._column_0 + 1
        self._rows = int(row.max(initial=0)) - self._row_0 + 1
        key = self._key(column, row)
        order = np.argsort(key, kind="stable")  # within a cell: by segment, so ties are settled
        self._entries = segment[order].astype(np.int32)
        self._cells, self._cell_starts, self._cell_counts = np.unique(
            key[order], return_index=True, return_counts=True
        )

    def _key(self, column: Ints, row: Ints) -> Ints:
        return (row - self._row_0) * self._columns + (column - self._column_0)

    def _rasterise(self) -> tuple[Ints, Ints, Ints]:
        """Return (segment, column, row) of every cell within reach of every segment."""
        cell = self._cell
        low_y = np.minimum(self._ay, self._ay + self._dy) - self._reach
        high_y = np.maximum(self._ay, self._ay + self._dy) + self._reach
        segment, row = _ranges(_floor(low_y / cell), _floor(high_y / cell))
        # The part of the segment that can matter to a row lies within reach of the row's band.
        ax, ay, dx, dy = (v[segment] for v in (self._ax, self._ay, self._dx, self._dy))
        reach = self._reach[segment]
        steep = np.abs(dy) > _POINT
        safe_dy = np.where(steep, dy, 1.0)
        below = np.where(steep, (row * cell - reach - ay) / safe_dy, 0.0)
        above = np.where(steep, ((row + 1) * cell + reach - ay) / safe_dy, 1.0)
        x_enter = ax + np.clip(np.minimum(below, above), 0.0, 1.0) * dx
        x_leave = ax + np.clip(np.maximum(below, above), 0.0, 1.0) * dx
        strip, column = _ranges(
            _floor((np.minimum(x_enter, x_leave) - reach) / cell),
            _floor((np.maximum(x_enter, x_leave) + reach) / cell),
        )
        segment, row = segment[strip], row[strip]
        # Drop the cells of the strip's corners: fewer entries, faster look-ups.
        centre_x, centre_y = (np.asarray((v + 0.5) * cell, np.float64) for v in (column, row))
        distance, _ = self._measure(segment, centre_x, centre_y)
        near = distance <= self._reach[segment] + cell * _HALF_DIAGONAL
        return segment[near], column[near], row[near]

    def _measure(self, segment: Ints, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return distance and foot of point i on ``segment[i]``."""
        east, north = x - self._ax[segment], y - self._ay[segment]
        dx, dy = self._dx[segment], self._dy[segment]
        fraction = (east * dx + north * dy) * self._inverse_squared[segment]
        np.clip(fraction, 0.0, 1.0, out=fraction)
        east -= fraction * dx
        north -= fraction * dy
        return np.sqrt(east * east + north * north), fraction

    def candidates(self, x: Floats, y: Floats) -> Candidates:
        """Return, for n points, every segment entered into the point's cell: all within reach and
        some beyond, the caller judges. Memory grows with n, so cut many by :meth:`chunks`."""
        column = _floor(x / self._cell)
        row = _floor(y / self._cell)
        inside = np.flatnonzero(
            (column >= self._column_0)
            & (column < self._column_0 + self._columns)
            & (row >= self._row_0)
            & (row < self._row_0 + self._rows)
            & bool(len(self._cells))
        )
        key = self._key(column[inside], row[inside])
        order = np.argsort(key)  # neighbours together: look-up and gathering stay in the cache
        key = key[order]
        cell = np.searchsorted(self._cells, key)
        occupied = self._cells[cell.clip(max=len(self._cells) - 1)] == key
        points, cell = inside[order][occupied], cell[occupied]
        counts = self._cell_counts[cell]
        starts = np.cumsum(counts) - counts
        entry = np.arange(counts.sum()) + np.repeat(self._cell_starts[cell] - starts, counts)
        segments = self._entries[entry].astype(np.int64)
        distance, fraction = self._measure(
            segments, np.repeat(x[points], counts), np.repeat(y[points], counts)
        )
        return Candidates(points, starts, counts, segments, distance, fraction)

    @staticmethod
    def chunks(count: int) -> list[slice]:
        """Return slices that cut ``count`` points into portions for :meth:`candidates`."""
        return [slice(i, i + _CHUNK_POINTS) for i in range(0, count, _CHUNK_POINTS)]


def _floor(values: Floats) -> Ints:
    return np.floor(values).astype(np.int64)


def _ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return (owner, value) for every whole number from ``first[owner]`` to ``last[owner]``."""
    counts = last - first + 1
    owner = np.repeat(np.arange(len(first)), counts)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner] + offset


def _cell_size(length: Floats, reach: Floats) -> float:
    """Return twice the smallest reach (measured: fastest), or more where memory asks for it."""
    if not len(reach):
        return 1.0
    cell = 2.0 * float(reach.min())
    affordable = max(_FEW_ENTRIES, _ENTRIES_PER_SEGMENT * len(reach))
    while float((((length + 2 * reach) / cell + 1) * (2 * reach / cell + 1)).sum()) > affordable:
        cell *= 1.5
    return cell
