"""Numbers, times and words as text, a whole column at a time.

Every format writes the same digits, so the rules stand here once: fixed decimals and never an
exponent, UTC to the millisecond, nothing for what is missing. Rows are never looked at singly.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fieldsurvey.export.time_text import TIME_FORMAT, times_told

if TYPE_CHECKING:
    import polars as pl

DEGREE_PLACES = 8  # 1.1 mm: no receiver of ours says more

_CELLS_AT_ONCE = 140_000  # more leave the cache, with fewer beginning is what takes the time

# Forbidden in XML 1.0 (section 2.2), and a NUL ends a CSV file for some readers.
_FORBIDDEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# What spreadsheets take for a formula, with what they may trim before it. Apostrophes count in,
# so that the one in front can be taken off again without doubt.
FORMULA = r"^'*[\s\x{FEFF}]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^'*[\t\r\n]"


def decimal(number: pl.Expr, places: int) -> pl.Expr:
    """Return ``number`` as a decimal with ``places`` digits; null for null, NaN and infinity."""
    import polars as pl

    finite = pl.when(number.is_finite()).then(number)
    return finite.round(places).cast(pl.Decimal(38, places), strict=False)


def last_places(number: pl.Expr, places: int) -> pl.Expr:
    """Return :func:`decimal` of ``number`` times 10**``places``; asked of a number with more than
    18 digits, polars raises InvalidOperationError."""
    import polars as pl

    finite = pl.when(number.is_finite()).then(number)
    return (finite * 10.0**places).round().cast(pl.Int64)


def rounded(number: pl.Expr, places: int) -> pl.Expr:
    """Return ``number`` as the float that reads like :func:`decimal` of it."""
    import polars as pl

    # Adding 0 makes a zero of -0.0, as in a decimal.
    return pl.when(number.is_finite()).then(number.round(places) + 0.0)


def utc(time_us: pl.Expr) -> pl.Expr:
    """Return µs since 1970 as a date and time, to be written by ``TIME_FORMAT``."""
    import polars as pl

    return pl.from_epoch(time_us, time_unit="us")


def utc_text(time_us: pl.Expr) -> pl.Expr:
    """Return ``2026-05-01T08:00:00.000Z``; digits beyond the millisecond are cut, not rounded."""
    return utc(time_us).dt.strftime(TIME_FORMAT)


def utc_iso(time_us: int) -> str:
    """Return what :func:`utc_text` does, for one time."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def with_times_told(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` with its times as texts."""
    import polars.selectors as cs

    return frame.with_columns(map(times_told, frame.select(cs.datetime()).iter_columns()))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return every value as its text."""
    import polars as pl

    return with_times_told(frame).cast(pl.String)


def cleaned(words: str) -> str:
    """Return what :func:`clean` does, for one text."""
    return re.sub(python_pattern(_FORBIDDEN), REPLACEMENT, words)


def python_pattern(pattern: str) -> str:
    """Return one of the patterns here in Python's spelling of characters by number."""
    return re.sub(r"\\x\{(\w{4})\}", r"\\u\1", pattern)


def clean(words: pl.Expr) -> pl.Expr:
    """Replace characters that no text file may hold; an empty text is a missing one."""
    import polars as pl

    return pl.when(words != "").then(words.str.replace_all(_FORBIDDEN, REPLACEMENT))


def defused(words: pl.Expr) -> pl.Expr:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    import polars as pl

    return pl.when(words.str.contains(FORMULA)).then(pl.lit("'") + words).otherwise(words)


def xml_escaped(words: pl.Expr) -> pl.Expr:
    """Return cleaned text for the inside of an XML element."""
    return (
        clean(words)
        .str.replace_all("&", "&amp;", literal=True)
        .str.replace_all("<", "&lt;", literal=True)
        .str.replace_all(">", "&gt;", literal=True)
        .str.replace_all("\r", "&#13;", literal=True)  # as it is, XML reads it as a line feed
    )


def with_words(
    frame: pl.DataFrame, treat: Callable[[pl.Expr], pl.Expr]
) -> tuple[pl.DataFrame, pl.Series]:
    """Return ``frame`` with every text treated, and the different texts that are in it now.

    ``treat`` must depend on the text alone: it is asked once for each, since few are different.
    """
    import polars as pl
    import polars.selectors as cs

    words = cs.string()
    # Neighbours are mostly equal; what stands before the first row counts as null.
    changes = words.filter(words.ne_missing(words.shift(1)))
    said = frame.select(changes.drop_nulls().unique().implode())
    columns = [column.explode() for column in said.iter_columns()]
    before = pl.concat([pl.Series(dtype=pl.String), *columns]).drop_nulls().unique()
    after = before.to_frame("said").select(treat(pl.col("said"))).to_series()
    changed = before.ne_missing(after)
    if changed.any():
        replaced = words.replace(before.filter(changed), after.filter(changed))
        frame = frame.with_columns(replaced)
    return frame, after


def lines(frame: pl.DataFrame, *, end: str, quoted: bool) -> memoryview:
    """Return a line per row, values parted by commas; nothing for null. ``quoted`` puts quotes
    where RFC 4180 wants them; without, there must be nowhere to put them."""
    buffer = io.BytesIO()
    # Times as times, or all rows at once, would take longer.
    rows_at_once = max(1, _CELLS_AT_ONCE // max(1, frame.width))
    for rows in with_times_told(frame).iter_slices(rows_at_once):
        rows.write_csv(
            buffer,
            include_header=False,
            line_terminator=end,
            quote_style="necessary" if quoted else "never",
            null_value="",
        )
    return buffer.getbuffer()


def flag_names(flags: pl.Expr) -> pl.Expr:
    """Return ``jump|stale`` for a fix's flags, null for none."""
    import polars as pl

    from fieldsurvey.model.position import FixFlag

    names = {
        value: "|".join(str(flag.name).lower() for flag in FixFlag(value)) or None
        for value in range(2 * max(FixFlag).value)
    }
    return flags.replace_strict(names, default=None, return_dtype=pl.String)


def fix_type_name(fix_type: pl.Expr) -> pl.Expr:
    """Return ``fix_3d`` and the like for a fix type's number."""
    import polars as pl

    from fieldsurvey.model.position import FixType

    names = {int(kind): kind.name.lower() for kind in FixType}
    return fix_type.replace_strict(names, default=None, return_dtype=pl.String)
