"""How long to wait, and what a day may cost."""

import datetime
import random
from zoneinfo import ZoneInfo

import pytest

from fieldsurvey.sync.backoff import BASE_S, CAP_S, Backoff
from fieldsurvey.sync.policy import DaySpent, Policy, allows, fits, local_day


class HandClock:
    """A clock that is turned by hand."""

    speed = 1.0

    def __init__(self) -> None:
        self.now_us = 5_000_000

    def utc_us(self) -> int:
        return 0

    def mono_us(self) -> int:
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a backoff does not sleep")


def test_the_longest_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    clock = HandClock()
    backoff = Backoff(clock, lambda most: most)
    waits = []
    for _ in range(14):
        backoff.fail()
        waits.append(backoff.wait_s)
    assert waits[:5] == [BASE_S, 4, 8, 16, 32]
    assert waits[-1] == max(waits) == CAP_S
    backoff.reset()
    assert backoff.wait_s == 0
    backoff.fail()
    assert backoff.wait_s == BASE_S


def test_waits_are_spread_evenly_from_nothing_on() -> None:
    dice = random.Random(1)
    waits = []
    for _ in range(400):
        backoff = Backoff(HandClock(), lambda most: dice.uniform(0, most))
        for _ in range(4):
            backoff.fail()
        waits.append(backoff.wait_s)
    assert min(waits) < 1
    assert max(waits) > 15
    assert 7 < sum(waits) / len(waits) < 9


def test_what_the_server_asked_for_comes_on_top() -> None:
    clock = HandClock()
    backoff = Backoff(clock, lambda most: most)
    backoff.fail(30.0)
    assert backoff.wait_s == 32.0
    clock.now_us += 31_000_000
    assert backoff.wait_s == 1.0
    clock.now_us += 31_000_000
    assert backoff.wait_s == 0.0


@pytest.mark.parametrize(
    ("policy", "metered", "allowed"),
    [
        (Policy.OFF, False, False),
        (Policy.UNMETERED, False, True),
        (Policy.UNMETERED, None, False),
        (Policy.UNMETERED, True, False),
        (Policy.ANY, True, True),
        (Policy.ANY, None, True),
    ],
)
def test_unknown_counts_as_metered(policy: Policy, metered: bool | None, allowed: bool) -> None:
    assert allows(policy, metered) is allowed


def test_a_day_is_the_operators_not_that_of_utc() -> None:
    almaty = ZoneInfo("Asia/Almaty")
    evening = datetime.datetime(2026, 11, 24, 20, 0, tzinfo=datetime.UTC)
    assert local_day(int(evening.timestamp()) * 1_000_000, almaty) == "2026-11-25"


def test_what_was_spent_is_forgotten_with_its_day() -> None:
    noon = int(datetime.datetime(2026, 11, 24, 12, 0).astimezone().timestamp()) * 1_000_000
    day_us = 86_400_000_000
    spent = DaySpent("", 0).plus(100, noon).plus(50, noon)
    assert spent == DaySpent("2026-11-24", 150)
    assert fits(spent, 150)
    assert not fits(spent, 149)
    assert fits(spent, 0)
    assert spent.plus(10, noon + day_us) == DaySpent("2026-11-25", 10)
