"""A million seconds of driving as columns, made piece by piece so that nobody holds them all."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from fieldsurvey.export.from_model import drives_frame, tests_frame
from fieldsurvey.export.tables import CHUNK_ROWS, SAMPLE_COLUMNS, SurveyTables, schema
from tests.support.export_surveys import START_UTC_US, S, drive

GAP_EVERY = 2_000  # seconds; each gap starts a segment


def bulk_tables(seconds: int, seed: int = 1) -> SurveyTables:
    """One drive of ``seconds`` rows with all columns that a car with a modem fills."""
    return SurveyTables(
        drives=drives_frame([drive()]),
        tests=tests_frame([]),
        sample_count=seconds,
        sample_pieces=lambda: _pieces(seconds, seed),
    )


def _pieces(seconds: int, seed: int) -> Iterator[pl.DataFrame]:
    for start in range(0, seconds, CHUNK_ROWS):
        yield _piece(start, min(CHUNK_ROWS, seconds - start), seed)


def _piece(start: int, rows: int, seed: int) -> pl.DataFrame:
    chance = np.random.default_rng([seed, start])
    number = np.arange(start, start + rows)
    elapsed_us = (number + number // GAP_EVERY * 20) * S
    reachable = chance.random(rows) < 0.9
    some = chance.random(rows) < 0.95
    values = {
        "drive_id": np.full(rows, drive().drive_id),
        "run": np.zeros(rows, dtype=np.int64),
        "utc_us": START_UTC_US + elapsed_us,
        "mono_us": elapsed_us,
        "reachable": reachable,
        "cause": np.where(reachable, None, "timed_out"),
        "round_trip_us": np.where(reachable, chance.integers(15_000, 300_000, rows), np.nan),
        "fix_age_us": chance.integers(0, 900, rows) * 1_000,
        "latitude_deg": 43.2 + (number % 70_000) * 1e-4 + chance.normal(0, 1e-6, rows),
        "longitude_deg": 76.9 + (number % 70_000) * 5e-5 + chance.normal(0, 1e-6, rows),
        "altitude_m": np.round(chance.uniform(300, 900, rows), 1),
        "speed_mps": chance.uniform(0, 30, rows),
        "heading_deg": chance.uniform(0, 360, rows),
        "accuracy_m": chance.uniform(1, 8, rows),
        "hdop": np.round(chance.uniform(0.6, 2, rows), 2),
        "satellites": chance.integers(4, 20, rows),
        "fix_type": np.full(rows, 3),
        "fix_flags": np.zeros(rows, dtype=np.int64),
        "gnss_utc_us": START_UTC_US + elapsed_us + 40_000,
        "technology": np.where(some, "4G", "3G"),
        "operator_code": np.full(rows, "40177"),
        "operator_name": np.where(some, "Tele2 Altel", None),
        "cell_id": chance.integers(1_000_000, 99_000_000, rows),
        "rsrp_dbm": np.round(chance.uniform(-120, -70, rows), 1),
        "sinr_db": np.round(chance.uniform(-5, 25, rows), 1),
        "highway_ref": np.full(rows, "KAZ01"),
        "chainage_m": number * 25.0 % 1_200_000,
        "road_distance_m": chance.uniform(0, 20, rows),
        "settlement_name": np.where(some, None, "Қапшағай"),
        "places_version": np.full(rows, "osm-2026-05"),
    }
    return pl.DataFrame(
        {
            name: _series(values.get(name), rows, kind)
            for name, kind in schema(SAMPLE_COLUMNS).items()
        }
    )


def _series(values: np.ndarray | None, rows: int, kind: pl.DataType) -> pl.Series:
    if values is None:
        return pl.repeat(None, rows, dtype=kind, eager=True)
    if kind == pl.String:
        return pl.Series(values.tolist(), dtype=kind)
    return pl.Series(values, nan_to_null=True).cast(kind)
