"""The drive itself: one sample a second, tests when due, events when something changes.

Lives in the acquisition loop. Waits for nothing but time: the network is measured by another
process, the disk is written by another thread, and trouble in either does not stop the seconds.
"""

import asyncio
import functools
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

from fieldsurvey import __version__
from fieldsurvey.drive.health import LaptopState, read_laptop_state
from fieldsurvey.drive.links import Links
from fieldsurvey.drive.planned import Planned
from fieldsurvey.drive.planning import links_of
from fieldsurvey.drive.prepare import Prepared
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.drive.recording import Recording
from fieldsurvey.drive.seconds import Second, Seconds
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.syncing import Syncing
from fieldsurvey.drive.testing import Testing
from fieldsurvey.drive.view import DriveView
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Drive, DriveState, EventKind, Reachability
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.places.finder import PlaceFinder
from fieldsurvey.places.places_file import open_places

log = logging.getLogger(__name__)

# Later than this the laptop slept: those seconds were not observed and stay a gap.
LATE_LIMIT_US = 10 * US_PER_S
LATE_LIMIT_REAL_S = 3.0
HEALTH_PERIOD_S = 10.0
PLACED_AGE_US = 5 * US_PER_S


class DriveRun:
    """One prepared or running drive after another on one survey file."""

    def __init__(self, prepared: Prepared) -> None:
        self.config = prepared.config
        self.clock = prepared.config.clock
        plan = self.config.plan
        planned = Planned(plan, (link.name for link in links_of(plan)))
        self.view = DriveView(self.clock, planned)
        self.receiver = Receiver(prepared.source)
        self.state = DriveState.IDLE
        self.unfinished = prepared.unfinished
        self.recording: Recording | None = None
        self.testing: Testing | None = None
        self.place: Place | None = None
        self.reachability: Reachability | None = None
        self.laptop: LaptopState | None = None
        self.ended = False
        self._store = prepared.store
        self._radio = prepared.radio
        self._finder = PlaceFinder(None, self.config.language)  # until places are open
        self.links = Links(prepared, self.view, self.receiver, self._place_of)
        self.syncing = Syncing(
            self.config.profile_path, self._store, self.clock, lambda: bool(self.links.running)
        )
        self._seconds_over = Seconds()
        self._recorded_from_us = 0
        self._armed = self.config.auto_start
        self._changing = asyncio.Lock()

    # -- commands, called in the acquisition loop -----------------------------------------------

    async def start(self) -> None:
        """Start driving, or as soon as there is a position."""
        async with self._changing:
            if self.state is DriveState.DRIVING:
                return
            if self.receiver.newest is None:
                self._armed = True
                return
            self._armed = False
            await self._close_unfinished()
            await self.links.open_ledger()
            drive = self._new_drive()
            try:
                await asyncio.wrap_future(
                    self._store.submit(lambda survey: survey.begin_drive(drive))
                )
            except KnownError as error:
                self.view.tell(Health.FAILED, error.message)
                return
            self.view.restart()
            self.view.planned.restart(await self.links.tests_of_plan(replayed=drive.replayed))
            self.receiver.odometer.distance_m = 0.0
            self._begin(drive, Counter()).event(EventKind.DRIVE_STARTED, message("drive.started"))

    async def answer_resume(self, *, accept: bool) -> None:
        """Go on with the unfinished drive, or close it where it broke off."""
        async with self._changing:
            unfinished = self.unfinished
            if unfinished is None or self.state is DriveState.DRIVING:
                return
            if not accept:
                await self._close_unfinished()
                return
            await self.links.open_ledger()
            made = await self.links.tests_made(unfinished.drive)
            self.unfinished = None
            self._armed = False
            self.view.restart(unfinished.counts)
            replayed = unfinished.drive.replayed
            self.view.planned.restart(await self.links.tests_of_plan(replayed=replayed))
            self.receiver.odometer.distance_m = unfinished.distance_m
            self._begin(unfinished.drive, made).event(
                EventKind.DRIVE_RESUMED, message("drive.resumed"), Health.OK
            )

    async def stop(self, *, finish_test: bool = False) -> None:
        """End the drive; a running test is cancelled, or awaited with ``finish_test``."""
        async with self._changing:
            if self.recording is None or self.testing is None:
                return
            await self.testing.finish(cancel=not finish_test)
            if self.state is DriveState.DRIVING:
                self.state = DriveState.STOPPED
                self._settle(final=True)
                self.recording.event(EventKind.DRIVE_STOPPED, message("drive.stopped"))
            if await self.recording.end():
                self.recording = None
                self.ended = self.receiver.ended

    def test_now(self) -> None:
        """Test at the next second."""
        if self.testing is not None:
            self.testing.by_hand()

    def mark(self, note: str) -> None:
        """Put a mark into the record."""
        if self.state is DriveState.DRIVING and self.recording is not None:
            self.recording.event(EventKind.MARK, message("drive.mark", note=note))
            self.view.tell(Health.OK, message("drive.marked"))

    # -- the loops --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled, then leave no task, process or socket behind."""
        await self._open_places()
        if self.config.resume is not None:
            await self.answer_resume(accept=self.config.resume)
        loops: list[Callable[[], Awaitable[None]]] = [
            self.receiver.run,
            self.links.probe.run,
            self.syncing.run,
            self._seconds,
            self._look_at_laptop,
        ]
        tasks = [asyncio.create_task(self._keep_alive(loop)) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.stop()
            await self.links.close()
            if self.recording is not None:
                await self.recording.abandon(
                    self.config.survey_path.parent, self.config.fallback_folder
                )

    async def _keep_alive(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A bug in one loop must not end the drive: log it, tell it, start the loop again."""
        while True:
            try:
                await loop()
            except Exception as error:
                log.exception("a loop of the drive failed and is started again")
                self.view.tell(Health.FAILED, message("drive.bug", reason=repr(error)))
                await asyncio.sleep(1.0)
            else:
                return

    async def _seconds(self) -> None:
        """Call :meth:`_second` for every second of the drive, late rather than never."""
        late_limit_us = max(LATE_LIMIT_US, int(LATE_LIMIT_REAL_S * US_PER_S * self.clock.speed))
        due_us = self.clock.mono_us() + US_PER_S
        while True:
            await self.clock.sleep(max(0.0, (due_us - self.clock.mono_us()) / US_PER_S))
            now_us = self.clock.mono_us()
            if now_us - due_us > late_limit_us:
                due_us = now_us
            while due_us <= now_us:
                await self._second(due_us)
                due_us += US_PER_S

    async def _second(self, mono_us: int) -> None:
        await self.receiver.catch_up(mono_us)
        utc_us = self.clock.utc_us() - (self.clock.mono_us() - mono_us)
        fixes = self.receiver.take(mono_us)
        fix = self.receiver.taken
        age_us = None if fix is None else fix.age_us(mono_us)
        placed = fix is not None and age_us is not None and age_us <= PLACED_AGE_US
        self.place = self._place_of(fix) if fix is not None and placed else None
        radio, trouble = self._radio.latest(), self.receiver.trouble
        self._seconds_over.add(
            Second(utc_us, mono_us, fixes, fix, age_us, radio, self.place, trouble)
        )
        self._settle()
        self.links.charge_probing()
        if self.state is DriveState.DRIVING and self.testing is not None:
            self.testing.consider(mono_us, self.place)
            if self.receiver.ended and self.config.stop_at_end:
                await self.stop(finish_test=True)
        elif self.receiver.newest is not None:
            if self.state is DriveState.IDLE:
                self.state = DriveState.READY
            if self._armed:
                await self.start()

    def _settle(self, *, final: bool = False) -> None:
        """Record the seconds of which it is known whether the server answered, in order."""
        settle = functools.partial(self.links.probe.settle, final=final)
        for second, reachability in self._seconds_over.settled(settle):
            self.reachability = reachability
            self.syncing.note_reachable(reachability.reachable)
            if self.recording is not None and second.mono_us > self._recorded_from_us:
                self.recording.second(second.fixes, second.sample(reachability), second.trouble)

    async def _look_at_laptop(self) -> None:
        while True:
            self.laptop = await asyncio.to_thread(read_laptop_state, self.config.survey_path.parent)
            await asyncio.sleep(HEALTH_PERIOD_S)

    # -- helpers ----------------------------------------------------------------------------------

    def _new_drive(self) -> Drive:
        return Drive(
            drive_id=str(uuid.uuid4()),
            started_utc_us=self.clock.utc_us(),
            plan=self.config.plan,
            position_uri=self.config.position_uri,
            radio_uri=self.config.radio_uri,
            app_version=__version__,
            replayed=self.receiver.source.replayed,
        )

    def _begin(self, drive: Drive, made: Counter[str]) -> Recording:
        self.recording = Recording(drive, self._store, self.clock, self.view, self._distance_m)
        self.testing = self.links.testing(self.recording, self._distance_m, made)
        self._recorded_from_us = self.clock.mono_us()
        self.state = DriveState.DRIVING
        return self.recording

    async def _close_unfinished(self) -> None:
        unfinished, self.unfinished = self.unfinished, None
        if unfinished is None:
            return
        drive, last = unfinished.drive, unfinished.last_sample
        end_utc_us = last.utc_us if last else drive.started_utc_us
        await asyncio.wrap_future(
            self._store.submit(lambda survey: survey.end_drive(drive.drive_id, end_utc_us))
        )
        self.view.tell(Health.OK, message("drive.closed_unfinished"))

    async def _open_places(self) -> None:
        path = self.config.places_path
        if path is None:
            self.view.tell(Health.DEGRADED, message("drive.no_places"))
            return
        try:
            places = await asyncio.to_thread(open_places, path)
        except KnownError as error:
            self.view.tell(Health.DEGRADED, error.message)
        else:
            self._finder = PlaceFinder(places, self.config.language)

    def _place_of(self, fix: Fix) -> Place:
        return self._finder.place_of(fix)

    def _distance_m(self) -> float:
        return self.receiver.odometer.distance_m
