"""One drive while it is being written: its seconds, tests and events on their way to the file."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from fieldsurvey.drive.clock_watch import ClockWatch
from fieldsurvey.drive.recorder import Batch, Recorder
from fieldsurvey.drive.rescue import rescue
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.view import DriveView
from fieldsurvey.drive.watch import PositionWatch, ServiceWatch
from fieldsurvey.model.clock import US_PER_S, Clock
from fieldsurvey.model.drive import Drive, Event, EventKind, Sample
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import Fix, PositionTrouble
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.store_thread import StoreThread

FLUSH_TIMEOUT_S = 10.0
GOOD_NEWS = (EventKind.SERVICE_BACK, EventKind.POSITION_BACK)


class Recording:
    """Begins when made, ends with :meth:`end`. ``distance_m`` gives the odometer at a commit."""

    def __init__(
        self,
        drive: Drive,
        store: StoreThread,
        clock: Clock,
        view: DriveView,
        distance_m: Callable[[], float],
    ) -> None:
        self.drive = drive
        self.trouble: Message | None = None
        self._store = store
        self._clock = clock
        self._view = view
        self._distance_m = distance_m
        self._recorder = Recorder(
            store, drive.drive_id, self._on_committed, self._on_trouble, self._on_refused
        )
        self._task = asyncio.create_task(self._recorder.run())
        self._service_watch = ServiceWatch()
        self._position_watch = PositionWatch()
        self._clock_watch = ClockWatch(clock)

    @property
    def waiting(self) -> int:
        """Rows not yet on disk."""
        return self._recorder.waiting

    def second(self, fixes: list[Fix], sample: Sample, trouble: PositionTrouble | None) -> None:
        """Record one second, and what it means."""
        self._recorder.add(fixes=fixes, sample=sample)
        for event in (self._service_watch.see(sample), self._position_watch.see(sample, trouble)):
            if event is not None:
                self._recorder.add(event=event)
                health = Health.OK if event.kind in GOOD_NEWS else Health.DEGRADED
                self._view.tell(health, event.message)
        jump_us = self._clock_watch.jump_us()
        if jump_us is not None:
            text = message("drive.clock_jump", seconds=f"{jump_us / US_PER_S:+.0f}")
            self.event(EventKind.CLOCK_JUMP, text, Health.DEGRADED)

    def test(self, test: ThroughputTest) -> None:
        """Record a test."""
        self._recorder.add(test=test)

    def event(self, kind: EventKind, text: Message, health: Health | None = None) -> None:
        """Record an event; with ``health`` it is also told to whoever looks."""
        self._recorder.add(event=Event(kind, self._clock.utc_us(), self._clock.mono_us(), text))
        if health is not None:
            self._view.tell(health, text)

    def tell(self, health: Health, text: Message) -> None:
        """Tell whoever looks, without a row for it."""
        self._view.tell(health, text)

    async def end(self) -> bool:
        """Get everything on disk and close the drive; False while rows still wait."""
        if not await self._recorder.flush(FLUSH_TIMEOUT_S):
            return False
        drive_id, ended_utc_us = self.drive.drive_id, self._clock.utc_us()
        await asyncio.wrap_future(
            self._store.submit(lambda survey: survey.end_drive(drive_id, ended_utc_us))
        )
        await self._cancel()
        return True

    async def abandon(self, *folders: Path | None) -> None:
        """The process ends although rows wait: put them into one of ``folders``."""
        await self._cancel()
        leftovers = self._recorder.leftovers()
        if len(leftovers):
            path = self._store.path
            self._view.tell(
                Health.FAILED, await asyncio.to_thread(rescue, leftovers, self.drive, path, folders)
            )

    async def _cancel(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _on_committed(self, batch: Batch) -> None:
        self._view.committed(batch, self._distance_m())

    def _on_refused(self, reason: Message) -> None:
        self._view.tell(Health.FAILED, reason)

    def _on_trouble(self, reason: Message | None) -> None:
        if reason is None:
            self.trouble = None
            self.event(EventKind.STORAGE_BACK, message("drive.storage_back"), Health.OK)
        elif self.trouble is None:
            self.trouble = reason
            self.event(EventKind.STORAGE_TROUBLE, reason, Health.FAILED)
