"""Times as text, a whole column at a time and ten times as fast as ``strftime``.

The seconds of a drive lie in few days: each day is spelt once, each second of a day once for all,
and a time is put together from three of these. Must say the same as ``strftime`` says.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"

_MS_PER_S, _MS_PER_DAY, _S_PER_DAY = 1_000, 86_400_000, 86_400
_YEAR_1_DAY, _YEAR_10000_DAY = -719_162, 2_932_897  # since 1970; between them, four digits
_PARTS = (("day", "S11"), ("second", "S8"), ("millisecond", "S5"))


def times_told(times: pl.Series) -> pl.Series:
    """Return each time as ``TIME_FORMAT`` has it, null for null; digits beyond are cut off."""
    import numpy as np
    import polars as pl

    time_ms = times.dt.timestamp("us").fill_null(0).to_numpy() // 1_000
    day = time_ms // _MS_PER_DAY
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    if last - first > len(day) or first < _YEAR_1_DAY or last >= _YEAR_10000_DAY:
        return times.dt.strftime(TIME_FORMAT)  # no drive: its clock was lost
    in_day = time_ms - day * _MS_PER_DAY
    second = in_day // _MS_PER_S
    told = np.empty(len(day), dtype=list(_PARTS))
    told["day"] = _days(first, last)[day - first]
    told["second"] = _seconds()[second]
    told["millisecond"] = _milliseconds()[in_day - second * _MS_PER_S]
    words = pl.Series(times.name, _words(told))
    return words if not times.null_count() else words.zip_with(times.is_not_null(), _nothing())


def _words(told: npt.NDArray[np.void]) -> pl.Series:
    """Return rows of bytes, all of the same length, as texts."""
    import numpy as np
    import polars as pl
    import pyarrow as pa

    starts = np.arange(len(told) + 1, dtype=np.int64) * told.itemsize
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(told)]
    words = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), len(told), buffers))
    assert isinstance(words, pl.Series)
    return words


def _nothing() -> pl.Series:
    import polars as pl

    return pl.Series([None], dtype=pl.String)


def _days(first: int, last: int) -> npt.NDArray[np.bytes_]:
    import numpy as np

    days = np.arange(first, last + 1).astype("datetime64[D]")
    return np.strings.add(np.datetime_as_string(days).astype("S10"), b"T")


@cache
def _seconds() -> npt.NDArray[np.bytes_]:
    """Return ``00:00:00`` and so on, one for each second of a day."""
    import numpy as np

    moments = np.datetime_as_string(np.arange(_S_PER_DAY).astype("datetime64[s]")).astype("S19")
    return np.ascontiguousarray(moments.view("S1").reshape(-1, 19)[:, 11:]).view("S8").ravel()


@cache
def _milliseconds() -> npt.NDArray[np.bytes_]:
    import numpy as np

    return np.array([f".{number:03}Z" for number in range(_MS_PER_S)], dtype="S5")
