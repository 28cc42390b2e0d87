"""Places for what was recorded without: seconds of the archive, imports, drives without a file.

Whole columns at once, without the continuity along a drive that a laptop's own finder has: the
heading keeps a car on its road at a crossing. A place that was recorded is left alone.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.places.geometry import Floats
from fieldsurvey.places.places_file import Places

_METRES_PER_DEGREE = 111_195.0
_LANGUAGE = "ru"  # as drives name settlements
_FEWEST_M = 5.0  # below, the direction between two positions is noise


def placed(m: Measurements, places: Places) -> Measurements:
    """Return ``m`` with a place, or honestly none, for each row with a position and no place."""
    return replace(
        m,
        samples=_placed_samples(m.samples, places),
        tests=_placed_tests(m.tests, places),
        places_version=places.version,
    )


def _placed_samples(samples: pl.DataFrame, places: Places) -> pl.DataFrame:
    rows = _without_place(samples, "")
    if not len(rows):
        return samples
    latitude, longitude = _positions(samples, "", rows)
    heading = _headings(samples)[rows]
    road = places.nearest_road(latitude, longitude, heading)
    refs = [line.ref for line in places.highway_lines()]
    settlement = places.nearest_settlement(latitude, longitude)
    return samples.with_columns(
        _filled(samples, rows, "highway_ref", _words(refs, road.line)),
        _filled(samples, rows, "chainage_m", pl.Series(road.chainage_m, nan_to_null=True)),
        _filled(samples, rows, "settlement_id", _words(places.settlements().id, settlement.index)),
    )


def _placed_tests(tests: pl.DataFrame, places: Places) -> pl.DataFrame:
    rows = _without_place(tests, "start_")
    if not len(rows):
        return tests
    latitude, longitude = _positions(tests, "start_", rows)
    end_latitude, end_longitude = _positions(tests, "end_", rows)
    heading = _heading(latitude, longitude, end_latitude, end_longitude)
    road = places.nearest_road(latitude, longitude, heading)
    end = places.nearest_road(end_latitude, end_longitude, heading)
    same_line = (road.line == end.line) & (road.line >= 0)
    refs = [line.ref for line in places.highway_lines()]
    table = places.settlements()
    settlement = places.nearest_settlement(latitude, longitude)
    names = [table.name_in(index, _LANGUAGE) for index in range(len(table))]
    reals = {
        "chainage_m": road.chainage_m,
        "end_chainage_m": np.where(same_line, end.chainage_m, np.nan),
    }
    return tests.with_columns(
        _filled(tests, rows, "highway_ref", _words(refs, road.line)),
        *(
            _filled(tests, rows, name, pl.Series(values, nan_to_null=True))
            for name, values in reals.items()
        ),
        _filled(tests, rows, "settlement_id", _words(table.id, settlement.index)),
        _filled(tests, rows, "settlement_name", _words(names, settlement.index)),
    )


def _without_place(rows: pl.DataFrame, prefix: str) -> np.ndarray:
    """Return the numbers of the rows that have a position and neither road nor settlement."""
    lacking = rows.select(
        pl.col("highway_ref").is_null()
        & pl.col("settlement_id").is_null()
        & pl.col(f"{prefix}latitude_deg").is_not_null()
    ).to_series()
    return np.flatnonzero(lacking.to_numpy())


def _positions(rows: pl.DataFrame, prefix: str, which: np.ndarray) -> tuple[Floats, Floats]:
    return (
        rows[f"{prefix}latitude_deg"].to_numpy()[which],
        rows[f"{prefix}longitude_deg"].to_numpy()[which],
    )


def _headings(samples: pl.DataFrame) -> Floats:
    """Return the direction of each second from where the car was a second before, in degrees; NaN
    where another run begins or the car stood."""
    latitude, longitude = samples["latitude_deg"].to_numpy(), samples["longitude_deg"].to_numpy()
    joined = (
        samples.select((pl.col("drive").diff() == 0) & (pl.col("run").diff() == 0))
        .to_series()
        .fill_null(value=False)
        .to_numpy()
    )
    before = np.roll(latitude, 1), np.roll(longitude, 1)
    return np.where(joined, _heading(*before, latitude, longitude), np.nan)


def _heading(
    latitude: Floats, longitude: Floats, then_latitude: Floats, then_longitude: Floats
) -> Floats:
    north = then_latitude - latitude
    east = (then_longitude - longitude) * np.cos(np.radians(latitude))
    far = np.hypot(north, east) * _METRES_PER_DEGREE >= _FEWEST_M
    return np.where(far, np.degrees(np.arctan2(east, north)) % 360, np.nan)


def _words(words: list[str] | tuple[str, ...], index: np.ndarray) -> pl.Series:
    """Return ``words[index]``; null where the index is -1."""
    known = pl.Series(list(words), dtype=pl.String).cast(pl.Categorical)
    return known.gather(pl.Series(np.where(index < 0, len(words), index)), null_on_oob=True)


def _filled(rows: pl.DataFrame, which: np.ndarray, name: str, values: pl.Series) -> pl.Series:
    """Return a column with ``values`` in the rows ``which``."""
    column, kind = rows[name], rows[name].dtype
    spread = np.full(len(rows), len(values), np.int64)
    spread[which] = np.arange(len(which))
    found = values.cast(kind).gather(pl.Series(spread), null_on_oob=True)
    return found.alias(name).zip_with(pl.Series(spread < len(values)), column)
