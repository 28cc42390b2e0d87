"""Which tests are passes of their own: two at one spot at one time are one look at a place.

Must not know verdicts. What says nothing about a place has to be gone before.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

Rows = npt.NDArray[np.int64]

NEAR_M = 100.0
SOON_US = 60_000_000

_SAME = ("link", "operator")
_AT_ONCE = 64
_METRES_PER_DEGREE = 111_195.0  # of a sphere: 100 m are right to 0.5 %


def independent(tests: pl.DataFrame, *, on_road: bool = False) -> pl.Series:
    """Return which tests count, true or false in the order of the rows.

    Of one drive, link and operator, a test is close to the one before if it begins within 60 s and
    100 m of it; ``on_road``, within 100 m however long the car waits: who parks sees one spot of
    ten kilometres. Where a position is not known, the time alone decides. Of a chain of tests that
    are close each to the one before, the first counts, then the next that is not close to it, and
    so on.
    """
    order = (
        tests.select("drive", pl.col(_SAME).cast(pl.String), "started_utc_us", "test_id")
        .with_row_index("row")
        .sort("drive", *_SAME, "started_utc_us", "test_id")
    )
    row = order["row"].to_numpy()
    time = order["started_utc_us"].fill_null(0).to_numpy()
    latitude = tests["start_latitude_deg"].to_numpy()[row]
    longitude = tests["start_longitude_deg"].to_numpy()[row]

    def close(before: Rows, after: Rows) -> npt.NDArray[np.bool_]:
        apart_m = _apart_m(latitude, longitude, before, after)
        soon = np.less(time[after] - time[before], SOON_US)
        if on_road:
            soon = np.logical_or(soon, np.isfinite(apart_m))
        both: npt.NDArray[np.bool_] = np.logical_and(soon, ~np.greater_equal(apart_m, NEAR_M))
        return both

    rows = np.arange(len(row))
    key = pl.struct("drive", *_SAME)
    same = order.select(key.eq_missing(key.shift(1))).to_series()
    linked = same.to_numpy()[1:] & close(rows[:-1], rows[1:])
    counts = np.ones(len(row), bool)
    for first, last in _chains(linked):
        counted, begin = first, first + 1
        while begin <= last:
            later = rows[begin : min(begin + _AT_ONCE, last + 1)]
            near = close(np.full(len(later), counted), later)
            left_out = len(later) if near.all() else int(np.argmin(near))
            counts[begin : begin + left_out] = False
            begin += left_out
            if left_out < len(later):
                counted, begin = begin, begin + 1
    found = np.empty(len(row), bool)
    found[row] = counts
    return pl.Series("independent", found, pl.Boolean())


def _chains(linked: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last row of each run of which every one is linked to the one before."""
    edges = np.diff(np.concatenate(([False], linked, [False])).astype(np.int8))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _apart_m(
    latitude: npt.NDArray[np.float64], longitude: npt.NDArray[np.float64], a: Rows, b: Rows
) -> npt.NDArray[np.float64]:
    north = latitude[b] - latitude[a]
    east = (longitude[b] - longitude[a]) * np.cos(np.radians(latitude[a]))
    return np.hypot(north, east) * _METRES_PER_DEGREE
