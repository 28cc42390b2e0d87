"""Decides second by second whether to test, and over which links.

A trigger makes a round: one test over every link, so that operators are compared on the same
stretch of road. One after the other, the first place in the row moves on with each round, so that
no operator always comes last; together, all start at once. A result below target is tried again on
the second server before the next link's turn. Nothing starts any more once the drive ends.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

from fieldsurvey.drive.allowance import Allowance
from fieldsurvey.drive.confirm import is_below
from fieldsurvey.drive.modem import missing_message
from fieldsurvey.drive.planned import Planned
from fieldsurvey.drive.recording import Recording
from fieldsurvey.drive.snapshot import Health, LinkBudget
from fieldsurvey.drive.tester import Tester
from fieldsurvey.drive.triggers import Triggers
from fieldsurvey.model.clock import US_PER_S, Clock
from fieldsurvey.model.drive import EventKind, SurveyPlan
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.place import Place
from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    ThroughputTest,
    Trigger,
)

log = logging.getLogger(__name__)


class Testing:
    """The tests of one drive, over all its links."""

    def __init__(
        self,
        plan: SurveyPlan,
        clock: Clock,
        testers: Sequence[Tester],
        allowance: Allowance,
        recording: Recording,
        distance_m: Callable[[], float],
        chance: random.Random,
        planned: Planned,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._testers = tuple(testers)
        self._allowance = allowance
        self._recording = recording
        self._distance_m = distance_m
        self._planned = planned
        self._triggers = Triggers(plan, chance)
        self._round: asyncio.Task[None] | None = None
        self._rounds = 0
        self._ending = False
        self._busy_until_mono_us: dict[str, int] = {}  # by server
        self._absent: set[str] = set()

    @property
    def off(self) -> Message | None:
        """Why no throughput is measured at present, over one link at least."""
        return self._allowance.off

    @property
    def budget(self) -> LinkBudget:
        """The budgets of the link that is nearest to its cap."""
        budgets = (self._allowance.budget(tester.link.name) for tester in self._testers)
        return max(budgets, key=lambda state: state.used_part)

    def by_hand(self) -> None:
        """Test at the next second."""
        self._triggers.by_hand()

    def consider(self, mono_us: int, place: Place | None) -> None:
        """Start a round if one is due. Call once a second; returns without waiting for it."""
        step_m = self._planned.step_m(place)
        if self._round is not None:
            self._triggers.notice_place(place)
            return
        distance_m = self._distance_m()
        # What the budget turns into pings would not count for the plan.
        step_m = step_m if self.off is None else None
        trigger = self._triggers.due(mono_us, distance_m, place, step_m)
        if trigger is None or self._ending:
            return
        self._triggers.started(mono_us, distance_m)
        self._round = asyncio.create_task(self._make_round(trigger))

    async def finish(self, *, cancel: bool) -> None:
        """Start no more tests and wait for the running ones; with ``cancel`` they end at once."""
        self._ending = True
        if cancel:
            for tester in self._testers:
                tester.cancel()
        if self._round is not None:
            await self._round

    async def _make_round(self, trigger: Trigger) -> None:
        first = self._rounds % len(self._testers)
        self._rounds += 1
        try:
            if self._plan.links_together:
                await asyncio.gather(*(self._turn(tester, trigger) for tester in self._testers))
                return
            for tester in self._testers[first:] + self._testers[:first]:
                await self._turn(tester, trigger)
        finally:
            self._triggers.ended(self._clock.mono_us())
            self._round = None

    async def _turn(self, tester: Tester, trigger: Trigger) -> None:
        """Test over one link. A bug met on the way costs this turn, not those of the others."""
        try:
            await self._test_and_confirm(tester, trigger)
        except Exception as error:
            log.exception("a test failed in the drive itself")
            self._recording.tell(Health.FAILED, message("drive.bug", reason=repr(error)))

    async def _test_and_confirm(self, tester: Tester, trigger: Trigger) -> None:
        if self._ending or (trigger is not Trigger.HAND and self._is_busy(self._plan.server_url)):
            return
        order = self._allowance.next_order(tester)
        if order is None or self._is_absent(tester, trigger, order):
            return
        test = await self._test(tester, trigger, order)
        server_url = self._plan.confirm_server_url
        if not server_url or not is_below(test) or self._is_busy(server_url):
            return
        again = tester.order(self._plan.mode, server_url)
        if not self._ending and self._allowance.fits(tester, again):
            await self._test(tester, Trigger.CONFIRMATION, again, test.test_id)

    async def _test(
        self, tester: Tester, trigger: Trigger, order: MeasurementPlan, confirms: str | None = None
    ) -> ThroughputTest:
        charge = self._allowance.charge(tester, order)
        if confirms is None:
            self._allowance.count(tester, order)
        test = await tester.test(trigger, order, confirms)
        self._allowance.settle(charge, test.measurement)
        self._recording.test(test)
        self._heed(test.measurement)
        return test

    def _heed(self, measurement: Measurement) -> None:
        """Do what a result asks for: tell of a process that died, leave a busy server alone."""
        if measurement.cause is Cause.ENGINE:
            text = message("drive.engine_failed", reason=measurement.detail)
            self._recording.event(EventKind.ENGINE_RESTARTED, text, Health.FAILED)
        wait_s = measurement.retry_after_s
        if measurement.cause is not Cause.SERVER_BUSY or wait_s is None:
            return
        # The server counts real seconds, the drive's clock may run faster than they do.
        until_us = self._clock.mono_us() + int(wait_s * US_PER_S * self._clock.speed)
        self._busy_until_mono_us[measurement.server_url] = until_us
        if measurement.server_url == self._plan.server_url:
            self._triggers.hold_until(until_us)
            self._recording.tell(Health.DEGRADED, message("drive.server_busy", seconds=wait_s))

    def _is_busy(self, server_url: str) -> bool:
        return self._clock.mono_us() < self._busy_until_mono_us.get(server_url, 0)

    def _is_absent(self, tester: Tester, trigger: Trigger, order: MeasurementPlan) -> bool:
        """Record a skipped test where the link's modem is not there; told once until it is."""
        link, reason = tester.link, tester.modem.absent()
        if reason is None:
            self._absent.discard(link.name)
            return False
        self._recording.test(tester.skipped(trigger, order, reason))
        if link.name not in self._absent:
            self._absent.add(link.name)
            self._recording.tell(Health.FAILED, missing_message(link, reason))
        return True
