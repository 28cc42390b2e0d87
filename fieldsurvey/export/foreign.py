"""Numbers and times as programs in other languages write them, a whole column at a time.

A cell that says nothing ("-", "N/A", Android's largest integer) is missing; one that cannot be
understood is missing too, and is counted by whoever asks. Must not guess a decimal mark from one
number: "35,925" is 36 thousand in one file and 36 in the other.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    import polars as pl

UTC_ZONE = "UTC"
# The peak of a whole cell of 5G (IMT-2020), and twice the fastest port of a laptop: what is above
# was not measured on a road.
MOST_BPS = 20_000_000_000
# What a phone says before it knows the time is older; and nothing was measured after now, but for a
# clock that is wrong by less than a day.
EARLIEST_US = 946_684_800_000_000  # the year 2000
_AHEAD_US = 86_400_000_000
UNKNOWN_CELLS = (2**28 - 1, 2**36 - 1)  # all ones: of LTE and 3G, of 5G
_NOTHING = (
    "", "-", "--", "n/a", "na", "nan", "null", "none", "unknown", "undefined", "?",
    "2147483647", "-2147483648", "9223372036854775807",
)  # fmt: skip
# Digits of Arabic and Persian phones, and the true minus sign.
_FROM = [*"٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "\N{MINUS SIGN}", "\N{EN DASH}", "\N{ARABIC DECIMAL SEPARATOR}"]
_TO = [*"01234567890123456789", "-", "-", "."]
_SPACES = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}'’`]"
_NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_UNIT = r"\s*(?:dBm|dB|ms|km/h|kmh|m/s|kbps|kbit/s|deg|m|%|°)$"
_TIME = (
    r"^\s*(?:(?P<y>\d{4})[.\-/](?P<m>\d{1,2})[.\-/](?P<d>\d{1,2})"
    r"|(?P<d2>\d{1,2})[.\-](?P<m2>\d{1,2})[.\-](?P<y2>\d{4}))"  # 07/08/2025 is two days
    r"[ _Tt,]+(?P<h>\d{1,2})[.:](?P<mi>\d{2})(?:[.:](?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<z>[Zz]|UTC|[+\-]\d{2}:?\d{2})?\s*$"
)


def words(cells: pl.Series) -> pl.Series:
    """Return texts without those that mean nothing, spaces around them taken off."""
    said = cells.str.strip_chars()
    return said.set(said.str.to_lowercase().is_in(list(_NOTHING)), None)


def decimal_mark(degrees: pl.Series) -> str:
    """Return the mark of a column of degrees: it has more digits behind it than a group."""
    comma = degrees.str.contains(r"^\s*[-\x{2212}]?\d{1,3},\d{4,}\s*°?$").sum()
    point = degrees.str.contains(r"^\s*[-\x{2212}]?\d{1,3}\.\d+\s*°?$").sum()
    return "," if int(comma or 0) > int(point or 0) else "."


def numbers(cells: pl.Series, mark: str = ".", *, either: bool = False) -> pl.Series:
    """Return texts as Float64; groups of three digits may have any other mark between them. Null
    where a text says nothing, or no number.

    ``either``: the other mark is one of decimals where it cannot be one of groups ("35925,5"). In
    a column with such a cell "35,925" may be both, and is no number.
    """
    import polars as pl

    said = words(cells)
    if mark == ".":
        plain = said.set(~said.str.contains(_NUMBER), None).cast(pl.Float64, strict=False)
        if plain.null_count() == said.null_count():
            return plain
    other = "." if mark == "," else ","
    grouped = rf"^[+-]?[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}}|[{other}][0-9]{{3}})+(?:[{mark}][0-9]*)?$"
    said = said.str.replace_many(_FROM, _TO).str.replace(_UNIT, "")
    in_groups = said.str.contains(grouped).fill_null(value=False)
    joined = said.str.replace_all(rf"{_SPACES}|[{other}]", "")
    joined = joined.zip_with(in_groups, said).str.replace(mark, ".", literal=True)
    if either:
        in_decimals = said.str.contains(rf"^[+-]?[0-9]*[{other}][0-9]+$").fill_null(value=False)
        if (in_decimals & ~in_groups).any():
            decimals = said.str.replace(other, ".", literal=True).set(in_groups, None)
            joined = decimals.zip_with(in_decimals, joined)
    return joined.set(~joined.str.contains(_NUMBER), None).cast(pl.Float64, strict=False)


def utc_us(cells: pl.Series, zone: str) -> pl.Series:
    """Return times as µs since 1970, null where a text is none, or one that cannot be true.

    A time with a zone of its own keeps to it; others are of ``zone``, and null where clocks there
    were set back and the hour came twice, or forward and it never came. Numbers are Unix time, in
    seconds, ms, µs or ns by their size.
    """
    import polars as pl

    said = words(cells).str.replace_many(_FROM, _TO)
    part = said.str.extract_groups(_TIME).struct.unnest()

    def digits(*names: str, width: int = 2) -> pl.Expr:
        return pl.coalesce(*names).str.zfill(width)

    day = pl.concat_str(
        digits("y", "y2", width=4), digits("m", "m2"), digits("d", "d2"), separator="-"
    )
    second = pl.col("s").fill_null("00")
    clock = pl.concat_str(digits("h"), digits("mi"), second, separator=":")
    found = part.select(
        moment=pl.concat_str(day, clock, separator=" ").str.to_datetime(
            "%Y-%m-%d %H:%M:%S", time_unit="us", strict=False
        ),
        fraction_us=pl.col("f").str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0),
        offset_min=_offset_min(),
    )
    there = pl.col("moment").dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    of_zone_us = there.dt.timestamp("us")
    of_offset_us = pl.col("moment").dt.timestamp("us") - pl.col("offset_min") * 60_000_000
    written = pl.when(pl.col("offset_min").is_null()).then(of_zone_us).otherwise(of_offset_us)
    written_us = found.select(written + pl.col("fraction_us")).to_series()
    told_us = written_us.zip_with(written_us.is_not_null(), _unix_us(said))
    return told_us.set(~told_us.is_between(EARLIEST_US, latest_us()), None)


def any_without_zone(cells: pl.Series) -> bool:
    """Tell whether there is a time of which nothing says in what zone it is."""
    part = words(cells).str.replace_many(_FROM, _TO).str.extract_groups(_TIME).struct.unnest()
    return bool((part["h"].is_not_null() & part["z"].is_null()).any())


def latest_us() -> int:
    """Return the latest time that is believed."""
    return time.time_ns() // 1_000 + _AHEAD_US


def _offset_min() -> pl.Expr:
    """Minutes east of Greenwich, from the group ``z``; null where none is written."""
    import polars as pl

    offset = pl.col("z").str.to_uppercase()
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = offset.str.slice(1, 2), offset.str.tail(2)
    east = hours.cast(pl.Int64, strict=False) * 60 + minutes.cast(pl.Int64, strict=False)
    return pl.when(offset.is_in(["Z", "UTC"])).then(0).otherwise(sign * east)


def _unix_us(said: pl.Series) -> pl.Series:
    import polars as pl

    at = said.set(~said.str.contains(r"^\d{9,19}(?:\.\d+)?$"), None).cast(pl.Float64)
    value = pl.col(at.name)
    us = (
        pl.when(value < 1e11)
        .then(value * 1e6)
        .when(value < 1e14)
        .then(value * 1e3)
        .when(value < 1e17)
        .then(value)
        .otherwise(value / 1e3)
    )
    return at.to_frame().select(us.cast(pl.Int64, strict=False)).to_series()


def known_zone(zone: str | None) -> str:
    """Return the name of a time zone; UTC for None. Raises KnownError ``import.unknown_zone``."""
    if zone is None:
        return UTC_ZONE
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise KnownError("import.unknown_zone", zone=zone) from error
    return zone
