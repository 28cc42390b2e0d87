"""Rows of an SQLite table as the bytes they are in its file, made a column at a time.

SQLite takes rows one by one, 35 values each, and so would Python have to make them; columns are
there already. Format: https://www.sqlite.org/fileformat2.html, section 2.1, fixed for good. Knows
nothing of pages but what fits into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PAGE_BYTES = 65_536  # the largest: few pages, and no row is cut in two
_MOST_CELL_BYTES = PAGE_BYTES - 35  # longer ones would go on in overflow pages
_NULL, _INTEGER, _REAL, _FALSE, _BLOB, _TEXT = 0, 6, 7, 8, 12, 13  # serial types


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows as they stand in a leaf page, one after the other; row ``i`` has the number
    ``numbers[i]`` and begins at ``starts[i]``; ``starts`` has one more than there are rows."""

    numbers: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    content: memoryview


def cells_of(table: pa.Table, numbers: npt.NDArray[np.int64]) -> Cells:
    """Return the rows of ``table`` behind their number; ``numbers`` rise.

    Columns are double, int64, bool, large_string and large_binary; the number itself stands as a
    NULL before them, as SQLite keeps it. Raises ValueError for a row too long for a page.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = len(table)
    serials = np.zeros((rows, 1 + table.num_columns), dtype=np.uint32)
    bodies = _Bodies(rows)
    for place, column in enumerate(table.columns, 1):
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        serials[:, place] = bodies.add(array)
    contents, content_bytes = bodies.taken()
    header_starts, of_serials = _header(serials)
    header_bytes = np.diff(header_starts) + 1  # its own length is part of it
    header_bytes += header_bytes > 127
    cells = pc.binary_join_element_wise(
        _binary(*varints((header_bytes + content_bytes).astype(np.uint64))),
        _binary(*varints(numbers.astype(np.uint64))),
        _binary(*varints(header_bytes.astype(np.uint64))),
        _binary(header_starts, of_serials),
        *contents,
        pa.scalar(b"", pa.large_binary()),
    )
    starts = _offsets(cells)
    if np.diff(starts).max(initial=0) > _MOST_CELL_BYTES:
        raise ValueError("a row is longer than a page")
    return Cells(numbers, starts, memoryview(cells.buffers()[2] or b""))


def _header(
    serials: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return the serial types of each row as they are written: where they begin, and all bytes."""
    import numpy as np

    rows, columns = serials.shape
    if serials.max(initial=0) < 128:  # no text of 58 bytes or more
        return np.arange(rows + 1) * columns, serials.astype(np.uint8).ravel()
    starts, data = varints(serials.ravel())
    return starts[::columns], data


class _Bodies:
    """Contents of columns, in their order. Neighbours that the same rows lack, each as wide in all
    others, are put together: joining is what costs."""

    def __init__(self, rows: int) -> None:
        import numpy as np

        self._rows = rows
        self._lengths = np.zeros(rows, dtype=np.int64)
        self._arrays: list[pa.Array] = []
        self._every = self._known = np.ones(rows, dtype=bool)
        self._even: list[npt.NDArray[np.uint8]] = []  # a line of bytes for each row that is known

    def add(self, column: pa.Array) -> npt.NDArray[np.uint64] | int:
        """Take a column; return its serial types, or the one of all. A missing value has no
        content."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if column.null_count == self._rows:
            return _NULL
        whole = not column.null_count
        known = self._every if whole else np.asarray(pc.is_valid(column))
        if pa.types.is_boolean(column.type):
            truth = np.asarray(pc.fill_null(column, fill_value=False))
            return np.where(known, _FALSE + truth, _NULL)
        if pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type):
            serial = _TEXT if pa.types.is_large_string(column.type) else _BLOB
            sizes = self._put_words(column, known)
            return np.where(known, serial + 2 * sizes, _NULL)
        is_real = pa.types.is_float64(column.type)
        values = np.frombuffer(column.buffers()[1], dtype="<f8" if is_real else "<i8")
        values = values[column.offset : column.offset + self._rows]
        values = (values if whole else values[known]).astype(">f8" if is_real else ">i8")
        self._put_even(values.view(np.uint8), 8, known)
        serial = _REAL if is_real else _INTEGER
        return serial if whole else np.where(known, serial, _NULL)

    def taken(self) -> tuple[list[pa.Array], npt.NDArray[np.int64]]:
        """Return all contents, and how many bytes they are in each row."""
        self._join_even()
        return self._arrays, self._lengths

    def _put_words(self, column: pa.Array, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Take texts or bytes; return how many bytes each of them is."""
        import numpy as np
        import pyarrow as pa

        body = column.cast(pa.large_binary())
        if column.null_count:
            body = body.fill_null(b"")
        starts = _offsets(body)
        sizes = np.diff(starts)
        width = int(sizes[int(np.argmax(known))])
        if width and bool((sizes == width * known).all()):
            content = np.frombuffer(body.buffers()[2], dtype=np.uint8)
            self._put_even(content[starts[0] : starts[-1]], width, known)
        else:
            self._join_even()
            self._arrays.append(body)
            self._lengths += sizes
        return sizes

    def _put_even(
        self, content: npt.NDArray[np.uint8], width: int, known: npt.NDArray[np.bool_]
    ) -> None:
        import numpy as np

        if self._even and known is not self._known and not np.array_equal(known, self._known):
            self._join_even()
        self._known = known
        self._even.append(content.reshape(-1, width))

    def _join_even(self) -> None:
        import numpy as np

        if self._even:
            together = np.concatenate(self._even, axis=1)
            sizes = self._known * together.shape[1]
            ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
            self._arrays.append(_binary(ends, together))
            self._lengths += sizes
            self._even = []


def varints(
    values: npt.NDArray[np.unsignedinteger[Any]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return numbers below 2**35 as SQLite's variable-length integers: where each begins (one more
    than there are numbers), and their bytes."""
    import numpy as np

    if not len(values):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    values = values.astype(np.uint64)
    least, most = (_varint_bytes(int(end)) for end in (values.min(), values.max()))
    if least == most:  # as neighbours mostly are
        lines = np.empty((len(values), most), dtype=np.uint8)
        for place in range(most):
            lines[:, place] = (values >> np.uint64(7 * (most - 1 - place))) & np.uint64(0x7F)
        lines[:, :-1] |= 0x80
        return np.arange(len(values) + 1, dtype=np.int64) * most, lines.ravel()
    sizes = np.ones(len(values), dtype=np.int64)
    for bits in (7, 14, 21, 28):
        sizes += values >= np.uint64(1 << bits)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    data = np.empty(int(starts[-1]), dtype=np.uint8)
    for place in range(int(sizes.max(initial=0))):
        there = sizes > place
        behind = (sizes[there] - 1 - place).astype(np.uint64)
        low = (values[there] >> (behind * np.uint64(7))) & np.uint64(0x7F)
        data[starts[:-1][there] + place] = low | np.where(behind > 0, 0x80, 0).astype(np.uint64)
    return starts, data


def _varint_bytes(value: int) -> int:
    return max(1, -(-value.bit_length() // 7))


def _binary(starts: npt.NDArray[np.int64], data: npt.NDArray[np.generic]) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    offsets = np.ascontiguousarray(starts, dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def _offsets(array: pa.Array) -> npt.NDArray[np.int64]:
    import numpy as np

    return np.frombuffer(array.buffers()[1], dtype=np.int64)[
        array.offset : array.offset + len(array) + 1
    ]
