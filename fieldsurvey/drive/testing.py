"""Decides second by second whether to test, within the day's budget, one test at a time."""

import asyncio
import contextlib
from collections.abc import Callable

from fieldsurvey.drive import budget
from fieldsurvey.drive.recording import Recording
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.tester import Tester
from fieldsurvey.drive.triggers import Triggers
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import EventKind, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.place import Place
from fieldsurvey.model.throughput import Cause, Trigger
from fieldsurvey.store.store_thread import StoreThread


class Testing:
    """The tests of one drive. ``off`` says why none are made at present."""

    def __init__(
        self,
        plan: SurveyPlan,
        clock: Clock,
        store: StoreThread,
        tester: Tester,
        recording: Recording,
        distance_m: Callable[[], float],
    ) -> None:
        self.off: Message | None = None
        self.budget_used_bytes = 0
        self._plan = plan
        self._clock = clock
        self._store = store
        self._tester = tester
        self._recording = recording
        self._distance_m = distance_m
        self._triggers = Triggers(plan)
        self._task: asyncio.Task[None] | None = None

    def by_hand(self) -> None:
        """Test at the next second."""
        self._triggers.by_hand()

    async def consider(self, mono_us: int, place: Place | None) -> None:
        """Start a test if one is due. Call once a second; returns without waiting for it."""
        if self._task is not None:
            self._triggers.notice_place(place)
            return
        distance_m = self._distance_m()
        trigger = self._triggers.due(mono_us, distance_m, place)
        if trigger is None or not await self._within_budget():
            return
        self._triggers.started(mono_us, distance_m)
        self._task = asyncio.create_task(self._test(trigger))

    async def finish(self, *, cancel: bool) -> None:
        """Wait for the running test, if any; with ``cancel`` it ends at once."""
        if self._task is not None:
            if cancel:
                self._tester.cancel()
            await self._task

    async def _test(self, trigger: Trigger) -> None:
        try:
            test = await self._tester.test(trigger)
            self._recording.test(test)
            self.budget_used_bytes += test.measurement.wire_bytes
            if test.measurement.cause is Cause.ENGINE:
                text = message("drive.engine_failed", reason=test.measurement.detail)
                self._recording.event(EventKind.ENGINE_RESTARTED, text, Health.FAILED)
        finally:
            self._triggers.ended(self._clock.mono_us())
            self._task = None

    async def _within_budget(self) -> bool:
        day_us = budget.local_day_us(self._clock.utc_us())
        # Trouble with the file is told by the recording; the last figure read still holds then.
        with contextlib.suppress(KnownError):
            self.budget_used_bytes = await asyncio.wrap_future(
                self._store.submit(lambda survey: survey.bytes_used_between(*day_us))
            )
        plan = self._plan
        if budget.fits(self.budget_used_bytes, plan.max_test_bytes, plan.budget_bytes_per_day):
            self.off = None
            return True
        if self.off is None:
            self.off = message(
                "drive.budget_reached",
                used_gb=f"{self.budget_used_bytes / 1e9:.2f}",
                budget_gb=f"{plan.budget_bytes_per_day / 1e9:.2f}",
            )
            self._recording.event(EventKind.BUDGET_REACHED, self.off, Health.DEGRADED)
        return False
