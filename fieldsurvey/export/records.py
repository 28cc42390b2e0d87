"""Rows of a table with quotation marks, as they stand in its lines.

A quoted cell may hold delimiters and ends of lines, and a stray quotation mark looks like the start
of one. Must not let it swallow a row: what stands under another row's time is worse than missing.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fieldsurvey.export.delimited import Layout

Cells = list[str] | csv.Error

_MOST_LINES_OF_A_ROW = 20


def records(
    lines: Iterable[str], first_line: int, layout_now: Callable[[], Layout]
) -> Iterator[tuple[int, Cells | None, str]]:
    """Yield the number, the cells and the text of each row. A quoted cell may go on over several
    lines, but not over one that is a whole row itself, and the row must become as wide as others:
    else nothing closes the quotation mark, the row's cells are None, and it ends with its line."""
    ahead: deque[str] = deque()
    all_lines = iter(lines)
    line = first_line
    while (text := ahead.popleft() if ahead else next(all_lines, None)) is not None:
        layout = layout_now()
        cells = cells_of(text, layout.delimiter)
        more: list[str] = []
        whole = text
        while cells is None and len(more) < _MOST_LINES_OF_A_ROW:
            one = ahead.popleft() if ahead else next(all_lines, None)
            if one is None:
                break
            more.append(one)
            if len(one.split(layout.delimiter)) >= max(layout.least_width, 2):
                break
            whole += one
            cells = cells_of(whole, layout.delimiter)
        if more and (cells is None or isinstance(cells, csv.Error) or not layout.fits(cells)):
            ahead.extendleft(reversed(more))
            whole, cells, more = text, None, []
        yield line, cells, whole
        line += 1 + len(more)


def cells_of(text: str, delimiter: str) -> Cells | None:
    """Return the cells of a row, or why it is none; None where a quotation mark stays open."""
    if delimiter == "\t" or '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    try:  # what stands behind a closed quotation mark belongs to the cell
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        return error
