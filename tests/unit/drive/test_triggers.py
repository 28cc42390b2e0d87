"""When a test is due."""

import random

import pytest

from fieldsurvey.drive.triggers import Triggers
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.throughput import Trigger
from tests.support.drive_values import S, a_place

QUIET = SurveyPlan(
    trigger_distance_m=None,
    trigger_period_s=None,
    trigger_kilometre_post=False,
    trigger_settlement=False,
    minimum_gap_s=10.0,
)


def after_a_test(plan: SurveyPlan) -> Triggers:
    """Triggers after a first test from second 0 to 4."""
    triggers = Triggers(plan)
    triggers.started(0, 0.0)
    triggers.ended(4 * S)
    return triggers


def test_the_first_test_is_due_at_once() -> None:
    assert Triggers(SurveyPlan()).due(0, 0.0, None) is Trigger.TIME
    assert Triggers(QUIET).due(0, 0.0, None) is None


def test_distance() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=500.0, trigger_period_s=None))
    assert triggers.due(20 * S, 499.0, None) is None
    assert triggers.due(21 * S, 501.0, None) is Trigger.DISTANCE


def test_time() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=None, trigger_period_s=60.0))
    assert triggers.due(59 * S, 0.0, None) is None
    assert triggers.due(60 * S, 0.0, None) is Trigger.TIME


def test_minimum_gap_holds_back_everything_but_the_hand() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=1.0, minimum_gap_s=10.0))
    assert triggers.due(8 * S, 900.0, None) is None
    triggers.by_hand()
    assert triggers.due(9 * S, 900.0, None) is Trigger.HAND


def test_kilometre_post_passed() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=None, trigger_period_s=None))
    assert triggers.due(20 * S, 0.0, a_place(chainage_m=41_990)) is None
    assert triggers.due(21 * S, 0.0, a_place(chainage_m=42_010)) is Trigger.KILOMETRE_POST


def test_standing_at_a_post_is_not_passing_it_again_and_again() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=None, trigger_period_s=None))
    triggers.notice_place(a_place(chainage_m=41_999))
    triggers.notice_place(a_place(chainage_m=42_001))
    triggers.started(20 * S, 0.0)
    triggers.ended(22 * S)
    for second in range(40, 60):
        chainage_m = 42_000 + (1 if second % 2 else -1)
        assert triggers.due(second * S, 0.0, a_place(chainage_m=chainage_m)) is None


def test_changing_to_another_highway_is_not_a_post() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=None, trigger_period_s=None))
    triggers.notice_place(a_place("KAZ01", 500))
    assert triggers.due(30 * S, 0.0, a_place("KAZ05", 7_500)) is None


def test_settlement_entered_during_a_test_is_served_after_it() -> None:
    triggers = after_a_test(SurveyPlan(trigger_distance_m=None, trigger_period_s=None))
    triggers.started(100 * S, 0.0)
    triggers.notice_place(a_place(None, settlement_id="village-7"))
    triggers.ended(104 * S)
    place = a_place(None, settlement_id="village-7")
    assert triggers.due(105 * S, 0.0, place) is None  # the gap
    assert triggers.due(115 * S, 0.0, place) is Trigger.SETTLEMENT
    triggers.started(115 * S, 0.0)
    triggers.ended(119 * S)
    assert triggers.due(200 * S, 0.0, place) is None  # once per visit


def test_switched_off_means_off() -> None:
    triggers = after_a_test(QUIET)
    triggers.notice_place(a_place(chainage_m=41_999))
    assert triggers.due(9_999 * S, 1e6, a_place(chainage_m=42_001, settlement_id="v")) is None


def start_after_s(seed: int, plan: SurveyPlan) -> int:
    """The second at which the test after the first one starts, at 25 m/s."""
    triggers = Triggers(plan, random.Random(seed))
    assert triggers.due(0, 0.0, None) is Trigger.TIME  # the first at once
    triggers.started(0, 0.0)
    triggers.ended(2 * S)
    return next(s for s in range(1, 999) if triggers.due(s * S, 25.0 * s, None))


BY_TIME = SurveyPlan(trigger_distance_m=None, trigger_period_s=60.0, minimum_gap_s=10.0)
BY_WAY = SurveyPlan(trigger_distance_m=1_500.0, trigger_period_s=None, minimum_gap_s=10.0)


@pytest.mark.parametrize("plan", [BY_TIME, BY_WAY])
def test_start_times_are_random_within_the_minimum_gap(plan: SurveyPlan) -> None:
    starts = [start_after_s(seed, plan) for seed in range(200)]
    assert min(starts) == 61
    assert max(starts) == 70
    assert len(set(starts)) == 10


def test_a_seed_gives_the_same_start_times_again() -> None:
    def starts(seed: int) -> list[int]:
        triggers = Triggers(BY_TIME, random.Random(seed))
        found = []
        for second in range(1000):
            if triggers.due(second * S, 0.0, None):
                triggers.started(second * S, 0.0)
                triggers.ended((second + 1) * S)
                found.append(second)
        return found

    assert starts(7) == starts(7)
    assert starts(7) != starts(8)
    assert len(starts(7)) >= 14


def test_places_are_not_put_off() -> None:
    triggers = Triggers(SurveyPlan(trigger_distance_m=None), random.Random(1))
    triggers.started(0, 0.0)
    triggers.ended(4 * S)
    triggers.notice_place(a_place(chainage_m=41_990))
    assert triggers.due(21 * S, 0.0, a_place(chainage_m=42_010)) is Trigger.KILOMETRE_POST


def test_held_back_but_not_for_the_hand() -> None:
    triggers = after_a_test(BY_TIME)
    triggers.hold_until(200 * S)
    triggers.hold_until(150 * S)
    assert triggers.due(199 * S, 0.0, None) is None
    assert triggers.due(200 * S, 0.0, None) is Trigger.TIME
    triggers.hold_until(300 * S)
    triggers.by_hand()
    assert triggers.due(201 * S, 0.0, None) is Trigger.HAND
