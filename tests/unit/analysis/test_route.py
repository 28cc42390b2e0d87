"""Which gaps become places to drive, in which order, and what that takes."""

import itertools
import time

import numpy as np
import pytest

from fieldsurvey.analysis.gaps import NOT_DRIVEN, STALE, UNDECIDED, find_gaps, find_settlement_gaps
from fieldsurvey.analysis.lacking import Lack, lacking_settlements, lacking_stretches
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.route import ASSUMED_SPEED_MPS, Pace, Route, pace_of, plan_route
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.geodesy import metres_per_degree
from fieldsurvey.places.roads import HighwayLine
from fieldsurvey.places.settlements import SettlementTable
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, measurements, results
from tests.support.places_lines import line

PACE = Pace(20.0, 300.0, measured=True)
START = (43.0, 77.0)
NORTH_M, EAST_M = metres_per_degree(43.0)


def a_lack(north_km: float, east_km: float, to_north_km: float, tests: int = 7) -> Lack:
    """A stretch due north, of any length, that lies where it is said."""
    start = (43.0 + north_km * 1000 / NORTH_M, 77.0 + east_km * 1000 / EAST_M)
    end = (43.0 + to_north_km * 1000 / NORTH_M, start[1])
    length_m = round(abs(to_north_km - north_km) * 1000)
    stretch = PlannedStretch(f"E{east_km:g}", 0, length_m, tests)
    return Lack(stretch, UNDECIDED, start, end)


def scattered(count: int, seed: int) -> list[Lack]:
    dice = np.random.default_rng(seed)
    places = zip(dice.uniform(0, 300, count), dice.uniform(0, 300, count), strict=True)
    return [a_lack(north, east, north + 10, int(dice.integers(1, 80))) for north, east in places]


def length_m(points: list[tuple[float, float]]) -> float:
    """The way from point to point, in a plane: right to a few per cent."""
    return sum(
        float(np.hypot((b[0] - a[0]) * NORTH_M, (b[1] - a[1]) * EAST_M))
        for a, b in itertools.pairwise(points)
    )


# What becomes of gaps


def gaps_of(m: Measurements, lines: list[HighwayLine]) -> list[Lack]:
    class Known:
        version = "test"

        def highway_lines(self) -> list[HighwayLine]:
            return lines

        def settlements(self) -> SettlementTable:
            raise NotImplementedError

    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    return lacking_stretches(find_gaps(judged, RULE, Known()), lines)


KAZ01 = line("KAZ01", [(43.0, 77.0), (43.1, 77.0), (43.216, 77.0)])  # 24 km


def test_every_open_stretch_is_planned_with_its_reason() -> None:
    m = measurements([*results("a" * 8), *results("aab", chainage_m=11_000.0, settlement_id=None)])
    second, third = gaps_of(m, [KAZ01])
    assert isinstance(second.planned, PlannedStretch)
    assert (second.planned.from_m, second.planned.to_m) == (10_000, 20_000)
    assert (second.reason, third.reason) == (UNDECIDED, NOT_DRIVEN)
    assert third.length_m == pytest.approx(KAZ01.length_m - 20_000, abs=1), "the road ends there"
    assert third.end == pytest.approx((43.216, 77.0), abs=1e-6)
    assert length_m([second.start, second.end]) == pytest.approx(10_000, rel=1e-3)


def test_the_operator_who_lacks_most_decides() -> None:
    m = measurements([*results("a" * 8, operator="A"), *results("aaaaa", operator="B")])
    alone = measurements(results("aaaaa", operator="B"))
    assert gaps_of(m, [KAZ01])[0].planned == gaps_of(alone, [KAZ01])[0].planned
    assert gaps_of(measurements(results("a" * 8)), [KAZ01])[0].planned != gaps_of(m, [KAZ01])[0]
    assert [name for name, _tests in gaps_of(m, [KAZ01])[0].operators] == ["B"], "A has a verdict"


def test_it_is_said_who_lacks_tests_and_who_lacks_most_first() -> None:
    at_11_km = {"chainage_m": 11_000.0, "settlement_id": None}
    m = measurements(
        [*results("aaa", operator="A", **at_11_km), *results("a", operator="B", **at_11_km)]
    )
    nobody, both, _last = gaps_of(m, [KAZ01])
    assert nobody.operators == tuple((name, nobody.planned.tests_needed) for name in "AB")
    (most, needed), (least, fewer) = both.operators
    assert (most, least) == ("B", "A")
    assert needed == both.planned.tests_needed > fewer > 0


def test_of_several_lines_of_a_highway_the_longest_is_driven() -> None:
    branch = line("KAZ01", [(50.0, 60.0), (50.05, 60.0)])
    assert [one.start for one in gaps_of(measurements(), [branch, KAZ01])] == [
        one.start for one in gaps_of(measurements(), [KAZ01])
    ]


def test_a_highway_that_is_not_asked_for_is_left_out() -> None:
    judged = judge_stretches(measurements(results("ab")), RULE, now_utc_us=NOW_UTC_US)
    assert lacking_stretches(find_gaps(judged, RULE, None), []) == []


def villages_of(*ids: str) -> SettlementTable:
    degrees = 43.0 + 0.1 * np.arange(len(ids))
    unknown, radius_m = np.full(len(ids), -1), np.full(len(ids), 1_000.0)
    borders = (None,) * len(ids)
    return SettlementTable(ids, ids, *[ids] * 3, degrees, degrees, unknown, radius_m, borders)


def settlement_gaps_of(
    m: Measurements, villages: SettlementTable, *operators: str | None
) -> list[Lack]:
    judged = judge_settlements(m, RULE, now_utc_us=NOW_UTC_US)
    return lacking_settlements(find_settlement_gaps(judged, RULE, villages.id, operators), villages)


def test_settlements() -> None:
    old = NOW_UTC_US - 400 * DAY_US
    m = measurements(
        [
            *results("a" * 8, settlement_id="s3"),
            *results("a" * 5, settlement_id="s2"),
            *results("a" * 8, settlement_id="s1", started_utc_us=old),
            *results("aab", settlement_id="elsewhere"),
        ]
    )
    found = settlement_gaps_of(m, villages_of("s2", "s1", "s3", "s4"), "A")
    assert [(one.name, one.reason) for one in found] == [
        ("s2", UNDECIDED),
        ("s1", STALE),
        ("s4", NOT_DRIVEN),
    ], "in the order of the places file"
    (needed,) = {tests for one in found[1:] for _name, tests in one.operators}
    assert 0 < found[0].planned.tests_needed < needed, "what has tests begins with these"
    assert found[0].planned == PlannedSettlement("s2", found[0].operators[0][1])
    assert found[0].start == found[0].end == (43.0, 43.0)


def test_a_verdict_of_one_operator_is_none_of_another_in_settlements_as_on_highways() -> None:
    tests = [
        *results("a" * 8, operator="A", settlement_id="s1"),
        *results("aaa", operator="A", settlement_id="s2", chainage_m=11_000.0),
        *results("a", operator="B", settlement_id="s2", chainage_m=11_000.0),
        *results("a" * 8, operator="A", settlement_id="s3", chainage_m=21_000.0),
        *results("a" * 8, operator="B", settlement_id="s3", chainage_m=21_000.0),
    ]
    m = measurements(tests)
    on_road = gaps_of(m, [KAZ01])
    in_villages = settlement_gaps_of(m, villages_of("s1", "s2", "s3", "s4"), "A", "B")
    assert [one.name for one in in_villages] == ["s1", "s2", "s4"], "s3 is decided for both"
    assert [one.operators for one in in_villages[:2]] == [one.operators for one in on_road]
    assert [one.reason for one in in_villages[:2]] == [one.reason for one in on_road]
    needed = in_villages[0].planned.tests_needed
    assert in_villages[0].operators == (("B", needed),), "it never tested there"
    assert in_villages[2].operators == (("A", needed), ("B", needed))


def test_who_has_tests_on_highways_alone_lacks_them_in_settlements_too() -> None:
    m = measurements(
        [
            *results("a" * 8, operator="A", settlement_id="s1"),
            *results("a", operator="B", settlement_id=None),
        ]
    )
    (lack,) = settlement_gaps_of(m, villages_of("s1"), "A", "B")
    assert [name for name, _tests in lack.operators] == ["B"]


def test_where_nobody_tested_it_is_not_known_who_lacks_tests() -> None:
    (village,) = settlement_gaps_of(measurements(), villages_of("s1"))
    highway = gaps_of(measurements(), [KAZ01])[0]
    assert village.operators == highway.operators == ((None, village.planned.tests_needed),)
    assert village.reason == highway.reason == NOT_DRIVEN


# The pace


def test_pace_is_that_of_highways_stops_included() -> None:
    seconds = [{"speed_mps": 30.0}] * 90 + [{"speed_mps": 0.0}] * 30
    off = [{"speed_mps": 2.0, "highway_ref": None}] * 500
    pace = pace_of(measurements(samples=[*seconds, *off]), 20.0)
    assert (pace.speed_mps, pace.metres_per_test, pace.measured) == (22.5, 450.0, True)


def test_without_drives_the_pace_is_assumed_and_says_so() -> None:
    assumed = Pace(ASSUMED_SPEED_MPS, ASSUMED_SPEED_MPS * 10.0, measured=False)
    assert pace_of(measurements(), 10.0) == assumed


def test_tests_are_never_nearer_than_they_count() -> None:
    slow = measurements(samples=[{"speed_mps": 2.0}] * 100)
    assert pace_of(slow, 10.0).metres_per_test == 100.0


# The order


def check(route: Route, lacks: list[Lack]) -> None:
    """A route drives every place once; its straight lines are those between its points."""
    assert sorted(map(id, lacks)) == sorted(id(leg.lack) for leg in route.legs)
    at = START
    for leg in route.legs:
        assert leg.approach_m == pytest.approx(length_m([at, leg.points[0]]), rel=0.05, abs=1)
        assert len(leg.points) == leg.passes + 1
        at = leg.points[-1]


@pytest.mark.parametrize("seed", range(5))
def test_every_place_is_driven_once_and_the_lines_join(seed: int) -> None:
    lacks = scattered(40, seed)
    check(plan_route(lacks, PACE, START), lacks)


def test_a_highway_in_disorder_is_driven_from_end_to_end() -> None:
    lacks = [a_lack(10 * n, 0, 10 * n + 10) for n in (3, 0, 7, 1, 6, 2, 5, 4)]
    route = plan_route(lacks, PACE, START)
    assert route.approach_m == pytest.approx(0, abs=1)
    assert [leg.turned for leg in route.legs] == [False] * 8
    back = plan_route(lacks, PACE, lacks[2].end)
    assert [leg.turned for leg in back.legs] == [True] * 8
    assert back.approach_m == pytest.approx(0, abs=1)


@pytest.mark.parametrize("seed", range(8))
def test_near_the_best_of_all_orders(seed: int) -> None:
    lacks = scattered(5, seed)
    route = plan_route(lacks, PACE, START)
    best = min(
        length_m([START, *itertools.chain(*parts)]) - driven_m(parts)
        for order in itertools.permutations(leg.points for leg in plan_route(lacks, PACE).legs)
        for parts in itertools.product(*[(way, way[::-1]) for way in order])
    )
    assert best * 0.95 <= route.approach_m <= best * 1.3


def driven_m(parts: tuple[list[tuple[float, float]], ...]) -> float:
    return sum(length_m(way) for way in parts)


def test_turning_parts_round_makes_it_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = scattered(120, 1)
    improved = plan_route(lacks, PACE, START).approach_m
    monkeypatch.setattr("fieldsurvey.analysis.route._improved", lambda *given: given[2:4])
    assert improved < 0.97 * plan_route(lacks, PACE, START).approach_m


def test_passes_are_as_many_as_the_tests_need() -> None:
    short, long_ = a_lack(0, 0, 1, tests=7), a_lack(0, 5, 10, tests=7)
    route = plan_route([short, long_], PACE, START)
    assert {leg.lack.length_m: leg.passes for leg in route.legs} == {1_000.0: 3, 10_000.0: 1}
    assert route.driven_m == pytest.approx(13_000)
    twice = plan_route([a_lack(0, 0, 10, tests=60)], PACE, START)
    assert twice.legs[0].points[0] == twice.legs[0].points[2] != twice.legs[0].points[1]


def test_hours_are_ways_and_standing() -> None:
    village = Lack(PlannedSettlement("s1", 3), NOT_DRIVEN, START, START, "Шелек")
    route = plan_route([village, a_lack(0, 0, 10)], PACE, START)
    assert route.duration_s == pytest.approx(3 * 60 + 10_000 / 20, abs=1)
    assert {len(leg.points) for leg in route.legs} == {1, 2}


def test_no_more_kilometres_than_allowed() -> None:
    lacks = scattered(40, 3)
    route = plan_route(lacks, PACE, START, 300_000.0)
    assert 0 < route.approach_m + route.driven_m <= 300_000
    assert route.left_out == 40 - len(route.legs) > 0
    assert plan_route(lacks, PACE, START, 10.0).legs == ()


def test_without_a_start_it_begins_where_the_first_one_does() -> None:
    route = plan_route([a_lack(50, 50, 60), a_lack(0, 0, 10)], PACE)
    assert route.legs[0].approach_m == 0
    assert plan_route([], PACE).legs == ()


def test_the_same_places_give_the_same_route() -> None:
    assert plan_route(scattered(60, 2), PACE, START) == plan_route(scattered(60, 2), PACE, START)


def test_who_asks_to_stop_does_not_wait_for_the_route() -> None:
    asked = iter([False, False, True])
    with pytest.raises(KnownError, match="Planning was cancelled"):
        plan_route(scattered(20, 1), PACE, cancelled=lambda: next(asked))


def test_four_hundred_stretches_take_less_than_two_seconds() -> None:
    lacks = scattered(400, 7)
    begun_s = time.process_time()
    plan_route(lacks, PACE, START)
    assert time.process_time() - begun_s < 2.0
