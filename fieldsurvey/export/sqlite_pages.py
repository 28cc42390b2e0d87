"""Pages with the rows of an SQLite table, added to its file.

The format is fixed for good (https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1), and a
table that only grows by ascending number is the plainest part of it. SQLite itself makes the file
and everything else in it; this only adds the rows of large tables (:mod:`sqlite_cells`). Must not
be used on a table that has rows, or an index.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export.sqlite_cells import PAGE_BYTES, Cells, varints

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_LEAF, _INTERIOR = 13, 5
_LEAF_HEAD, _INTERIOR_HEAD = 8, 12


class PageWriter:
    """Appends pages to the file of a database that nobody else has open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0, 2)
        self._pages = file.tell() // PAGE_BYTES

    def write(self, page: Sequence[bytes | memoryview]) -> int:
        """Append a page, given in parts, and return its number; the first of a file is 1."""
        for part in page:
            self._file.write(part)
        self._pages += 1
        return self._pages

    def write_at(self, number: int, page: Sequence[bytes | memoryview]) -> None:
        """Write a page in the place of another one."""
        self._file.seek((number - 1) * PAGE_BYTES)
        for part in page:
            self._file.write(part)
        self._file.seek(0, 2)

    def finish(self) -> None:
        """Tell the file's header how many pages there are now, and that it knows."""
        self._file.seek(24)
        (changes,) = struct.unpack(">I", self._file.read(4))
        self._file.seek(24)
        self._file.write(struct.pack(">II", changes + 1, self._pages))
        self._file.seek(92)
        self._file.write(struct.pack(">I", changes + 1))


class TableWriter:
    """The rows of one empty table, whose root page is ``root``."""

    def __init__(self, pages: PageWriter, root: int) -> None:
        self._pages = pages
        self._root = root
        self._children: list[tuple[int, int]] = []  # page, number of its last row
        self._waiting: tuple[Sequence[bytes | memoryview], int] | None = None

    def add(self, cells: Cells) -> None:
        """Write the next rows, in pages of their own."""
        import numpy as np

        starts = cells.starts
        # A row takes its bytes and two for its place.
        taken = starts + 2 * np.arange(len(starts))
        first = 0
        while first < len(starts) - 1:
            room = taken[first] + PAGE_BYTES - _LEAF_HEAD
            end = int(np.searchsorted(taken, room, side="right")) - 1
            page = _leaf(cells.content, starts[first : end + 1])
            self._keep(page, int(cells.numbers[end - 1]))
            first = end

    def _keep(self, page: Sequence[bytes | memoryview], last_row: int) -> None:
        """Write a page once it is known not to be the only one: that will be the root itself."""
        if self._waiting is not None:
            waiting, row = self._waiting
            self._children.append((self._pages.write(waiting), row))
        self._waiting = page, last_row

    def finish(self) -> None:
        """Write the pages that lead to the rows; the topmost becomes the table's root."""
        if self._waiting is None:
            return
        page, row = self._waiting
        if not self._children:
            self._pages.write_at(self._root, page)
            return
        level = [*self._children, (self._pages.write(page), row)]
        while len(level) > _MOST_CHILDREN:
            # Evenly: a page that leads to one other alone is none to SQLite.
            groups = -(-len(level) // _MOST_CHILDREN)
            ends = [len(level) * number // groups for number in range(groups + 1)]
            level = [
                (self._pages.write(_interior(level[a:b])), level[b - 1][1])
                for a, b in itertools.pairwise(ends)
            ]
        self._pages.write_at(self._root, _interior(level))


_MOST_CHILDREN = (PAGE_BYTES - _INTERIOR_HEAD) // (4 + 5 + 2)


def _leaf(content: memoryview, starts: npt.NDArray[np.int64]) -> list[bytes | memoryview]:
    count, size = len(starts) - 1, int(starts[-1] - starts[0])
    begin = PAGE_BYTES - size
    places = (begin + starts[:-1] - starts[0]).astype(">u2").tobytes()
    head = struct.pack(">BHHHB", _LEAF, 0, count, begin % 65_536, 0) + places
    return [head.ljust(begin, b"\0"), content[int(starts[0]) : int(starts[-1])]]


def _interior(children: Sequence[tuple[int, int]]) -> list[bytes | memoryview]:
    """Return a page that leads to others; the last of them is named in its head."""
    import numpy as np

    places, cells, at = [], [], PAGE_BYTES
    starts, keys = varints(np.array([row for _page, row in children[:-1]], dtype=np.uint64))
    content = keys.tobytes()
    ends = itertools.pairwise(starts.tolist())
    for (page, _row), (start, end) in zip(children[:-1], ends, strict=True):
        cell = struct.pack(">I", page) + content[start:end]
        at -= len(cell)
        places.append(at)
        cells.append(cell)
    head = struct.pack(">BHHHBI", _INTERIOR, 0, len(places), at % 65_536, 0, children[-1][0])
    head += struct.pack(f">{len(places)}H", *places)
    return [head.ljust(at, b"\0"), *reversed(cells)]
