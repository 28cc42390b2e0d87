"""Lines of a CSV file at the speed of memory, for blocks whose texts are short and repeat.

Each column becomes a few columns of bytes, each of one width; what is narrower leaves NUL behind,
and those are taken out at the end. Must write what :func:`fieldsurvey.export.text.lines` writes,
which spells cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import polars as pl
import polars.selectors as cs

from fieldsurvey.export import time_text
from fieldsurvey.export.word_bytes import Integers, Words, number_words, parted, taken, words_of

_WIDEST_TEXT = 200  # bytes: every row is given the room of the longest
_FEW_TEXTS, _MANY_TEXTS = 200, 4_000  # each is looked at by itself
_SLICE_BYTES = 1 << 20  # more leave the cache
_US_PER_MS = 1_000
_US_PER_DAY = time_text.MS_PER_DAY * _US_PER_MS
_WHOLE = 2**53  # beyond, not every integer is a float

Spelling = Callable[[str], str]


def padded_lines(
    frame: pl.DataFrame, places: Mapping[str, int], spelt: Spelling, *, end: bytes
) -> memoryview | None:
    """Return a line per row, values parted by commas and nothing for null; or None where a text is
    too long for it, a number has too many digits or times lie too far apart.

    ``frame`` has integers, times in µs, truth and texts; integers that ``places`` names count their
    last decimal place. ``spelt`` says how a text is written; it must leave no NUL.
    """
    gaps = {column.name for column in frame.iter_columns() if column.null_count()}
    # All at once: a question to polars takes longer than its answer.
    codes = frame.select(
        (cs.integer() | cs.datetime("us") | cs.boolean()).to_physical().cast(pl.Int64).fill_null(0),
        cs.string().rle_id().cast(pl.Int64),
    )
    missing = frame.select(pl.col(gaps).is_null())
    runs = frame.select(cs.string().rle().struct.field("value").name.keep().implode())
    parts: list[Words | bytes] = []
    for name, kind in frame.schema.items():
        numbers = codes[name].to_numpy()
        if kind == pl.String:
            cells = _text(runs[name].item(), numbers, spelt)
        elif kind == pl.Boolean:
            cells = [taken(_truth(), numbers)]
        elif isinstance(kind, pl.Datetime):
            cells = _time(numbers[~missing[name].to_numpy()] if name in gaps else numbers, numbers)
        else:
            cells = _number(numbers, places.get(name, 0))
        if cells is None:
            return None
        if name in gaps and kind != pl.String:
            empty = missing[name].to_numpy()
            for part in cells:
                part[empty] = np.zeros((), part.dtype)
        parts += [*cells, b","]
    return _joined([*parts[:-1], end], len(frame))


def _number(numbers: Integers, places: int) -> list[Words] | None:
    most = max(-int(numbers.min(initial=0)), int(numbers.max(initial=0)))
    return number_words(numbers, places) if most < _WHOLE else None


def _time(known_us: Integers, time_us: Integers) -> list[Words] | None:
    """Return day, second and millisecond; None where the days are too many to spell each."""
    ends_us = (int(known_us.min()), int(known_us.max())) if len(known_us) else (0, 0)
    first, last = (end_us // _US_PER_DAY for end_us in ends_us)
    if last - first > len(time_us):
        return None
    day, in_day = parted(time_us // _US_PER_MS, time_text.MS_PER_DAY)
    second, millisecond = parted(in_day, time_text.MS_PER_S)
    spelt = words_of(time_text.days(first, last).to_list())
    return [taken(spelt, day - first), taken(_seconds(), second), taken(_ms(), millisecond)]


def _text(runs: pl.Series, run: Integers, spelt: Spelling) -> list[Words] | None:
    """Return texts given those that differ from the one before, and which each row has."""
    if len(runs) > _FEW_TEXTS:
        said = runs.drop_nulls().unique()
        code = runs.cast(pl.Enum(said)).to_physical().cast(pl.Int64).fill_null(len(said))
        runs, run = pl.concat([said, pl.Series([None], dtype=pl.String)]), code.to_numpy()[run]
    if len(runs) > _MANY_TEXTS:
        return None
    words = words_of(said and spelt(said) for said in runs.to_list())
    return [taken(words, run)] if words.itemsize <= _WIDEST_TEXT else None


def _joined(parts: Sequence[Words | bytes], rows: int) -> memoryview:
    """Return parts beside each other, row by row, without what was left empty in them."""
    template = b"".join(part if isinstance(part, bytes) else bytes(part.itemsize) for part in parts)
    width = len(template)
    at_once = max(1, _SLICE_BYTES // width)
    matrix = np.empty((min(rows, at_once), width), np.uint8)
    lines = [pl.Series(dtype=pl.UInt8)]
    for start in range(0, rows, at_once):
        block = matrix[: min(at_once, rows - start)]
        block[:] = np.frombuffer(template, np.uint8)
        place = 0
        for part in parts:
            if isinstance(part, bytes):
                place += len(part)
                continue
            column: Words = np.ndarray((len(block),), part.dtype, block, place, (width,))
            column[:] = part[start : start + len(block)]
            place += part.itemsize
        flat = pl.Series(block.reshape(-1))
        lines.append(flat.filter(flat != 0))
    return pl.concat(lines, rechunk=True).to_numpy().data


@cache
def _truth() -> Words:
    return words_of(["false", "true"])


@cache
def _seconds() -> Words:
    return words_of(time_text.seconds().to_list())


@cache
def _ms() -> Words:
    return words_of(time_text.milliseconds().to_list())
