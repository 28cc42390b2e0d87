"""SQLite's R-tree over points, packed as a whole instead of point by point.

Seconds of a drive lie along a road, so neighbours in the file are neighbours on the map: each node
takes the next 51 of them. Format: the comment at the head of SQLite's ``rtree.c`` (nodes are big
endian; the root alone tells the depth) and its documentation, section 5. Coordinates are 32 bit;
boxes are rounded outwards, as SQLite does.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldsurvey.export.sqlite_pages import Cells, cells_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

MOST_CELLS = 51  # SQLite's own bound
_CELL_BYTES, _HEAD_BYTES = 24, 4
NODE_BYTES = _HEAD_BYTES + MOST_CELLS * _CELL_BYTES
_ROOT = 1


@dataclass(slots=True)
class PackedIndex:
    """Collects points, 24 bytes each, and gives the rows of the index's three tables.

    ``nodes``: number → node, the first is the root. ``parents``: node → the one above it.
    """

    nodes: dict[int, bytes] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
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

    def pack(self) -> Cells:
        """Make the nodes; return the rows of the table that leads from a point to its leaf."""
        import numpy as np
        import pyarrow as pa

        ids = np.concatenate([np.zeros(0, np.int64), *self._ids])
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *self._boxes])
        self._ids.clear()
        self._boxes.clear()
        point_ids, leaf_of_point = ids, np.full(len(ids), _ROOT)
        depth, next_node = 0, _ROOT + 1
        while len(ids) > MOST_CELLS:
            firsts = np.arange(0, len(ids), MOST_CELLS)
            numbers = next_node + np.arange(len(firsts))
            next_node += len(firsts)
            of_cell = np.repeat(numbers, MOST_CELLS)[: len(ids)]
            if depth == 0:
                leaf_of_point = of_cell
            else:
                self.parents.update(zip(ids.tolist(), of_cell.tolist(), strict=True))
            for number, first in zip(numbers.tolist(), firsts.tolist(), strict=True):
                part = slice(first, first + MOST_CELLS)
                self.nodes[number] = _node(0, ids[part], boxes[part])
            low = np.minimum.reduceat(boxes[:, [0, 2]], firsts)
            high = np.maximum.reduceat(boxes[:, [1, 3]], firsts)
            ids, boxes = numbers, np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
            depth += 1
        if depth:
            self.parents.update(dict.fromkeys(ids.tolist(), _ROOT))
        self.nodes[_ROOT] = _node(depth, ids, boxes)
        return cells_of(pa.table({"nodeno": leaf_of_point}), point_ids)


def _node(depth: int, ids: npt.NDArray[np.int64], boxes: npt.NDArray[np.float32]) -> bytes:
    import numpy as np

    cells = np.empty(len(ids), dtype=[("id", ">i8"), ("box", ">f4", (4,))])
    cells["id"], cells["box"] = ids, boxes
    head = struct.pack(">HH", depth, len(ids))
    return (head + cells.tobytes()).ljust(NODE_BYTES, b"\0")
