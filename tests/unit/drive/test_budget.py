"""What a day, a month and a test are to the budget; what a ledger keeps and a file tells."""

import datetime
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldsurvey.drive import budget
from fieldsurvey.drive.ledger import Ledger
from fieldsurvey.drive.past import PROBE_BYTES_PER_S, broken_off_us, spent_before
from fieldsurvey.drive.planning import links_of, measurement_plan
from fieldsurvey.model.drive import Drive, Event, EventKind, SurveyPlan
from fieldsurvey.model.throughput import Mode, Phase, PhaseKind
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.drive_testing import TARGET, TWO_LINKS, HeldClock
from tests.support.drive_values import S, a_failed_test, a_sample

HOUR_US = 3600 * S
ALMATY = ZoneInfo("Asia/Almaty")


def almaty_us(*when: int) -> int:
    return int(datetime.datetime(*when, tzinfo=ALMATY).timestamp()) * S  # type: ignore[misc,arg-type] # year, month, ...


def test_budget_day_is_the_local_one() -> None:
    start_us, end_us = budget.local_day_us(almaty_us(2026, 11, 24, 23, 59), ALMATY)
    assert start_us == almaty_us(2026, 11, 24)
    assert end_us - start_us == 24 * HOUR_US


def test_budget_must_hold_the_whole_next_test() -> None:
    assert budget.fits(60, 40, 100)
    assert not budget.fits(61, 40, 100)


@pytest.mark.parametrize(("year", "month"), [(2026, 11), (2026, 12), (2028, 2)])
def test_budget_month_is_the_local_calendar_month(year: int, month: int) -> None:
    last_day = (datetime.date(year + month // 12, month % 12 + 1, 1)).toordinal() - 1
    day = datetime.date.fromordinal(last_day).day
    start_us, end_us = budget.local_month_us(almaty_us(year, month, day, 23, 59), ALMATY)
    assert start_us == almaty_us(year, month, 1)
    assert end_us == almaty_us(year + month // 12, month % 12 + 1, 1)


def test_a_test_may_take_more_than_its_download() -> None:
    plan = SurveyPlan(max_test_bytes=40_000_000)
    link = links_of(plan)[0]
    down = budget.most_bytes(measurement_plan(plan, link, TARGET, Mode.CHECK))
    assert 40_000_000 < down < 40_500_000
    both = budget.most_bytes(
        measurement_plan(
            SurveyPlan(upload=True, max_test_bytes=40_000_000), link, TARGET, Mode.CHECK
        )
    )
    assert 80_000_000 < both < 80_500_000
    assert budget.most_bytes(measurement_plan(plan, link, TARGET, Mode.PING)) < 200_000
    assert budget.most_bytes(measurement_plan(plan, link, TARGET, Mode.CALIBRATE)) > down


def test_a_test_took_its_payload_and_its_pings() -> None:
    phases = (
        Phase(PhaseKind.WAKE_UP, 0, 1, payload_bytes=70_000),
        Phase(PhaseKind.IDLE_LATENCY, 1, 2, round_trips_us=(40_000,) * 4, round_trips_lost=1),
        Phase(PhaseKind.DOWNLOAD, 2, 3, payload_bytes=9_000_000),
    )
    measurement = replace(a_failed_test().measurement, phases=phases, wire_bytes=9_000_000)
    expected = 9_070_000 + 5 * budget.PING_BYTES
    assert budget.taken_bytes(measurement) == expected
    counted = replace(measurement, wire_bytes=9_100_000)
    assert budget.taken_bytes(counted) == expected + 30_000


# -- the ledger -----------------------------------------------------------------------------------


def a_ledger(clock: HeldClock, day_bytes: int = 100, month_bytes: int = 250) -> Ledger:
    plan = SurveyPlan(
        links=TWO_LINKS, budget_bytes_per_day=day_bytes, budget_bytes_per_month=month_bytes
    )
    return Ledger(plan, clock, ALMATY)


def test_a_charge_stays_on_the_day_it_was_made() -> None:
    clock = HeldClock(almaty_us(2026, 11, 24, 23, 59))
    ledger = a_ledger(clock)
    charge = ledger.charge("a", 90)
    assert not ledger.fits("a", 20)
    clock.forward(HOUR_US)
    assert ledger.fits("a", 100)
    ledger.settle(charge, 30)
    assert ledger.state("a").day_used_bytes == 0
    assert ledger.state("a").month_used_bytes == 30


def test_days_add_up_to_the_month_and_the_next_month_is_empty() -> None:
    clock = HeldClock(almaty_us(2026, 11, 28, 12))
    ledger = a_ledger(clock)
    for _ in range(3):
        ledger.settle(ledger.charge("a", 80), 80)
        clock.forward(24 * HOUR_US)
    assert (ledger.state("a").day_used_bytes, ledger.state("a").month_used_bytes) == (0, 0)
    clock.forward(-24 * HOUR_US)
    assert ledger.state("a").month_used_bytes == 240
    assert not ledger.fits("a", 11)
    assert ledger.fits("b", 100)


def test_probing_is_charged_once() -> None:
    ledger = a_ledger(HeldClock())
    ledger.probed("a", 500)
    ledger.probed("a", 700)
    assert ledger.state("a").day_used_bytes == 700


# -- what the survey file tells -------------------------------------------------------------------

NOON_US = almaty_us(2026, 11, 24, 12)
PLAN = SurveyPlan(calibrate_every=2)


def a_survey(path: Path, *kinds: EventKind, ended: bool = True, days_ago: int = 0) -> None:
    """A file with one drive of a minute, from noon on, with one test that took 300 bytes."""
    start_us = NOON_US - days_ago * 24 * HOUR_US
    drive = Drive("d1", start_us, PLAN, "replay:x", "none:", "0.1.0", replayed=True)
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        test = replace(a_failed_test(), started_utc_us=start_us + S, ended_utc_us=start_us + 4 * S)
        last = replace(a_sample(60), utc_us=start_us + 60 * S)
        events = [Event(kind, start_us + 30 * S, 30 * S) for kind in kinds]
        survey.append("d1", samples=[last], events=events, tests=[test])
        if ended:
            survey.end_drive("d1", start_us + 60 * S)


def opening(path: Path, now_us: int = NOON_US + HOUR_US) -> Ledger:
    clock = HeldClock(now_us)
    ledger = Ledger(PLAN, clock, ALMATY)
    with SurveyFile.open(path, read_only=True) as survey:
        ledger.take_over(spent_before(survey, [""], TARGET, now_us, ALMATY))
    return ledger


MINUTE_OF_PROBING = 60 * PROBE_BYTES_PER_S


def most(mode: Mode) -> int:
    return budget.most_bytes(measurement_plan(PLAN, links_of(PLAN)[0], TARGET, mode))


def test_stored_tests_and_the_time_driven_are_spent(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    a_survey(path, EventKind.DRIVE_STOPPED)
    used = opening(path).state("")
    assert used.day_used_bytes == used.month_used_bytes == 300 + MINUTE_OF_PROBING


def test_yesterday_counts_for_the_month_only(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    a_survey(path, EventKind.DRIVE_STOPPED, days_ago=1)
    used = opening(path).state("")
    assert (used.day_used_bytes, used.month_used_bytes) == (0, 300 + MINUTE_OF_PROBING)


def test_last_month_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    a_survey(path, days_ago=30)
    assert opening(path).state("").month_used_bytes == 0


@pytest.mark.parametrize("ended", [True, False])
def test_a_drive_that_broke_off_is_charged_with_the_test_that_may_have_run(
    tmp_path: Path, ended: bool
) -> None:
    path = tmp_path / "a.fsurvey"
    a_survey(path, ended=ended)
    expected = 300 + MINUTE_OF_PROBING + most(Mode.CALIBRATE)  # test number 2 was due
    assert opening(path).state("").day_used_bytes == expected


def test_a_break_that_was_resumed_stays_charged(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    a_survey(path, EventKind.DRIVE_RESUMED, EventKind.DRIVE_STOPPED)
    expected = 300 + MINUTE_OF_PROBING + most(Mode.CALIBRATE)
    assert opening(path).state("").day_used_bytes == expected


def test_breaks() -> None:
    def event(kind: EventKind, second: int) -> Event:
        return Event(kind, second * S, second * S)

    started, stopped = event(EventKind.DRIVE_STARTED, 0), event(EventKind.DRIVE_STOPPED, 90)
    resumed = event(EventKind.DRIVE_RESUMED, 50)
    assert broken_off_us([started, stopped], 99) == []
    assert broken_off_us([started], 99) == [99]
    assert broken_off_us([started, resumed], 99) == [50 * S, 99]
    assert broken_off_us([started, resumed, stopped], 99) == [50 * S]
