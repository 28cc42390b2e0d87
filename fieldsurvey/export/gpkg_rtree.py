"""SQLite's R-tree over points, packed as a whole instead of point by point.

Seconds of a drive lie along a road, so neighbours in the file are neighbours on the map: each node
takes the next 51 of them. Format: the comment at the head of SQLite's ``rtree.c`` (nodes are big
endian; the root alone tells the depth) and its documentation, section 5. Coordinates are 32 bit;
boxes are rounded outwards, as SQLite does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldsurvey.export.sqlite_cells import Cells, cells_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl
    import pyarrow as pa

MOST_CELLS = 51  # SQLite's own bound
_CELL_BYTES, _HEAD_BYTES = 24, 4
NODE_BYTES = _HEAD_BYTES + MOST_CELLS * _CELL_BYTES
_ROOT = 1
_ROWS_AT_ONCE = 32_768


@dataclass(slots=True)
class PackedIndex:
    """Collects points, 24 bytes each, and gives the rows of the index's three tables: the nodes,
    of which the first is the root; for each the one above it; and for each point its leaf."""

    _ids: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _boxes: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def add(self, first_row: int, longitudes_deg: pl.Series, latitudes_deg: pl.Series) -> None:
        """Take the points of rows numbered from ``first_row`` on; null is none."""
        import numpy as np

        known = (longitudes_deg.is_not_null() & latitudes_deg.is_not_null()).to_numpy()
        self._ids.append(np.flatnonzero(known) + first_row)
        sides = []
        for degrees in (longitudes_deg, latitudes_deg):
            exact = degrees.to_numpy()[known]
            near = exact.astype(np.float32)
            below = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
            above = np.where(near < exact, np.nextafter(near, np.float32(np.inf)), near)
            sides += [below, above]
        self._boxes.append(np.stack(sides, axis=1).astype(np.float32))

    def pack(self) -> tuple[Iterator[Cells], Iterator[Cells], Iterator[Cells]]:
        """Return the rows of the tables ``_node``, ``_parent`` and ``_rowid``, in this order, to be
        drawn piece by piece."""
        import numpy as np

        ids = np.concatenate([np.zeros(0, np.int64), *self._ids])
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *self._boxes])
        self._ids.clear()
        self._boxes.clear()
        point_ids, leaf_of_point = ids, np.full(len(ids), _ROOT)
        depth, next_node = 0, _ROOT + 1
        nodes: list[npt.NDArray[np.uint8]] = []
        children, parents = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        while len(ids) > MOST_CELLS:
            firsts = np.arange(0, len(ids), MOST_CELLS)
            numbers = next_node + np.arange(len(firsts))
            next_node += len(firsts)
            of_cell = np.repeat(numbers, MOST_CELLS)[: len(ids)]
            if depth == 0:
                leaf_of_point = of_cell
            else:
                children.append(ids)
                parents.append(of_cell)
            nodes.append(_nodes(0, ids, boxes))
            low = np.minimum.reduceat(boxes[:, [0, 2]], firsts)
            high = np.maximum.reduceat(boxes[:, [1, 3]], firsts)
            ids, boxes = numbers, np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
            depth += 1
        if depth:
            children.append(ids)
            parents.append(np.full(len(ids), _ROOT))
        data = np.concatenate([_nodes(depth, ids, boxes), *nodes])
        of_nodes = _rows("data", _blobs(data), np.arange(len(data)) + _ROOT)
        of_children = _rows("parentnode", np.concatenate(parents), np.concatenate(children))
        return of_nodes, of_children, _rows("nodeno", leaf_of_point, point_ids)


def _rows(
    name: str, values: npt.NDArray[np.int64] | pa.Array, numbers: npt.NDArray[np.int64]
) -> Iterator[Cells]:
    import pyarrow as pa

    table = pa.table({name: values})
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        yield cells_of(table[part], numbers[part])


def _nodes(
    depth: int, ids: npt.NDArray[np.int64], boxes: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """Return a line of bytes for each 51 cells, and one where there is none."""
    import numpy as np

    count = max(1, -(-len(ids) // MOST_CELLS))
    cells = np.zeros(count * MOST_CELLS, dtype=[("id", ">i8"), ("box", ">f4", (4,))])
    cells["id"][: len(ids)], cells["box"][: len(ids)] = ids, boxes
    nodes = np.empty((count, NODE_BYTES), dtype=np.uint8)
    nodes[:, _HEAD_BYTES:] = cells.view(np.uint8).reshape(count, -1)
    heads = np.full((count, 2), (depth, MOST_CELLS), dtype=">u2")
    heads[-1, 1] = len(ids) - (count - 1) * MOST_CELLS
    nodes[:, :_HEAD_BYTES] = heads.view(np.uint8)
    return nodes


def _blobs(lines: npt.NDArray[np.uint8]) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    starts = np.arange(len(lines) + 1, dtype=np.int64) * lines.shape[1]
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(lines)]
    return pa.Array.from_buffers(pa.large_binary(), len(lines), buffers)
