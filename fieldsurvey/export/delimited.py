"""Logs in columns (TSV, CSV and their cousins) as frames of text, read in bounded memory.

Columns are found by their names, in any order, anew wherever another header stands. A line that
cannot be trusted (torn off, with cells too many, with bytes that are no text, with a quotation mark
that nothing closes) is kept aside with its number and never squeezed into place.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldsurvey.export.records import Cells, cells_of, records
from fieldsurvey.export.source import Source

if TYPE_CHECKING:
    import polars as pl

PIECE_ROWS = 20_000
LINE = "line"  # the column with the number of the line in the file
_TEXT = "#text"  # no column has such a name
_DELIMITERS = "\t,;|"
_HEADER_WITHIN_LINES = 60  # some tools write a preamble
_LOOKED_AT_ROWS = 200
_BLOCK_CHARACTERS = 4_000_000
_NAMES_IN_COMMON = 3  # with the header before: then a line with letters in front is a header too
_WORD_IN_FRONT = r'^[\s\x{FEFF}",;|]*\pL'
_BROKEN = "[\0\N{REPLACEMENT CHARACTER}]"


@dataclass(frozen=True, slots=True)
class OddRow:
    """What was not understood. ``reason`` is a message id without its area (``import.odd_*``)."""

    line: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out from ``header_line`` on: ``names`` are normalised, in the order of the
    file. Without names nobody knows what stands in the rows. ``known`` tells headers of the
    format."""

    delimiter: str
    names: tuple[str, ...]
    header_line: int
    usual_width: int  # cells that most rows have
    known: Callable[[set[str]], bool]

    @property
    def least_width(self) -> int:
        return min(len(self.names), self.usual_width)

    @property
    def most_width(self) -> int:
        return max(len(self.names), self.usual_width)

    def fits(self, cells: list[str]) -> bool:
        """Tell whether there are as many cells as this file's rows have; empty ones may follow."""
        return len(cells) >= self.least_width and not self.beyond(cells)

    def beyond(self, cells: list[str]) -> bool:
        return any(cell.strip() for cell in cells[self.most_width :])

    def followed_by(self, cells: list[str], line: int) -> Layout | None:
        """Return what holds from here on if ``cells`` are another header: logs of one tool get
        appended to each other."""
        names = _names(cells)
        spoken = {name for name in names if name}
        if names == self.names:
            return None
        if self.known(spoken):
            return Layout(self.delimiter, names, line, len(names), self.known)
        if len(spoken.intersection(self.names)) >= _NAMES_IN_COMMON:
            return Layout(self.delimiter, (), line, 0, self.known)
        return None


@dataclass(slots=True)
class TextPiece:
    """Some rows: a column of text for each name and ``line``, and as they stand in the file; what
    was odd among them."""

    frame: pl.DataFrame
    texts: pl.Series
    odd: list[OddRow] = field(default_factory=list)
    repeated_headers: int = 0
    share: float = 0.0  # of the file that was read by now


def normalised(name: str) -> str:
    """Return a column's name without what differs between versions of a tool."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _names(cells: list[str]) -> tuple[str, ...]:
    names = [normalised(cell) for cell in cells]
    while names and not names[-1]:  # a delimiter at the end of the line
        names.pop()
    return tuple(names)


def find_layout(source: Source, known: Callable[[set[str]], bool]) -> Layout | None:
    """Return the layout whose header has columns that ``known`` accepts, or None."""
    lines = source.head_text.splitlines()
    for number, line in enumerate(lines[:_HEADER_WITHIN_LINES]):
        if line.startswith("#") or not line.strip():
            continue
        delimiter = max(_DELIMITERS, key=line.count)
        cells = cells_of(line, delimiter)
        names = _names(cells) if isinstance(cells, list) else ()
        if known({name for name in names if name}):
            width = _usual_width(lines[number + 1 : number + 1 + _LOOKED_AT_ROWS], delimiter)
            return Layout(delimiter, names, number + 1, width or len(names), known)
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
            for held, first, part in _by_header(block, layout, line):
                yield _cut(part, held, first, share())
                layout = held
            line += len(block)
        yield _Rows(layout).taken(1.0)


def _by_header(
    block: list[str], layout: Layout, first_line: int
) -> Iterator[tuple[Layout, int, list[str]]]:
    """Yield the lines of a block by the layout that holds for them, and the first one's number."""
    import polars as pl

    begin = 0
    for at in pl.Series(block, dtype=pl.String).str.contains(_WORD_IN_FRONT).arg_true():
        cells = block[at].strip("\ufeff\r\n").split(layout.delimiter)
        if (following := layout.followed_by(cells, first_line + at)) is not None:
            yield layout, first_line + begin, block[begin:at]
            layout, begin = following, at + bool(following.names)
    yield layout, first_line + begin, block[begin:]


def _cut(block: list[str], layout: Layout, first_line: int, share: float) -> TextPiece:
    """Read lines without quotes, a column at a time."""
    import polars as pl

    lines = pl.Series(_TEXT, block, dtype=pl.String).str.strip_chars_end("\r\n")
    cells = lines.str.split(layout.delimiter)
    width = cells.list.len().cast(pl.Int64)
    nothing = lines.str.strip_chars(f" {layout.delimiter}") == ""
    ignored = nothing | lines.str.starts_with("#")
    plain = ~ignored & ~lines.str.contains(_BROKEN) & (width >= layout.least_width)
    plain &= (width <= layout.most_width) & ~lines.str.contains(_WORD_IN_FRONT)
    if block and not _has_end(block[-1]):
        plain[-1] = False
    careful = _Rows(layout)
    for at in (~(plain | ignored)).arg_true().to_list():
        careful.add(first_line + at, cells[at].to_list(), block[at])
    rows = {LINE: pl.int_range(first_line, first_line + len(lines), eager=True).filter(plain)}
    kept = cells.filter(plain)
    for place, name in enumerate(layout.names):
        if name and name not in rows:
            rows[name] = kept.list.get(place, null_on_oob=True).fill_null("")
    piece = careful.taken(share)
    if len(piece.frame):
        texts = pl.concat([lines.filter(plain), piece.texts]).to_frame()
        whole = pl.concat([pl.DataFrame(rows), piece.frame]).hstack(texts).sort(LINE)
        piece.frame, piece.texts = whole.drop(_TEXT), whole[_TEXT]
    else:
        piece.frame, piece.texts = pl.DataFrame(rows), lines.filter(plain)
    return piece


def _may_be_header(line: str) -> bool:
    return line.lstrip('\ufeff"\t ,;|')[:1].isalpha()


def _has_end(line: str) -> bool:
    return line.endswith(("\n", "\r"))


def _read_quoted(
    lines: Iterable[str], layout: Layout, first_line: int, share: Callable[[], float]
) -> Iterator[TextPiece]:
    rows = _Rows(layout)
    for line, cells, text in records(lines, first_line, lambda: rows.layout):
        following = None
        if isinstance(cells, list) and _may_be_header(text):
            following = rows.layout.followed_by(cells, line)
        if following is not None:
            yield rows.taken(share())
            rows.layout = following
            if following.names:
                continue
        rows.add(line, cells, text)
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


def _usual_width(lines: list[str], delimiter: str) -> int | None:
    cut = (cells_of(line, delimiter) for line in lines if line)
    widths = Counter(len(cells) for cells in cut if isinstance(cells, list))
    return widths.most_common(1)[0][0] if widths else None


class _Rows:
    """Rows on their way into a frame, looked at one by one."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._cells: list[list[str]] = []
        self._lines: list[int] = []
        self._texts: list[str] = []
        self._odd: list[OddRow] = []
        self._repeated_headers = 0

    def __len__(self) -> int:
        return len(self._lines) + len(self._odd)

    def add(self, line: int, cells: Cells | None, text: str) -> None:
        """Take a row, unless it is empty, a header once more, or odd."""
        text, has_end = text.rstrip("\r\n"), _has_end(text)
        width = len(self.layout.names)
        if cells is None:
            self._odd.append(OddRow(line, "odd_quote", text))
        elif isinstance(cells, csv.Error):
            self._odd.append(OddRow(line, "odd_row", text))
        elif not any(cells) or cells[0].startswith("#"):
            return
        elif re.search(_BROKEN, text):
            self._odd.append(OddRow(line, "odd_bytes", text))
        elif not width:
            self._odd.append(OddRow(line, "odd_header", text))
        elif _may_be_header(text) and _names(cells[:width]) == self.layout.names:
            self._repeated_headers += 1
        elif len(cells) < self.layout.least_width:
            self._odd.append(OddRow(line, "odd_short", text))
        elif self.layout.beyond(cells):
            self._odd.append(OddRow(line, "odd_long", text))
        elif not has_end:
            # Every tool ends its lines; where the last has no end, its last number may lack digits.
            self._odd.append(OddRow(line, "odd_torn", text))
        else:
            self._cells.append((cells + [""] * width)[:width])
            self._lines.append(line)
            self._texts.append(text)

    def taken(self, share: float) -> TextPiece:
        """Return what is there, and begin anew."""
        import polars as pl

        frame = _frame(self._lines, self._cells, self.layout)
        texts = pl.Series(_TEXT, self._texts, dtype=pl.String)
        piece = TextPiece(frame, texts, self._odd, self._repeated_headers, share)
        self._cells, self._lines, self._texts, self._odd = [], [], [], []
        self._repeated_headers = 0
        return piece
