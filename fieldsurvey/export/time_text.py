"""Times as text, a whole column at a time and in half of the time that ``strftime`` takes.

The seconds of a drive lie in few days: each day is spelt once, each second of a day once for all,
and a time is put together from three words. Must say the same as ``strftime`` says.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"

MS_PER_S, MS_PER_DAY, _S_PER_DAY = 1_000, 86_400_000, 86_400


def times_told(times: pl.Series) -> pl.Series:
    """Return each time as ``TIME_FORMAT`` has it, null for null; digits beyond are cut off."""
    import polars as pl

    time_ms = times.dt.timestamp("us") // 1_000
    day = time_ms // MS_PER_DAY
    first, last = (int(str(end or 0)) for end in (day.min(), day.max()))
    if last - first > len(times):
        return times.dt.strftime(TIME_FORMAT)  # no drive: its clock was lost
    in_day = time_ms - day * MS_PER_DAY
    second = in_day // MS_PER_S
    words = (
        days(first, last).gather(day - first).alias("day"),
        seconds().gather(second).alias("second"),
        milliseconds().gather(in_day - second * MS_PER_S).alias("millisecond"),
    )
    return pl.DataFrame(words).select(pl.concat_str(pl.all()).alias(times.name)).to_series()


def days(first: int, last: int) -> pl.Series:
    """Return ``2026-05-01T`` for each day since 1970 from ``first`` to ``last``."""
    import polars as pl

    numbers = pl.int_range(first, last + 1, eager=True)
    return numbers.cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%dT")


@cache
def seconds() -> pl.Series:
    """Return ``00:00:00`` and so on, one for each second of a day."""
    import polars as pl

    of_a_day = pl.int_range(_S_PER_DAY, eager=True)
    return pl.from_epoch(of_a_day, time_unit="s").dt.strftime("%H:%M:%S")


@cache
def milliseconds() -> pl.Series:
    """Return ``.000Z`` and so on."""
    import polars as pl

    return pl.Series([f".{number:03}Z" for number in range(MS_PER_S)], dtype=pl.String)
