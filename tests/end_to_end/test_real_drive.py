"""The main job on real input: 318 km of motorway, a real LTE link's trace, every second kept."""

import csv
import gzip
import itertools
import shutil
import subprocess
from pathlib import Path

import gpxpy
import pytest

from fieldsurvey.export.registry import export_survey
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.throughput import Outcome, ThroughputTest
from fieldsurvey.places.places_file import import_files
from fieldsurvey.store.survey_file import SurveyFile
from tests.support import real_drive
from tests.support.headless import findings
from tests.support.real_drive import SPEED, Driven

QUICK_MINUTES = 10
FAINT_MBPS = 2.0  # a queue of a tenth of a second from better times takes seconds to drain here
TRACE = "links/tmobile_run0_20230404T134621.csv"
RECORDING = "drives/highway_318km.nmea.gz"


def check_everything(driven: Driven, trace: Path, minutes: float) -> None:
    assert findings(driven.survey) == []
    with SurveyFile.open(driven.survey, read_only=True) as survey:
        samples, tests = list(survey.samples()), list(survey.tests())
    check_seconds(samples, minutes)
    check_dead_stretches(samples, driven, trace)
    check_tests(tests, samples)
    assert driven.worst_rss_mb < 400
    print(  # noqa: T201 - the figures of the run
        f"{len(samples)} samples, {len(tests)} tests, "
        f"{sum(not sample.reachability.reachable for sample in samples)} s without service, "
        f"{driven.worst_rss_mb:.0f} MB"
    )


def check_seconds(samples: list[Sample], minutes: float) -> None:
    """A sample for every second, none doubled, none missing."""
    steps = {later.mono_us - sooner.mono_us for sooner, later in itertools.pairwise(samples)}
    assert steps == {US_PER_S}
    assert len(samples) >= minutes * 60 - 5


def check_dead_stretches(samples: list[Sample], driven: Driven, trace: Path) -> None:
    """Every dead stretch of the link is there, where it was, with a cause, and nothing else."""
    first_us = samples[0].mono_us
    with trace.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    duration_s = len(rows)
    seconds_driven = len(samples)
    offset_s = (first_us - driven.trace_start_mono_us) / US_PER_S
    dead: set[int] = set()
    rates_mbps = [float(row["throughput_mbps"]) for row in rows]
    for second in range(seconds_driven):
        around = [rates_mbps[int(second + offset_s + s) % duration_s] for s in range(-4, 2)]
        if min(around) < FAINT_MBPS:
            dead.add(second)
    assert len(dead) < 0.3 * seconds_driven
    for lap in range(int((offset_s + seconds_driven) // duration_s) + 1):
        for start_s, length_s in real_drive.dead_stretches(trace):
            begin = lap * duration_s + start_s - offset_s
            # A full queue (0.1 s real) still empties for a second or two of the drive.
            inside = range(int(begin) + 3, int(begin + length_s) - 1)
            dead.update(range(int(begin) - 2, int(begin + length_s) + 4))
            for second in inside:
                if 0 <= second < seconds_driven:
                    reachability = samples[second].reachability
                    assert not reachability.reachable, f"served in dead second {second}"
                    assert reachability.cause is not None
    wrong = [
        second
        for second, sample in enumerate(samples)
        if not sample.reachability.reachable and second not in dead
    ]
    assert dead, "the trace has no dead stretch"
    assert len(wrong) <= 0.003 * seconds_driven, f"no service claimed in {wrong}"


def check_tests(tests: list[ThroughputTest], samples: list[Sample]) -> None:
    """Every test has start and end, and a place or an honest "no road"; both kinds occur. An end is
    missing only where the receiver had been silent for about five seconds, which the sample before
    may be the last to tell; a replay that is over is silent from its last fix on."""
    assert len(tests) >= 10
    ages_us = {sample.mono_us // US_PER_S: sample.fix_age_us or 0 for sample in samples}
    last = max(samples, key=lambda sample: sample.mono_us)
    last_fix_us = last.mono_us - (last.fix_age_us or 0)
    for test in tests:
        for mono_us, fix, place in (
            (test.started_mono_us, test.start_fix, test.start_place),
            (test.ended_mono_us, test.end_fix, test.end_place),
        ):
            second = mono_us // US_PER_S
            silent_us = max(
                ages_us.get(second + step, mono_us - last_fix_us) for step in (-1, 0, 1)
            )
            assert (fix is not None and place is not None) or silent_us > 4_000_000
        assert test.measurement.outcome in (Outcome.COMPLETED, Outcome.FAILED)
        check = test.measurement.self_check
        held_back = check is not None and bool(check.limits)  # by ourselves: no word on the place
        failed = test.measurement.outcome is Outcome.FAILED
        assert test.judgement is not None or failed or held_back
        assert test.judgement is None or not failed
    assert sum(test.judgement is not None for test in tests) > len(tests) / 2
    refs = {test.start_place.highway_ref for test in tests if test.start_place}
    assert refs == {"HALF-1", None}


def check_exports(survey: Path, folder: Path) -> None:
    """The exports open in gpxpy, GDAL and a spreadsheet, with everything in them."""
    with SurveyFile.open(survey, read_only=True) as opened:
        tests = list(opened.tests())
    gpx, table = folder / "real.gpx", folder / "real.csv"
    points = export_survey(survey, "gpx", gpx).points
    export_survey(survey, "csv", table)
    with gpx.open(encoding="utf-8") as stream:
        parsed = gpxpy.parse(stream)
    assert (
        sum(len(segment.points) for track in parsed.tracks for segment in track.segments) == points
    )
    assert len(parsed.waypoints) == sum(test.start_fix is not None for test in tests)
    listed = subprocess.run(
        ["ogrinfo", "-so", str(gpx), "track_points"], check=True, capture_output=True, text=True
    ).stdout
    assert f"Feature Count: {points}" in listed
    sheet = folder / "sheet.csv"
    tests_table = table.with_name("real-tests.csv")
    subprocess.run(["ssconvert", str(tests_table), str(sheet)], check=True, capture_output=True)
    with sheet.open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(tests)


@pytest.mark.realdata
@pytest.mark.timeout(420)
def test_first_ten_minutes(tmp_path: Path, shared_data: Path) -> None:
    for program in ("ogrinfo", "ssconvert"):
        assert shutil.which(program), f"{program} is missing: see packaging/test-packages.txt"
    recording = real_drive.first_minutes(
        shared_data / RECORDING, QUICK_MINUTES, tmp_path / "drive.nmea"
    )
    places = tmp_path / "half.places"
    import_files([real_drive.road_of(recording, tmp_path / "half.geojson")], places)
    trace = shared_data / TRACE
    timeout_s = QUICK_MINUTES * 60 / SPEED + 60
    driven = real_drive.drive(tmp_path, recording, trace, places, timeout_s)
    check_everything(driven, trace, QUICK_MINUTES)
    check_exports(driven.survey, tmp_path)


@pytest.mark.faults
@pytest.mark.realdata
def test_the_whole_drive(tmp_path: Path, shared_data: Path) -> None:
    recording = tmp_path / "drive.nmea"
    with gzip.open(shared_data / RECORDING) as packed:
        recording.write_bytes(packed.read())
    places = tmp_path / "half.places"
    import_files([real_drive.road_of(recording, tmp_path / "half.geojson")], places)
    minutes = real_drive.replayed_minutes(recording)
    trace = shared_data / TRACE
    driven = real_drive.drive(tmp_path, recording, trace, places, minutes * 60 / SPEED + 600)
    check_everything(driven, trace, minutes - 1)
    check_exports(driven.survey, tmp_path)
