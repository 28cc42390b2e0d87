"""Logs in columns (TSV, CSV and their cousins) as frames of text, read in bounded memory.

Columns are found by their names, in any order. A line that cannot be trusted (torn off, with cells
too many, with bytes that are no text) is kept aside with its number and never squeezed into place.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldsurvey.export.source import Source

if TYPE_CHECKING:
    import polars as pl

PIECE_ROWS = 20_000
LINE = "line"  # the column with the number of the line in the file
_DELIMITERS = "\t,;|"
_HEADER_WITHIN_LINES = 60  # some tools write a preamble
_LOOKED_AT_ROWS = 200
_BLOCK_CHARACTERS = 4_000_000
_BROKEN = "[\0\N{REPLACEMENT CHARACTER}]"


@dataclass(frozen=True, slots=True)
class OddRow:
    """What was not understood. ``reason`` is a message id without its area (``import.odd_*``)."""

    line: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: ``names`` are normalised, in the order of the file."""

    delimiter: str
    names: tuple[str, ...]
    header_line: int
    usual_width: int  # cells that most rows have


@dataclass(slots=True)
class TextPiece:
    """Some rows: a column of text for each name and ``line``; what was odd among them."""

    frame: pl.DataFrame
    odd: list[OddRow] = field(default_factory=list)
    repeated_headers: int = 0
    share: float = 0.0  # of the file that was read by now


def normalised(name: str) -> str:
    """Return a column's name without what differs between versions of a tool."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_layout(source: Source, known: Callable[[set[str]], bool]) -> Layout | None:
    """Return the layout whose header has columns that ``known`` accepts, or None."""
    lines = source.head_text.splitlines()
    for number, line in enumerate(lines[:_HEADER_WITHIN_LINES]):
        if line.startswith("#") or not line.strip():
            continue
        delimiter = max(_DELIMITERS, key=line.count)
        (cells,) = _reader([line], delimiter)
        names = tuple(normalised(cell) for cell in cells)
        if known({name for name in names if name}):
            while names and not names[-1]:  # a delimiter at the end of the line
                names = names[:-1]
            width = _usual_width(lines[number + 1 : number + 1 + _LOOKED_AT_ROWS], delimiter)
            return Layout(delimiter, names, number + 1, width or len(names))
    return None


def read_pieces(source: Source, layout: Layout) -> Iterator[TextPiece]:
    """Yield the rows below the header.

    Lines are cut by columns as long as no quote is met; from there on the csv module reads, since
    a quoted cell may go on in the next line.
    """
    quotes = layout.delimiter != "\t"
    with source.opened_text() as (stream, share):
        for _ in range(layout.header_line):
            stream.readline()
        line = layout.header_line + 1
        while block := stream.readlines(_BLOCK_CHARACTERS):
            if quotes and any('"' in one for one in block):
                yield from _read_quoted(itertools.chain(block, stream), layout, line, share)
                return
            yield _cut(block, layout, line, share())
            line += len(block)
        yield TextPiece(_frame([], [], layout), share=1.0)


def _cut(block: list[str], layout: Layout, first_line: int, share: float) -> TextPiece:
    """Read lines without quotes, a column at a time."""
    import polars as pl

    lines = pl.Series(block, dtype=pl.String).str.strip_chars_end("\r\n")
    cells = lines.str.split(layout.delimiter)
    width = cells.list.len().cast(pl.Int64)
    names = layout.names
    whole = max(len(names), layout.usual_width)
    nothing = lines.str.strip_chars(f" {layout.delimiter}") == ""
    ignored = nothing | lines.str.starts_with("#")
    plain = ~ignored & ~lines.str.contains(_BROKEN) & (width >= min(len(names), layout.usual_width))
    plain &= (width <= whole) & ~lines.str.contains(r"^[\s\x{FEFF}]*\pL")
    careful = _Rows(layout)
    for at in (~(plain | ignored)).arg_true().to_list():
        careful.add(first_line + at, cells[at].to_list())
    rows = {LINE: pl.int_range(first_line, first_line + len(lines), eager=True).filter(plain)}
    kept = cells.filter(plain)
    for place, name in enumerate(names):
        if name and name not in rows:
            rows[name] = kept.list.get(place, null_on_oob=True).fill_null("")
    piece = careful.taken(share)
    piece.frame = pl.concat([pl.DataFrame(rows), piece.frame]).sort(LINE)
    return piece


def _read_quoted(
    lines: Iterable[str], layout: Layout, first_line: int, share: Callable[[], float]
) -> Iterator[TextPiece]:
    rows = _Rows(layout)
    for line, cells in _numbered(_reader(lines, layout.delimiter), first_line):
        rows.add(line, cells)
        if len(rows) >= PIECE_ROWS:
            yield rows.taken(share())
    yield rows.taken(1.0)


def _frame(lines: list[int], rows: list[list[str]], layout: Layout) -> pl.DataFrame:
    import polars as pl

    columns = zip(*rows, strict=True) if rows else [()] * len(layout.names)
    data = {LINE: pl.Series(lines, dtype=pl.Int64)}
    for name, values in zip(layout.names, columns, strict=True):
        if name and name not in data:
            data[name] = pl.Series(values, dtype=pl.String)
    return pl.DataFrame(data)


Cells = list[str] | csv.Error


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter == "\t":
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter)


def _numbered(reader: Iterator[list[str]], first_line: int) -> Iterator[tuple[int, Cells]]:
    """Yield each row, or why it is none, with the number of its first line."""
    while True:
        line = first_line + reader.line_num  # type: ignore[attr-defined] # of csv.reader
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, error


def _usual_width(lines: list[str], delimiter: str) -> int | None:
    widths = Counter(len(cells) for cells in _reader(lines, delimiter) if cells)
    return widths.most_common(1)[0][0] if widths else None


class _Rows:
    """Rows on their way into a frame, looked at one by one."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._width = len(layout.names)
        self._least = min(self._width, layout.usual_width)
        self._cells: list[list[str]] = []
        self._lines: list[int] = []
        self._odd: list[OddRow] = []
        self._repeated_headers = 0

    def __len__(self) -> int:
        return len(self._lines) + len(self._odd)

    def add(self, line: int, cells: Cells) -> None:
        """Take a row, unless it is empty, a header once more, or odd."""
        if isinstance(cells, csv.Error):
            self._put_aside(line, "odd_row", [str(cells)])
            return
        if not any(cells) or cells[0].startswith("#"):
            return
        if re.search(_BROKEN, "".join(cells)):
            self._put_aside(line, "odd_bytes", cells)
        elif tuple(map(normalised, cells[: self._width])) == self._layout.names:
            self._repeated_headers += 1
        elif len(cells) < self._least:
            self._put_aside(line, "odd_short", cells)
        elif len(cells) > self._width and self._beyond(cells):
            self._put_aside(line, "odd_long", cells)
        else:
            self._cells.append((cells + [""] * self._width)[: self._width])
            self._lines.append(line)

    def _beyond(self, cells: list[str]) -> bool:
        """Tell whether there are more cells than this file's rows have."""
        return any(cell.strip() for cell in cells[max(self._width, self._layout.usual_width) :])

    def _put_aside(self, line: int, reason: str, cells: list[str]) -> None:
        self._odd.append(OddRow(line, reason, self._layout.delimiter.join(cells)))

    def taken(self, share: float) -> TextPiece:
        """Return what is there, and begin anew."""
        frame = _frame(self._lines, self._cells, self._layout)
        piece = TextPiece(frame, self._odd, self._repeated_headers, share)
        self._cells, self._lines, self._odd, self._repeated_headers = [], [], [], 0
        return piece
