"""Measurements from a few words per row, for tests of what is judged."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from fieldsurvey.analysis.measurements import (
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    Measurements,
)
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.model.verdict import RateLayer

S = 1_000_000
DAY_US = 86_400 * S
NOW_UTC_US = 1_790_000_000_000_000
RULE = JudgedBy("national-100", "2025", 100_000_000, RateLayer.IP, 0.6, 0.9, 0.05, 0.05)
RATES_BPS = {"above": 150_000_000, "below": 40_000_000, "undecided": 100_000_000}

Row = Mapping[str, Any]


def measurements(
    tests: Iterable[Row] = (), samples: Iterable[Row] = (), drives: Iterable[Row] = ({},)
) -> Measurements:
    """Return tables of rows that say only what matters. Tests are two minutes apart, seconds one,
    counted back from a day ago."""
    return Measurements(
        _frame([_drive(n, row) for n, row in enumerate(drives)], DRIVE_COLUMNS),
        _frame([_sample(n, row) for n, row in enumerate(samples)], SAMPLE_COLUMNS),
        _frame([_test(n, row) for n, row in enumerate(tests)], TEST_COLUMNS),
        ("rows",),
    )


def results(words: str, **row: Any) -> list[Row]:
    """Return tests in a row: a(bove), b(elow), u(ndecided), n(o service), f(ailed)."""
    names = {
        "a": "above",
        "b": "below",
        "u": "undecided",
        "n": "no_service",
        "f": "failed",
        "r": "repeated",
    }
    return [{"result": names[word], **row} for word in words]


def _drive(number: int, row: Row) -> Row:
    return {
        "drive_id": f"drive-{number}",
        "source": "rows",
        "campaign": "north",
        "operator": "A",
        "access_type": "mobile",
        "started_utc_us": NOW_UTC_US - DAY_US,
        "replayed": False,
        **row,
    }


def _sample(number: int, row: Row) -> Row:
    return {
        "drive": 0,
        "run": 0,
        "utc_us": NOW_UTC_US - DAY_US + number * S,
        "reachable": True,
        "technology": "4G",
        "highway_ref": "KAZ01",
        "chainage_m": 1_000.0,
        **row,
    }


def _test(number: int, row: Row) -> Row:
    result = row.get("result", "above")
    judged = result in RATES_BPS
    started_utc_us = row.get("started_utc_us", NOW_UTC_US - DAY_US + number * 120 * S)
    return {
        "drive": 0,
        "test_id": f"test-{number}",
        "started_utc_us": started_utc_us,
        "ended_utc_us": None if started_utc_us is None else started_utc_us + 2 * S,
        "operator": "A",
        "access_type": "mobile",
        "technology": "4G",
        "outcome": "completed" if judged else "failed",
        "result": result,
        "verdict": result if judged else None,
        "target_id": RULE.target_id if judged else None,
        "target_version": RULE.target_version if judged else None,
        "target_bps": RULE.rate_bps if judged else None,
        "compared_bps": RATES_BPS.get(result),
        "download_bps": RATES_BPS.get(result),
        "highway_ref": "KAZ01",
        "chainage_m": 1_000.0,
        "settlement_id": "s1",
        "settlement_name": "Қордай",
        **row,
    }


def _frame(rows: list[Row], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema=schema)
