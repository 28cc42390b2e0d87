"""A highway and a village as a supervisor would open them, made by formulas: two operators on two
hundred kilometres of a road that turns."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.throughput import OWN_CAUSES, Cause
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.report import ImportReport, SourceSummary
from fieldsurvey.places.settlements import SettlementTable
from fieldsurvey.report.subject import Box, Everything, Highway, Programme, Subject
from fieldsurvey.report.writing import ReportWritten, write_report
from tests.support.analysis_rows import NOW_UTC_US, RULE, S, measurements
from tests.support.places_lines import line

REF = "KZ38-01"
VILLAGES = (("s1", "Қордай", "Korday", "Кордай", 0.22), ("s2", "Ұзынағаш", "Uzynagash",
                 "Узынагаш", 0.71))  # fmt: skip


def road(share: float) -> tuple[float, float]:
    """Return latitude and longitude of a share of the highway."""
    return 43.2 + 0.35 * math.sin(3 * share), 74.6 + 2.4 * share


_ROAD = line(REF, [road(n / 200) for n in range(201)])
LENGTH_M = _ROAD.length_m


@functools.cache
def places() -> Places:
    """Return the highway, a second one that crosses it, and two villages beside it."""
    other = line("KAZ02", [(42.9, 75.9), (43.3, 76.0), (43.8, 76.3)])
    at = [road(share) for *_, share in VILLAGES]
    table = SettlementTable(
        id=tuple(row[0] for row in VILLAGES),
        name=tuple(row[1] for row in VILLAGES),
        name_en=tuple(row[2] for row in VILLAGES),
        name_ru=tuple(row[3] for row in VILLAGES),
        name_kk=tuple(row[1] for row in VILLAGES),
        latitude_deg=np.array([latitude for latitude, _ in at]),
        longitude_deg=np.array([longitude for _, longitude in at]),
        population=np.array([30_000, 12_000]),
        radius_m=np.array([2_000.0, 2_000.0]),
        border_wkb=(None, None),
    )
    source = SourceSummary("roads.geojson", "geojson", "ab" * 32, 2, {})
    report = ImportReport(
        "test.places", "0123456789ab", (source,), 2, 2, 300.0, 0, 150.0, 150.0, 2, 0
    )
    return Places("0123456789ab", [_ROAD, other], table, report)


@functools.cache
def two_operators(first_km: int = 0, last_km: int = 160) -> Measurements:
    """Return a pass of each operator: "North" is slow from km 40 on and dead around km 90, "South"
    fast everywhere and not driven beyond km 120. A third drive is a replay."""
    rows: list[dict[str, Any]] = []
    seconds: list[dict[str, Any]] = []
    random = np.random.default_rng(7)
    for drive, (operator, end_km) in enumerate((("North", last_km), ("South", min(last_km, 120)))):
        for n in range(int((end_km - first_km) / 0.7)):
            chainage_m = first_km * 1_000 + n * 700.0 + 10
            rows.append(_test(drive, operator, chainage_m, n, random.lognormal(0, 0.35)))
            latitude, longitude = _where(chainage_m)
            dead = operator == "North" and 88_000 < chainage_m < 93_000
            seconds.append({
                "drive": drive, "utc_us": NOW_UTC_US - 90 * 86_400 * S + n * 30 * S,
                "latitude_deg": latitude, "longitude_deg": longitude, "highway_ref": REF,
                "chainage_m": chainage_m, "reachable": not dead,
                "cause": "no_route" if dead else None,
            })  # fmt: skip
    rows += [{**rows[0], "drive": 2, "test_id": "replayed"}]
    started = NOW_UTC_US - 90 * 86_400 * S
    drives = [
        {"drive_id": f"5f0c{n}a7e-drive", "source": "road.fsurvey", "operator": operator,
         "replayed": n == 2, "started_utc_us": started}
        for n, operator in enumerate(("North", "South", "North"))
    ]  # fmt: skip
    return measurements(rows, seconds, drives)


def road_report(path: Path, language: str = "en", **how: Any) -> ReportWritten:
    """Print the whole highway of :func:`two_operators`."""
    return write_report(
        two_operators(),
        Highway(REF),
        path,
        places=places(),
        language=language,
        now_utc_us=NOW_UTC_US,
        rule=RULE,
        **how,
    )


def _where(chainage_m: float) -> tuple[float, float]:
    return road(chainage_m / LENGTH_M)


def _test(drive: int, operator: str, chainage_m: float, n: int, factor: float) -> dict[str, Any]:
    slow = operator == "North" and chainage_m >= 40_000
    dead = operator == "North" and 88_000 < chainage_m < 93_000
    rate_bps = round((45e6 if slow else 210e6) * factor)
    word = "no_service" if dead else "above" if rate_bps > 105e6 else "below"
    if not dead and 95e6 < rate_bps <= 105e6:
        word = "undecided"
    latitude, longitude = _where(chainage_m)
    village = next((row for row in VILLAGES if abs(row[4] * LENGTH_M - chainage_m) < 2_000), None)
    return {
        "drive": drive, "operator": operator, "result": word, "chainage_m": chainage_m,
        "highway_ref": REF, "started_utc_us": NOW_UTC_US - 90 * 86_400 * S + n * 30 * S,
        "compared_bps": None if dead else rate_bps, "download_bps": None if dead else rate_bps,
        "download_low_bps": None if dead else rate_bps - 1_000_000,
        "rule": None if dead else "interval-against-target/3", "protocol": "throughput1",
        "cause": "no_route" if dead else None,
        "idle_latency_us": None if dead else round(32_000 * factor),
        "download_latency_us": None if dead else round(140_000 * factor),
        "start_latitude_deg": latitude, "start_longitude_deg": longitude,
        "settlement_id": village and village[0], "settlement_name": village and village[1],
    }  # fmt: skip


@functools.cache
def ties() -> Measurements:
    """Return measurements of which as many are of one kind as of another, wherever a report orders
    by number: operators, causes of tests and of seconds, technologies, versions, laptops, places,
    the times of tests."""
    causes = [cause.value for cause in Cause if cause not in OWN_CAUSES]
    operators = ("Delta", "Alpha", "Gamma", "Beta", "Epsilon", None)
    spots: list[dict[str, Any]] = [
        {"chainage_m": 5_000.0, "settlement_id": None},
        {"highway_ref": "KAZ02", "chainage_m": 5_000.0, "settlement_id": "s1"},
        *({"highway_ref": None, "chainage_m": None, "settlement_id": place}
          for place in ("s2", "s3", None)),
    ]  # fmt: skip
    rows = [
        {"drive": drive, "operator": operator, "access_type": access, **spot,
         "result": "no_service", "cause": cause, "start_latitude_deg": 43.3 + 0.1 * n,
         "start_longitude_deg": 75.0 + n, "rule": f"rule/{k % 3}",
         "started_utc_us": NOW_UTC_US - 86_400 * S + k * 100 * S}
        for drive, operator in enumerate(operators)
        for access in ("mobile", "fibre")
        for n, spot in enumerate(spots)
        for k, cause in enumerate(causes)
    ]  # fmt: skip
    seconds = [
        {"drive": drive, "reachable": False, "cause": cause, "technology": technology,
         "latitude_deg": 43.3, "longitude_deg": 75.0 + 0.01 * drive}
        for drive in range(len(operators))
        for cause in causes
        for technology in ("4G", "3G", "2G", "5G-SA", "unknown", None)
    ]  # fmt: skip
    drives = [
        {"operator": operator, "app_version": f"0.{n % 3}", "device": f"{n:012x}"}
        for n, operator in enumerate(operators)
    ]
    return measurements(rows, seconds, drives)


def ties_report(path: Path, subject: str) -> None:
    """Print :func:`ties`, of a rectangle or of what else a subject is called."""
    about: dict[str, Subject] = {
        "highway": Highway("KAZ01"), "box": Box(74.0, 43.0, 79.0, 44.0),
        "everything": Everything(), "programme": Programme(),
    }  # fmt: skip
    write_report(
        ties(), about[subject], path, places=places(), language="ru", now_utc_us=NOW_UTC_US
    )


def repeated(m: Measurements, seconds: int, tests: int) -> Measurements:
    """Return the same ways driven again and again: so many seconds, and tests 50 s apart."""
    began = pl.lit(NOW_UTC_US - 80 * 86_400 * S)
    own = m.tests.filter(pl.col("drive") < 2)
    return replace(
        m,
        samples=pl.concat([m.samples] * -(-seconds // len(m.samples)))
        .head(seconds)
        .with_columns(utc_us=began + pl.int_range(seconds) * S),
        tests=pl.concat([own] * -(-tests // len(own)))
        .head(tests)
        .with_columns(
            started_utc_us=began + pl.int_range(tests) * 50 * S,
            test_id=pl.format("test-{}", pl.int_range(tests)),
        ),
    )
