"""The formula's measurements as files: surveys as a laptop writes them, and a places file."""

from pathlib import Path

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.drive import Drive, Reachability, Sample, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from fieldsurvey.model.throughput import (
    Cause,
    Estimate,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.places.places_file import import_files
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.places_inputs import geojson
from tests.support.workbench_data import HIGHWAY, LONGITUDE_DEG, TARGET_BPS, VILLAGES, latitude_of

_TARGET = Target("national-100", "2025-10-21", TARGET_BPS, RateLayer.IP)
_PLACES = "formula"
_NAMES = {"Uzynagash": "Узынагаш", "Qaskeleng": "Қаскелең", "Otar": "Отар"}


def write_surveys(folder: Path, measurements: Measurements) -> list[Path]:
    """Write one survey file per drive; return the files."""
    paths = []
    for number, drive in enumerate(measurements.drives.iter_rows(named=True)):
        path = folder / str(drive["source"])
        with SurveyFile.create(path) as survey:
            survey.begin_drive(_drive(drive))
            survey.append(
                drive["drive_id"],
                samples=[_sample(row) for row in _rows(measurements.samples, number)],
                tests=[_test(row) for row in _rows(measurements.tests, number)],
            )
            survey.end_drive(drive["drive_id"], drive["ended_utc_us"])
        paths.append(path)
    return paths


def write_places(folder: Path) -> Path:
    """Write the highway and its villages as a places file."""
    metres = range(0, 101_000, 1_000)
    line = [[LONGITUDE_DEG, float(latitude_of(m))] for m in metres]
    highways = geojson(folder / "highways.geojson", ({"ref": HIGHWAY}, "LineString", line))
    villages = geojson(
        folder / "villages.geojson",
        *(
            (
                {"place": "village", "name": name, "name:en": name, "name:ru": _NAMES[name],
                 "name:kk": _NAMES[name], "population": 9_000},
                "Point",
                [LONGITUDE_DEG + 0.01, float(latitude_of(m))],
            )
            for name, m in VILLAGES.items()
        ),
    )  # fmt: skip
    path = folder / "formula.places"
    import_files([highways, villages], path)
    return path


def _rows(table: pl.DataFrame, drive: int) -> list[dict]:
    return table.filter(pl.col("drive") == drive).to_dicts()


def _drive(row: dict) -> Drive:
    plan = SurveyPlan(
        name=row["campaign"], operator=row["operator"], access_type=AccessType(row["access_type"])
    )
    return Drive(
        row["drive_id"], row["started_utc_us"], plan, row["position_uri"], "none:", "0.1",
        row["replayed"],
    )  # fmt: skip


def _place(row: dict) -> Place:
    return Place(
        _PLACES, row["highway_ref"], row["chainage_m"], 3.0, row["settlement_id"],
        row["settlement_id"] and row["settlement_id"].title(),
    )  # fmt: skip


def _fix(utc_us: int, latitude_deg: float, longitude_deg: float) -> Fix:
    return Fix(utc_us, utc_us, latitude_deg, longitude_deg, FixType.FIX_3D, speed_mps=22.0)


def _sample(row: dict) -> Sample:
    utc_us = row["utc_us"]
    cause = None if row["cause"] is None else Cause(row["cause"])
    return Sample(
        utc_us,
        utc_us,
        Reachability(row["reachable"], row["round_trip_us"], cause),
        _fix(utc_us, row["latitude_deg"], row["longitude_deg"]),
        0,
        RadioState(
            utc_us, utc_us, RadioTechnology(row["technology"]),
            rsrp_dbm=row["rsrp_dbm"], sinr_db=row["sinr_db"],
        ),
        _place(row),
    )  # fmt: skip


def _test(row: dict) -> ThroughputTest:
    begun, ended, rate = row["started_utc_us"], row["ended_utc_us"], row["compared_bps"]
    phases: tuple[Phase, ...] = ()
    judgement = None
    if rate is not None:
        estimate = Estimate(
            "batch-mean/1", rate, row["download_low_bps"], row["download_high_bps"], 8, 0, 0
        )
        phases = (
            Phase(PhaseKind.IDLE_LATENCY, 0, 200_000, round_trips_us=(row["idle_latency_us"],)),
            Phase(PhaseKind.DOWNLOAD, 200_000, 1_800_000, 25_000_000, 4, estimate=estimate,
                  round_trips_us=(row["download_latency_us"],)),
        )  # fmt: skip
        judgement = Judgement(Verdict(row["verdict"]), Confidence.HIGH, _TARGET, rate, "interval/1")
    cause = None if row["cause"] is None else Cause(row["cause"])
    measurement = Measurement(
        "native", Mode.CHECK, row["server_url"], Outcome(row["outcome"]), ended - begun,
        row["wire_bytes"], phases, cause,
    )  # fmt: skip
    return ThroughputTest(
        row["test_id"], Trigger(row["trigger"]), begun, begun, ended, ended, measurement,
        _fix(begun, row["start_latitude_deg"], row["start_longitude_deg"]),
        _fix(ended, row["end_latitude_deg"], row["end_longitude_deg"]),
        _place(row), _place(row), judgement,
    )  # fmt: skip
