"""Measurements for the workbench made by a formula: a straight highway, two operators, villages.

The highway ``KZ38-01`` runs north from Almaty. Kcell is above the target up to km 40 and below it
from there on, Beeline the other way round but slower; between km 62 and 64 nobody has service.
"""

import numpy as np
import polars as pl

from fieldsurvey.analysis.measurements import (
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    Measurements,
)

US = 1_000_000
BEGAN_UTC_US = 1_779_094_800 * US  # 2026-05-18 09:00 UTC
HIGHWAY = "KZ38-01"
START_LATITUDE_DEG, LONGITUDE_DEG = 43.35, 76.93
_M_PER_DEG = 111_195.0
_SPEED_MPS = 22.0
TARGET_BPS = 100_000_000
OPERATORS = ("Kcell", "Beeline")
VILLAGES = {"Uzynagash": 18_000.0, "Qaskeleng": 47_000.0, "Otar": 81_000.0}


def latitude_of(chainage_m):
    """Return the latitude of a kilometre of the highway, in degrees."""
    return START_LATITUDE_DEG + np.asarray(chainage_m) / _M_PER_DEG


def _village_of(chainage_m: np.ndarray) -> np.ndarray:
    ids = np.full(len(chainage_m), None, object)
    for name, centre_m in VILLAGES.items():
        ids[np.abs(chainage_m - centre_m) < 1_200] = name.lower()
    return ids


def a_highway(
    seconds: int = 4_000,
    tests_per_drive: int = 90,
    *,
    drives: int = 2,
    replayed: bool | None = False,
    seed: int = 1,
) -> Measurements:
    """Return ``drives`` drives, the operators taking turns, a day apart from each other."""
    dice = np.random.default_rng(seed)
    parts = [_drive(number, seconds, tests_per_drive, dice) for number in range(drives)]
    drive_rows = [
        {
            "drive_id": f"drive-{number}", "source": f"{OPERATORS[number % 2].lower()}.fsurvey",
            "device": None, "campaign": "spring" if number < 2 else "autumn",
            "operator": OPERATORS[number % 2], "access_type": "mobile",
            "started_utc_us": _began(number), "ended_utc_us": _began(number) + seconds * US,
            "position_uri": "serial:auto", "replayed": replayed,
        }
        for number in range(drives)
    ]  # fmt: skip
    return Measurements(
        pl.DataFrame(drive_rows, schema=DRIVE_COLUMNS),
        pl.concat([samples for samples, _ in parts]),
        pl.concat([tests for _, tests in parts]),
        tuple(row["source"] for row in drive_rows),
    )


def _began(number: int) -> int:
    return BEGAN_UTC_US + number * 86_400 * US


def _drive(
    number: int, seconds: int, tests: int, dice: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    chainage_m = np.linspace(0, seconds * _SPEED_MPS, seconds, endpoint=False) % 100_000
    utc_us = _began(number) + np.arange(seconds) * US
    served = ~((chainage_m > 62_000) & (chainage_m < 64_000))
    rsrp = np.float32(-85 - 25 * np.sin(chainage_m / 9_000) ** 2 + dice.normal(0, 3, seconds))
    technology = np.where(served, np.where(rsrp > -100, "4G", "3G"), "none")
    samples = _table(
        SAMPLE_COLUMNS,
        seconds,
        drive=np.full(seconds, number),
        run=np.zeros(seconds, int),
        utc_us=utc_us,
        reachable=served,
        cause=np.where(served, None, "timed_out"),
        round_trip_us=[int(x) if ok else None for x, ok in zip(
            dice.gamma(4, 9_000, seconds) + 18_000, served, strict=True)],
        latitude_deg=latitude_of(chainage_m),
        longitude_deg=np.full(seconds, LONGITUDE_DEG) + 0.004 * np.sin(chainage_m / 3_000),
        speed_mps=np.full(seconds, _SPEED_MPS),
        technology=technology,
        rsrp_dbm=np.where(served, rsrp, np.nan),
        sinr_db=np.where(served, (rsrp + 110) / 2, np.nan),
        highway_ref=np.full(seconds, HIGHWAY),
        chainage_m=chainage_m,
        settlement_id=_village_of(chainage_m),
    )  # fmt: skip
    at = np.linspace(5, seconds - 5, tests).astype(int)
    where_m = chainage_m[at]
    level = np.where(where_m < 40_000, 160.0, 62.0) if number % 2 == 0 else np.where(
        where_m < 40_000, 88.0, 120.0
    )  # fmt: skip
    rate_bps = np.int64(np.clip(dice.normal(level, level * 0.12), 3, 200) * 1e6)
    ok = served[at]
    verdict = np.where(rate_bps > 1.05 * TARGET_BPS, "above", "below")
    verdict = np.where(np.abs(rate_bps / TARGET_BPS - 1) < 0.05, "undecided", verdict)
    rates = [int(rate) if good else None for rate, good in zip(rate_bps, ok, strict=True)]
    test_rows = _table(
        TEST_COLUMNS,
        tests,
        drive=np.full(tests, number),
        test_id=[f"test-{number}-{index:06d}" for index in range(tests)],
        started_utc_us=utc_us[at],
        ended_utc_us=utc_us[at] + 2 * US,
        operator=np.full(tests, OPERATORS[number % 2]),
        access_type=np.full(tests, "mobile"),
        technology=technology[at],
        rsrp_dbm=np.where(ok, rsrp[at], np.nan),
        sinr_db=np.where(ok, (rsrp[at] + 110) / 2, np.nan),
        trigger=np.where(np.arange(tests) % 5 == 0, "kilometre_post", "distance"),
        protocol=np.full(tests, "native"),
        mode=np.full(tests, "check"),
        outcome=np.where(ok, "completed", "failed"),
        cause=np.where(ok, None, "timed_out"),
        result=np.where(ok, verdict, "no_service"),
        verdict=np.where(ok, verdict, None),
        confidence=np.where(ok, "high", None),
        rule=np.where(ok, "interval/1", None),
        target_id=np.full(tests, "national-100"),
        target_version=np.full(tests, "2025-10-21"),
        target_bps=np.full(tests, TARGET_BPS),
        compared_bps=rates,
        download_bps=rates,
        download_low_bps=[None if rate is None else int(rate * 0.95) for rate in rates],
        download_high_bps=[None if rate is None else int(rate * 1.05) for rate in rates],
        idle_latency_us=[int(x) if good else None for x, good in zip(
            dice.gamma(4, 6_000, tests) + 20_000, ok, strict=True)],
        download_latency_us=[int(x) if good else None for x, good in zip(
            dice.gamma(4, 30_000, tests) + 40_000, ok, strict=True)],
        wire_bytes=np.full(tests, 25_000_000),
        start_latitude_deg=latitude_of(where_m),
        start_longitude_deg=np.full(tests, LONGITUDE_DEG) + 0.004 * np.sin(where_m / 3_000),
        end_latitude_deg=latitude_of(where_m + 44),
        end_longitude_deg=np.full(tests, LONGITUDE_DEG) + 0.004 * np.sin(where_m / 3_000),
        highway_ref=np.full(tests, HIGHWAY),
        chainage_m=where_m,
        end_chainage_m=where_m + 44,
        settlement_id=_village_of(where_m),
        settlement_name=[None if v is None else v.title() for v in _village_of(where_m)],
        server_url=np.full(tests, "wss://measure.example.kz"),
        tags=np.full(tests, "{}"),
    )  # fmt: skip
    return samples, test_rows


def _table(columns: dict, size: int, **values: object) -> pl.DataFrame:
    series = []
    for name, kind in columns.items():
        value = values.get(name)
        column = pl.Series(name, [None] * size if value is None else value, strict=False)
        if column.dtype in (pl.Float64, pl.Float32):
            column = column.fill_nan(None)
        if column.dtype == pl.Object:
            column = pl.Series(name, list(value), dtype=pl.String)
        series.append(column.cast(kind))
    return pl.DataFrame(series)


def at_fixed_points(
    days: int = 2, hours: tuple[int, ...] = (9, 10, 11, 18, 19), tests_an_hour: int = 12
) -> Measurements:
    """Return two laptops at fixed points on ``days`` days, by Kazakhstan's clock; from 18 o'clock
    on the last day is crowded, and at 19 o'clock half of its tests have no service."""
    driven = a_highway(10, 1)
    midnight_us = BEGAN_UTC_US // 86_400 // US * 86_400 * US - 5 * 3600 * US
    rows: list[dict[str, object]] = []
    for day in range(days):
        for hour in hours:
            for number in range(tests_an_hour):
                crowded = day == days - 1 and hour >= 18
                silent = crowded and hour == 19 and number % 2 == 0
                mbps = (40.0 if crowded else 150.0) + number
                began = midnight_us + ((day * 24 + hour) * 60 + number * 4) * 60 * US
                rows.append(
                    {
                        "drive": number % 2, "test_id": f"{day}-{hour}-{number}",
                        "started_utc_us": began, "ended_utc_us": began + 2 * US,
                        "operator": OPERATORS[number % 2],
                        "outcome": "failed" if silent else "completed",
                        "result": "no_service" if silent else "below" if crowded else "above",
                        "verdict": None if silent else "below" if crowded else "above",
                        "download_bps": None if silent else int(mbps * 1e6),
                        "compared_bps": None if silent else int(mbps * 1e6),
                        "target_bps": TARGET_BPS,
                        "start_latitude_deg": 43.24 + number % 2 * 0.01,
                        "start_longitude_deg": 76.92,
                    }
                )  # fmt: skip
    tests = pl.DataFrame(rows, infer_schema_length=None)
    lacking = [
        pl.lit(None, kind).alias(name)
        for name, kind in TEST_COLUMNS.items()
        if name not in tests.columns
    ]
    tests = tests.with_columns(lacking).select(
        pl.col(name).cast(kind) for name, kind in TEST_COLUMNS.items()
    )
    return Measurements(driven.drives, driven.samples.clear(), tests, driven.sources)
