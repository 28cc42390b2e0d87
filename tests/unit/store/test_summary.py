"""Figures count what is in the file, and a broken-off drive is found with all it had."""

import dataclasses
from pathlib import Path

import pytest

from fieldsurvey.model.drive import DriveCounts
from fieldsurvey.model.odometer import Odometer
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import FixFlag
from fieldsurvey.model.tally import Tally
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.survey_file import SurveyFile, SurveySummary
from tests.support.store_values import (
    PLACE,
    START_UTC_US,
    S,
    a_drive,
    a_fix,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
)

KM_5 = [a_fix(n, north_m=20.0 * n) for n in range(250)]


@pytest.fixture
def survey(tmp_path: Path):
    with SurveyFile.create(tmp_path / "a.fsurvey") as opened:
        opened.begin_drive(a_drive("d1"))
        yield opened


def test_an_empty_survey(survey: SurveyFile) -> None:
    summary = survey.summary()
    assert summary == SurveySummary(1, 0, 0, Tally(), 0.0, None, None, (), 0)


def test_each_kind_of_test_is_counted_as_what_it_is(survey: SurveyFile) -> None:
    road = Place("v", highway_ref="KAZ01", settlement_name="Алға", settlement_distance_m=900.0)
    near = Place("v", settlement_name="Алға", settlement_distance_m=900.0)
    survey.append(
        "d1",
        samples=[a_sample(0), a_sample(1, Cause.DNS), a_sample(2, Cause.STALLED)],
        tests=[
            a_test(10),
            a_test(20, start_place=road),
            a_test(30, Verdict.BELOW, start_place=road),
            a_test(40, Verdict.UNDECIDED, start_place=near),
            a_spoiled_test(50, Outcome.FAILED, Cause.NO_ROUTE),
            a_spoiled_test(60, Outcome.FAILED, Cause.ENGINE),
            a_spoiled_test(70, Outcome.FAILED, Cause.SERVER_BUSY),
            a_spoiled_test(80, Outcome.SKIPPED, Cause.BUDGET),
            a_spoiled_test(90, Outcome.CANCELLED, None),
            # Watched through Wi-Fi: no verdict for it, or one that stands all the same.
            dataclasses.replace(a_watched_test(100), judgement=None, confirms=None),
            dataclasses.replace(a_watched_test(110, Verdict.ABOVE), confirms=None),
        ],
    )
    assert survey.summary() == SurveySummary(
        drives=1,
        samples=3,
        no_service_samples=2,
        tally=Tally(
            above=3,
            below=1,
            undecided=1,
            no_service=1,
            failed=2,
            skipped=1,
            cancelled=1,
            self_limited=1,
        ),
        distance_m=0.0,
        first_utc_us=START_UTC_US,
        last_utc_us=START_UTC_US + 112_200_000,
        places=(("", 4), (PLACE.settlement_name, 3), ("KAZ01", 2), ("Алға", 1)),
        refused_rows=0,
    )
    assert survey.summary().tally.tests == 10
    assert survey.summary().tally.no_service == sum(test.no_service for test in survey.tests())


def test_a_second_look_is_no_test_of_its_place(survey: SurveyFile) -> None:
    first = a_test(10, Verdict.BELOW)
    again = dataclasses.replace(a_test(20, Verdict.ABOVE), confirms=first.test_id)
    survey.append("d1", tests=[first, again])
    summary = survey.summary()
    assert summary.places == ((PLACE.settlement_name, 1),)
    assert summary.tally.tests == 1


def test_no_distance_over_a_gap_a_jump_or_another_drive(survey: SurveyFile) -> None:
    """The same metres as the odometer on the road counted."""
    flags = {40: FixFlag.JUMP, 41: FixFlag.STALE, 60: FixFlag.AFTER_GAP, 70: FixFlag.INACCURATE}
    fixes = [
        dataclasses.replace(
            fix,
            flags=flags.get(n, FixFlag.NONE),
            speed_mps=(0.1 if 150 <= n < 160 else None if n == 170 else 20.0),
        )
        for n, fix in enumerate(KM_5)
        if not 80 <= n < 90
    ]
    survey.append("d1", fixes=fixes)
    odometer = Odometer()
    for fix in fixes:
        odometer.add(fix)
    assert survey.summary().distance_m == pytest.approx(odometer.distance_m, abs=1e-6)
    assert 4_500 < odometer.distance_m < 4_980 - 20 * 10
    survey.begin_drive(a_drive("d2"))
    later = [dataclasses.replace(a_fix(n, north_m=9_000.0 + n)) for n in (250, 251)]
    survey.append("d2", fixes=later)
    assert survey.summary().distance_m == pytest.approx(odometer.distance_m + 1.0, abs=0.01)


def test_no_distance_over_a_reboot(survey: SurveyFile) -> None:
    """After a reboot the monotonic clock starts again: not the next second, nor a negative one."""
    survey.append("d1", fixes=[a_fix(100)])
    survey.append("d1", fixes=[a_fix(50, north_m=500.0), a_fix(51, north_m=520.0)])
    assert survey.summary().distance_m == pytest.approx(20.0, abs=0.01)


def test_a_broken_off_drive(tmp_path: Path) -> None:
    path = tmp_path / "b.fsurvey"
    drive = a_drive("broken")
    with SurveyFile.create(path) as survey:
        assert survey.unfinished_drive() is None
        survey.begin_drive(a_drive("earlier"))
        survey.append("earlier", samples=[a_sample(0)], fixes=KM_5[:10])
        survey.end_drive("earlier", START_UTC_US)
        assert survey.unfinished_drive() is None
        survey.begin_drive(drive)
        survey.append(
            "broken",
            fixes=KM_5[100:103],
            samples=[a_sample(101, Cause.TIMED_OUT), a_sample(102)],
            tests=[
                a_test(100, Verdict.BELOW),
                a_spoiled_test(101, Outcome.FAILED, Cause.DNS),
                a_spoiled_test(102, Outcome.SKIPPED, Cause.BUDGET),
            ],
        )
    with SurveyFile.open(path) as survey:
        unfinished = survey.unfinished_drive()
        assert unfinished is not None
        assert unfinished.drive == drive
        assert unfinished.last_sample == a_sample(102)
        distance_m = unfinished.distance_m
        assert distance_m == pytest.approx(40.0, abs=0.01)
        assert unfinished.counts == DriveCounts(
            2, 1, Tally(below=1, no_service=1, skipped=1), distance_m
        )
        survey.end_drive("broken", START_UTC_US)
        assert survey.unfinished_drive() is None


def test_a_drive_broken_off_before_its_first_second(survey: SurveyFile) -> None:
    unfinished = survey.unfinished_drive()
    assert unfinished is not None
    assert unfinished.last_sample is None
    assert unfinished.counts == DriveCounts()


def test_bytes_used_by_time_of_start(survey: SurveyFile) -> None:
    tests = [a_test(100), a_test(200), a_spoiled_test(300, Outcome.SKIPPED, Cause.BUDGET)]
    survey.append("d1", tests=tests)
    each = tests[0].measurement.wire_bytes

    def used(from_s: int, to_s: int) -> int:
        return survey.bytes_used_between(START_UTC_US + from_s * S, START_UTC_US + to_s * S)

    assert used(0, 1_000) == 2 * each
    assert used(100, 200) == each
    assert used(101, 200) == 0
    assert used(300, 1_000) == 0


def test_bytes_used_over_one_link(survey: SurveyFile) -> None:
    nameless, left, right = a_test(1), a_watched_test(2, link="left"), a_watched_test(3, link="r")
    survey.append("d1", tests=[nameless, left, right, a_watched_test(4, link="left")])
    each = nameless.measurement.wire_bytes

    def used(link: str | None) -> int:
        return survey.bytes_used_between(START_UTC_US, START_UTC_US + 10 * S, link)

    assert used(None) == 4 * each
    assert used("left") == 2 * each
    assert used("r") == each
    assert used("") == each
    assert used("nobody's") == 0


def test_summary_of_a_path(survey: SurveyFile) -> None:
    survey.append("d1", samples=[a_sample(1)])
    summary = SurveyFile.summary_of(survey.path)
    assert summary == survey.summary()
