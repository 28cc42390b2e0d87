"""Where a test began and ended: the newest fix, unless it is too old to say so."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fieldsurvey.drive import tester
from fieldsurvey.drive.planning import links_of
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.position.watch import Report
from fieldsurvey.throughput.protocols.ending import Ending
from tests.support.drive_testing import ALWAYS, TARGET, HeldClock
from tests.support.drive_values import S, a_fix, a_place


class Waiting:
    """A source with fixes that it has not handed over yet; each takes a turn of the loop."""

    uri = "test:"

    def __init__(self, fixes: list[Fix], *, replayed: bool = True) -> None:
        self.replayed, self.fixes = replayed, fixes

    @property
    def due_us(self) -> int | None:
        return self.fixes[0].mono_us if self.fixes and self.replayed else None

    async def reports(self) -> AsyncIterator[Report]:
        while self.fixes:
            await asyncio.sleep(0)
            yield self.fixes.pop(0)


def laptop_at(second: float, receiver: Receiver, clock: HeldClock | None = None) -> tester.Tester:
    clock = clock or HeldClock()
    clock.forward(int(second * S))
    receiver.newest = a_fix(0)
    return tester.Tester(
        ALWAYS, links_of(ALWAYS)[0], TARGET, clock, receiver, lambda fix: a_place(), lambda: None
    )


@pytest.mark.parametrize(("age_s", "known"), [(5.0, True), (5.1, False)])
@pytest.mark.parametrize("replayed", [False, True])
def test_a_fix_too_old_does_not_say_where(age_s: float, known: bool, replayed: bool) -> None:
    one = laptop_at(age_s, Receiver(Waiting([], replayed=replayed)))
    test = one.skipped(Trigger.HAND, one.order(Mode.CHECK), "no modem")
    for found in (test.start_fix, test.end_fix, test.start_place, test.end_place):
        assert (found is not None) is known


def test_a_clock_that_goes_on_meanwhile_makes_no_fix_too_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The start is the moment that was caught up with, not that at which catching up was over."""
    receiver = Receiver(Waiting([a_fix(second) for second in range(1, 25)]))
    clock = HeldClock()
    one = laptop_at(20, receiver, clock)
    odometer_add = receiver.odometer.add

    def hand_over(fix: Fix) -> None:
        clock.forward(S // 2)
        odometer_add(fix)

    async def nothing_measured(plan: MeasurementPlan, _: object) -> Measurement:
        return Ending(Outcome.SKIPPED, Cause.NO_ROUTE, "").measurement(plan)

    monkeypatch.setattr(receiver.odometer, "add", hand_over)
    monkeypatch.setattr(one._process, "run", nothing_measured)

    async def scenario() -> ThroughputTest:
        running = asyncio.create_task(receiver.run())
        try:
            return await one.test(Trigger.HAND, one.order(Mode.CHECK))
        finally:
            running.cancel()

    test = asyncio.run(scenario())
    assert test.start_fix == a_fix(20)
    assert test.started_mono_us == 20 * S
