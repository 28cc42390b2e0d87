"""Which tests are passes of their own: two at one spot at one time are one look at a place.

Must not know verdicts. What says nothing about a place has to be gone before.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

NEAR_M = 100.0
SOON_US = 60_000_000

_SAME = ("link", "operator")
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
    spots = tests.select("start_latitude_deg", "start_longitude_deg").cast(pl.Float64)
    latitude, longitude = spots.fill_null(math.nan).to_numpy()[row].T
    spot = _Spots(
        order["started_utc_us"].fill_null(0).to_list(),
        latitude.tolist(),
        longitude.tolist(),
        np.cos(np.radians(latitude)).tolist(),
        on_road,
    )
    key = pl.struct("drive", *_SAME)
    same = order.select(key.eq_missing(key.shift(1))).to_series().to_list()
    counts: list[bool] = []
    counted = 0  # the last that counts
    for after, of_same in enumerate(same):
        in_chain = of_same and spot.close(after - 1, after)
        if not (in_chain and (counted == after - 1 or spot.close(counted, after))):
            counted = after
        counts.append(counted == after)
    found = np.empty(len(row), bool)
    found[row] = counts
    return pl.Series("independent", found, pl.Boolean())


@dataclass(frozen=True, slots=True)
class _Spots:
    """When and where tests began; degrees are NaN where they are not known."""

    time_us: list[int]
    latitude_deg: list[float]
    longitude_deg: list[float]
    narrower: list[float]  # a degree of longitude, there
    on_road: bool

    def close(self, before: int, after: int) -> bool:
        north = self.latitude_deg[after] - self.latitude_deg[before]
        east = (self.longitude_deg[after] - self.longitude_deg[before]) * self.narrower[before]
        apart_m = math.hypot(north, east) * _METRES_PER_DEGREE
        if apart_m >= NEAR_M:  # never where it is not known
            return False
        soon = self.time_us[after] - self.time_us[before] < SOON_US
        return soon or (self.on_road and math.isfinite(apart_m))
