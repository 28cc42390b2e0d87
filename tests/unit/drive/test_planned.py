"""What a plan still lacks, counted as a desk will count it, and how its tests are spread."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.analysis.independence import independent
from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.links import Links
from fieldsurvey.drive.planned import Planned
from fieldsurvey.drive.prepare import prepare
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.drive.triggers import Triggers
from fieldsurvey.drive.view import DriveView
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.drive import AtBudget, PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.planned import progress_line
from fieldsurvey.model.throughput import Cause, Outcome, ThroughputTest, Trigger
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.drive_testing import ALWAYS, Driven
from tests.support.drive_values import START_UTC_US, S
from tests.support.plan_road import REF, place_at, road_drive, road_test
from tests.support.route import write_route
from tests.support.store_values import a_spoiled_test

STRETCH = PlannedStretch(REF, 40_000, 50_000, 7)
PLAN = SurveyPlan(
    trigger_distance_m=None,
    trigger_period_s=None,
    trigger_kilometre_post=False,
    trigger_settlement=False,
    stretches=(STRETCH,),
)
ABOVE, BELOW, UNDECIDED = Verdict.ABOVE, Verdict.BELOW, Verdict.UNDECIDED


def at(north_m: float, verdict: Verdict = ABOVE, second: int = 0) -> ThroughputTest:
    return road_test(north_m, verdict, second * S, START_UTC_US + second * S)


def made(tests: Iterable[ThroughputTest], plan: SurveyPlan = PLAN) -> list[int]:
    planned = Planned(plan)
    planned.add(tests)
    return [one.made for one in planned.progress]


@pytest.mark.parametrize("verdict", [ABOVE, BELOW])
def test_tests_that_decide_count(verdict: Verdict) -> None:
    assert made([at(41_000, verdict)]) == [1]


def test_no_service_counts() -> None:
    lost = replace(a_spoiled_test(0, Outcome.FAILED, Cause.TIMED_OUT), start_place=place_at(41_000))
    assert made([lost]) == [1]


def test_what_decides_nothing_does_not_count() -> None:
    silent = [
        replace(a_spoiled_test(600 * n, outcome, cause), start_place=place_at(41_000))
        for n, (outcome, cause) in enumerate(
            [(Outcome.FAILED, Cause.ENGINE), (Outcome.CANCELLED, None), (Outcome.SKIPPED, None)]
        )
    ]
    assert made([*silent, at(42_000, UNDECIDED, 9_000)]) == [0]


def test_the_stretch_is_where_a_test_began() -> None:
    assert made([at(39_990), at(49_990, second=600), at(50_100, second=1_200)]) == [1]
    elsewhere = replace(at(41_000), start_place=Place("road", "KZ38-02", 41_000.0, 0.0))
    assert made([elsewhere]) == [0]


def test_settlements_count_by_themselves() -> None:
    plan = replace(PLAN, settlements=(PlannedSettlement("s1", 2),))
    in_it = replace(at(41_000), start_place=replace(place_at(41_000), settlement_id="s1"))
    assert made([in_it], plan) == [1, 1]


def test_a_result_below_that_a_second_server_contradicts_is_taken_back() -> None:
    first = at(41_000, BELOW)
    again = replace(at(41_050, ABOVE, 5), trigger=Trigger.CONFIRMATION, confirms=first.test_id)
    assert made([first, again]) == [0]
    assert made([first, replace(again, confirms="another")]) == [1]


def test_every_link_needs_its_own_tests() -> None:
    planned = Planned(PLAN, ("left", "right"))
    left = [replace(at(41_000 + 500 * n, second=60 * n), link="left") for n in range(3)]
    planned.add([*left, replace(at(41_000), link="right")])
    (one,) = planned.progress
    assert one.made == 1
    assert progress_line(one).text("en") == f"{REF} km 40–50: 1 of 7 tests"
    assert progress_line(one).text("ru") == f"{REF} км 40–50: тестов 1 из 7"


@pytest.mark.parametrize("seed", range(5))
def test_tests_close_together_count_as_at_the_desk(seed: int) -> None:
    dice = random.Random(seed)
    second, north_m, tests = 0, 40_000.0, []
    for _ in range(60):
        step_s = dice.randint(5, 90)
        second, north_m = second + step_s, north_m + step_s * dice.choice([0.0, 1.0, 3.0])
        if dice.random() < 0.2:
            north_m += 200.0  # over a bridge, where nothing was tested
        tests.append(at(north_m, dice.choice([ABOVE, BELOW, UNDECIDED]), second))
    plan = replace(PLAN, stretches=(replace(STRETCH, to_m=1_000_000),))
    frame = pl.DataFrame(
        {
            "drive": 0,
            "link": "",
            "operator": "",
            "started_utc_us": [test.started_utc_us for test in tests],
            "test_id": [test.test_id for test in tests],
            "start_latitude_deg": [
                test.start_fix and test.start_fix.latitude_deg for test in tests
            ],
            "start_longitude_deg": 77.0,
        }
    )
    counts = [
        test
        for test, one in zip(tests, independent(frame, on_road=True), strict=True)
        if one and test.judgement is not None and test.judgement.verdict is not UNDECIDED
    ]
    assert 10 < len(counts) < 50
    assert made(tests, plan) == [len(counts)]


def drive_along(
    plan: SurveyPlan,
    chainages_m: Iterable[float],
    verdict_of: Callable[[int], Verdict] = lambda _: ABOVE,
) -> list[float]:
    """Drive a second per chainage; each test takes three. Return where tests began."""
    planned, triggers = Planned(plan), Triggers(plan, random.Random(3))
    began: list[float] = []
    driven_m, before, ends_s = 0.0, None, -1
    for second, chainage_m in enumerate(chainages_m):
        driven_m += 0.0 if before is None else abs(chainage_m - before)
        before, place = chainage_m, place_at(chainage_m)
        step_m = planned.step_m(place)
        if second < ends_s:
            continue
        if second == ends_s:
            planned.add([at(began[-1], verdict_of(len(began)), second)])
            triggers.ended(second * S)
        if triggers.due(second * S, driven_m, place, step_m):
            triggers.started(second * S, driven_m)
            began.append(chainage_m)
            ends_s = second + 3
    return began


FORTH = [38_000 + 25.0 * n for n in range(600)]


@pytest.mark.parametrize("way", [FORTH, FORTH[::-1]], ids=["forth", "back"])
def test_missing_tests_are_spread_over_the_stretch(way: list[float]) -> None:
    began = drive_along(PLAN, way)
    assert len(began) == 7
    assert all(40_000 <= chainage_m < 50_000 for chainage_m in began)
    gaps_m = [abs(b - a) for a, b in pairwise(began)]
    assert 1_000 < min(gaps_m) <= max(gaps_m) < 2_000


def test_tests_that_say_nothing_are_made_up_for() -> None:
    began = drive_along(PLAN, FORTH, lambda n: UNDECIDED if n <= 4 else ABOVE)
    assert len(began) == 11, "seven that count"
    assert max(began) < 50_000
    gaps_m = [b - a for a, b in pairwise(began)]
    assert gaps_m[0] > 1_200 > gaps_m[-1], "denser at the end"


def test_no_denser_than_the_minimum_gap() -> None:
    greedy = replace(PLAN, stretches=(replace(STRETCH, tests_needed=500),), minimum_gap_s=10.0)
    began = drive_along(greedy, FORTH)
    gaps_m = [b - a for a, b in pairwise(began)]
    assert min(gaps_m) >= 13 * 25
    assert max(gaps_m) <= (13 + 10 + 1) * 25


def test_elsewhere_and_afterwards_the_usual_triggers_hold() -> None:
    usual = replace(PLAN, trigger_distance_m=2_000.0, stretches=(replace(STRETCH, tests_needed=1),))
    without = replace(usual, stretches=())
    assert len(drive_along(usual, FORTH)) - len(drive_along(without, FORTH)) in (0, 1)
    assert drive_along(replace(PLAN, stretches=()), FORTH) == []


@pytest.mark.parametrize(("budget_bytes", "tests"), [(20_000_000_000, 3), (0, 1)])
def test_pings_of_a_spent_budget_are_not_made_for_the_plan(budget_bytes: int, tests: int) -> None:
    plan = replace(
        ALWAYS,
        trigger_period_s=None,
        stretches=(STRETCH,),
        budget_bytes_per_day=budget_bytes,
        at_budget=AtBudget.PING,
    )

    async def drive() -> int:
        driven = Driven(plan)
        for n in range(12):
            driven.distance_m = n * 900.0
            driven.testing.consider(driven.clock.mono, place_at(40_000 + n * 900.0))
            for _ in range(20):
                await asyncio.sleep(0)
            driven.clock.forward(30 * S)
        await driven.testing.finish(cancel=False)
        return len(driven.heard.tests)

    made_at_most = asyncio.run(drive())
    assert made_at_most >= tests if budget_bytes else made_at_most == tests


def test_another_drive_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.fsurvey"
    other = replace(PLAN, stretches=(replace(STRETCH, tests_needed=9),))
    with SurveyFile.create(path) as survey:
        for n, (plan, replayed) in enumerate([(PLAN, True), (PLAN, False), (other, True)]):
            drive = road_drive(plan, START_UTC_US, replayed=replayed)
            survey.begin_drive(drive)
            survey.append(drive.drive_id, tests=[at(41_000 + n, second=n)])
            survey.end_drive(drive.drive_id, START_UTC_US + 60 * S)
    route = write_route(tmp_path / "route.nmea", 5)
    plan = replace(PLAN, server_url="http://127.0.0.1:9")
    prepared = prepare(DriveConfig(path, plan, f"replay:{route}", SystemClock()))
    try:
        view = DriveView(SystemClock())
        links = Links(prepared, view, Receiver(prepared.source), lambda _: Place("none"))
        tests = asyncio.run(links.tests_of_plan(replayed=True))
    finally:
        prepared.store.close()
    assert Counter(test.started_mono_us for test in tests) == {0: 1}
