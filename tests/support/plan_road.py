"""A straight highway due north, and surveys of it with tests where one wants them."""

import dataclasses
import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from fieldsurvey.model.drive import Drive, Reachability, Sample, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.places.places_file import Places, import_files, open_places
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.route import DEGREES_PER_M
from tests.support.store_values import a_test

REF = "KZ38-01"
S = 1_000_000
DAY_S = 86_400
MORNING_US = 4 * 3600 * S  # nine o'clock in Kazakhstan
SPEED_MPS = 20.0


def road_places(folder: Path, km: float = 24.0) -> Places:
    """Write ``road.places``: the highway from 43° N 77° E, and a village at its seventh km."""
    line = [[77.0, 43.0 + north_m * DEGREES_PER_M] for north_m in (0.0, km * 500, km * 1000)]
    features = [
        {
            "type": "Feature",
            "properties": {"ref": REF},
            "geometry": {"type": "LineString", "coordinates": line},
        },
        {
            "type": "Feature",
            "properties": {"name": "Шелек", "id": "s1", "place": "village"},
            "geometry": {"type": "Point", "coordinates": [77.0, 43.0 + 7_000 * DEGREES_PER_M]},
        },
    ]
    source = folder / "road.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    import_files([source], folder / "road.places")
    return open_places(folder / "road.places")


def fix_at(mono_us: int, utc_us: int, north_m: float) -> Fix:
    return Fix(
        utc_us,
        mono_us,
        43.0 + north_m * DEGREES_PER_M,
        77.0,
        FixType.FIX_3D,
        gnss_utc_us=utc_us,
        speed_mps=SPEED_MPS,
        satellites=9,
        hdop=0.9,
    )


def place_at(north_m: float, settlement_id: str | None = None) -> Place:
    return Place("road", REF, north_m, 0.0, settlement_id)


def road_test(
    north_m: float, verdict: Verdict, mono_us: int, utc_us: int, settlement_id: str | None = None
) -> ThroughputTest:
    """A test that began ``north_m`` along the highway."""
    return dataclasses.replace(
        a_test(0, verdict),
        test_id=str(uuid.uuid4()),
        started_utc_us=utc_us,
        started_mono_us=mono_us,
        ended_utc_us=utc_us + 2 * S,
        ended_mono_us=mono_us + 2 * S,
        start_fix=fix_at(mono_us, utc_us, north_m),
        end_fix=fix_at(mono_us + 2 * S, utc_us + 2 * S, north_m + 2 * SPEED_MPS),
        start_place=place_at(north_m, settlement_id),
        end_place=None,
    )


def road_drive(plan: SurveyPlan, start_utc_us: int, *, replayed: bool) -> Drive:
    drive_id = str(uuid.uuid4())
    return Drive(drive_id, start_utc_us, plan, "replay:x", "none:", "0.1.0", replayed)


def write_survey(
    path: Path,
    tests: Iterable[tuple[float, Verdict]],
    *,
    replayed: bool = False,
    days_ago: float = 1.0,
    operator: str = "",
    driven_m: int = 0,
    settlement_id: str | None = None,
) -> Path:
    """Write a survey with a test at each (metres along the highway, verdict), two minutes apart,
    all in the settlement if one is named, and a second every 20 m of ``driven_m``. It began in a
    day's morning, so that it ends in it."""
    start_utc_us = int(time.time() - days_ago * DAY_S) // DAY_S * DAY_S * S + MORNING_US
    plan = SurveyPlan(name=path.stem, operator=operator)
    drive = road_drive(plan, start_utc_us, replayed=replayed)
    made = [
        road_test(north_m, verdict, (n + 1) * 120 * S, start_utc_us + n * 120 * S, settlement_id)
        for n, (north_m, verdict) in enumerate(tests)
    ]
    samples = []
    for second in range(int(driven_m / SPEED_MPS)):
        fix = fix_at(second * S, start_utc_us + second * S, second * SPEED_MPS)
        samples.append(
            Sample(
                start_utc_us + second * S + 200_000,
                second * S + 200_000,
                Reachability(True, 40_000),
                fix,
                200_000,
                None,
                place_at(second * SPEED_MPS),
            )
        )
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        survey.append(drive.drive_id, samples=samples, tests=made)
        survey.end_drive(drive.drive_id, start_utc_us + 3600 * S)
    return path
