"""Laptops and a real HQ, files and all, in a bad world: every fault by plan, then peace.

Both sides are the real code on real files; only the wire between them, the clock and the moments of
death are simulated. What must hold at the end, though nobody recorded anything after the faults: HQ
has signed for every row of every laptop, holds it, and the archive has it exactly once.
"""

import asyncio
import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from fieldsurvey.hq.home import Settings, init_home
from fieldsurvey.hq.merge import merge_once
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import Profile
from fieldsurvey.sync.progress import SyncState
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import EnrolRequest, RecoveryCopy
from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_world_hq import Headquarters, KnownSchemas, enrol_laptop, virtual_loop
from tests.support.hq_world_kills import Dead, Event, Kills, Step
from tests.support.hq_world_look import look
from tests.support.store_values import a_drive, a_fix, a_sample, a_test, an_event
from tests.support.sync_network import INSTEAD, Fault
from tests.support.sync_time import VirtualClock

T = TypeVar("T")

# Twice the longest wait between two attempts, and the time after which what was parked is tried.
PEACE_S = 2 * 900.0 + 6.5 * 3600.0

_NEEDS_SURVEY = (Event.RECORDED, Event.LAPTOP_COPIED)


@dataclass(slots=True)
class Laptop:
    """One survey file with the profile of its device; closed between rounds of life."""

    name: str
    path: Path
    profile: Profile
    drive_id: str
    second: int = 0


class Wire:
    """A laptop's way to HQ. Takes one fault from the world for each request."""

    def __init__(self, world: "World", token: str = "") -> None:
        self._world = world
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    async def hello(self) -> Answer:
        return await self._through("GET", "/v1/hello")

    async def enrol(self, request: EnrolRequest) -> Answer:
        raise NotImplementedError

    async def recovery(self, device: str, token: str, copy: RecoveryCopy) -> Answer:
        raise NotImplementedError

    async def state(self, device: str, epoch: str) -> Answer:
        return await self._through("GET", f"/v1/devices/{device}/epochs/{epoch}/state")

    async def put(self, device: str, epoch: str, batch_no: int, content: bytes) -> Answer:
        path = f"/v1/devices/{device}/epochs/{epoch}/batches/{batch_no}"
        return await self._through("PUT", path, content)

    async def consistency(self, first_size: int, size: int) -> Answer:
        return await self._through("GET", f"/v1/log/consistency?first={first_size}&size={size}")

    async def _through(self, method: str, path: str, body: bytes = b"") -> Answer:
        fault = self._world.take()
        await asyncio.sleep(0.2)
        ask = self._world.hq.ask
        match fault:
            case Fault.LOST:
                await asyncio.sleep(10)
                raise TransportError(Cause.TIMED_OUT)
            case Fault.SLOW:
                await asyncio.sleep(200)
            case Fault.ANSWER_LOST:
                await ask(method, path, self._headers, body)
                raise TransportError(Cause.CUT_OFF)
            case Fault.TWICE:
                await ask(method, path, self._headers, body)
            case Fault.CORRUPT if body:
                at = self._world.dice.randrange(len(body))
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            case Fault.TRUNCATED if body:
                body = body[: self._world.dice.randrange(len(body))]
            case Fault.ANSWER_CUT:
                whole = await ask(method, path, self._headers, body)
                return Answer(whole.status, whole.headers, whole.body[: len(whole.body) // 2])
            case _ if fault in INSTEAD:
                return INSTEAD[fault]
        return await ask(method, path, self._headers, body)


class World:
    """One campaign over ``steps`` in ``folder``, which holds what :func:`make_template` made."""

    def __init__(self, folder: Path, steps: Sequence[Step], seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.kills = Kills()
        self.hq = Headquarters(folder / "hq", VirtualClock(), self.kills)
        self.laptops = [
            Laptop("a", folder / "a.fsurvey", Profile(folder / "profile-a"), "drive-a", 4)
        ]
        self.deaths: Counter[str] = Counter()
        self._folder = folder
        self._steps = list(steps)
        self._copied = False
        self._backed_up = False
        self._revoke = False
        self._replace = False
        self._pending: Event | None = None  # needs the open file
        self._names = iter("bcdefghijklmnopqrstuvwxyz")

    # -- life -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let it all happen, then look. AssertionError where something is lost, doubled, stuck."""
        schemas = KnownSchemas(self.hq)
        with (
            self.kills.installed(),
            mock.patch("fieldsurvey.hq.landing.KNOWN_SCHEMAS", schemas),
            mock.patch("fieldsurvey.hq.janitor.KNOWN_SCHEMAS", schemas),
        ):
            with asyncio.Runner(loop_factory=virtual_loop) as runner:
                runner.run(self._live())
            self._merge_all()
        try:
            self._look()
        finally:
            self.hq.stop()

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        peace_from_s = loop.time()
        while True:
            if self._steps:
                peace_from_s = loop.time()
            for laptop in tuple(self.laptops):
                await self._live_a_while(laptop)
            await self._change_things()
            if not self._steps and self._all_delivered():
                return
            assert loop.time() < peace_from_s + PEACE_S, "it does not drain"

    async def _live_a_while(self, laptop: Laptop) -> None:
        """Sync until all is delivered, the plan wants something else, or death."""
        try:
            with SurveyFile.open(laptop.path) as survey:
                enrolment, key = laptop.profile.enrolled()
                outbox = Outbox(survey)

                async def on_store(work: Callable[[Outbox], T]) -> T:
                    self._act_on(laptop, survey)
                    return work(outbox)

                wire = Wire(self, enrolment.token)
                syncer = Syncer(
                    Parts(
                        laptop.profile, enrolment, key, wire, on_store, self.clock,
                        lambda most: self.dice.uniform(0, most),
                        new_epoch=lambda: f"{self.dice.getrandbits(64):016x}",
                    )
                )  # fmt: skip
                for _ in range(12):
                    wait_s = await syncer.round()
                    done = outbox.progress().waiting_batches == 0 and syncer.progress.complete
                    told = syncer.progress.state is SyncState.RE_ENROL  # and somebody does it
                    if told or self._must_change or (not self._steps and done):
                        break
                    await asyncio.sleep(max(wait_s, 1.0))
                if syncer.progress.state is SyncState.RE_ENROL:
                    self._revoke = False
                    survey.close()
                    await self._enrol_again(laptop)
        except (Dead, KnownError) as end:
            self.deaths[type(end).__name__] += 1
            if isinstance(end, KnownError) and not end.message.id.startswith("store."):
                raise
            await asyncio.sleep(5)

    @property
    def _must_change(self) -> bool:
        return self._replace or self._revoke

    async def _enrol_again(self, laptop: Laptop) -> None:
        """A revoked laptop is given another key by its operator; what it has stays."""
        (laptop.profile.path / "device_key").rename(
            laptop.profile.path / f"device_key.{self.dice.getrandbits(32)}"
        )
        await enrol_laptop(self.hq, laptop.profile)

    async def _change_things(self) -> None:
        if self._replace:
            self._replace = False
            shutil.copy(self._folder / "copy.fsurvey", self.laptops[0].path)
        if self._revoke:
            self._revoke = False
            station = self.hq.running()
            enrolment, _ = self.laptops[0].profile.enrolled()
            station.ledger.devices.revoke(enrolment.device, self.clock.utc_us())

    def _all_delivered(self) -> bool:
        for laptop in self.laptops:
            with SurveyFile.open(laptop.path) as survey:
                progress = Outbox(survey).progress()
                if progress.acknowledged_rows < progress.recorded_rows:
                    return False
                held = {(one.epoch, one.batch_no) for one in self._ledgered()}
                for epoch in Outbox(survey).epochs():
                    for number in Outbox(survey).acknowledged(epoch.epoch):
                        if (epoch.epoch, number) not in held:
                            return False
        return True

    def _ledgered(self) -> list[Any]:
        ledger = self.hq.running().ledger
        return list(ledger.at(range(ledger.history.size())))

    # -- the plan ---------------------------------------------------------------------------------

    def take(self) -> Fault:
        """Let all events up to the next fault happen; return that."""
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Event) and step in _NEEDS_SURVEY:
                self._pending = step
            self._steps.pop(0)
            if isinstance(step, Fault):
                return step
            self._happen(step)
        return Fault.NONE

    def _act_on(self, laptop: Laptop, survey: SurveyFile) -> None:
        """Do what needs the open file; called where the store thread is."""
        event, self._pending = self._pending, None
        if event is Event.RECORDED:
            with contextlib.suppress(KnownError):  # of a full disk: the drive keeps it in memory
                record(survey, laptop, self.dice.randint(1, 5))
        elif event is Event.LAPTOP_COPIED and laptop is self.laptops[0]:
            copy = self._folder / "copy.fsurvey"
            copy.unlink(missing_ok=True)
            survey.connection.execute("VACUUM INTO ?", (str(copy),))
            profile = self._folder / "copy-profile"
            shutil.rmtree(profile, ignore_errors=True)
            shutil.copytree(laptop.profile.path, profile)
            self._copied = True

    def _happen(self, event: Event) -> None:
        kills = self.kills
        match event:
            case Event.LAPTOP_DIES_BEFORE_COMMIT | Event.LAPTOP_DIES_AFTER_COMMIT:
                kills.laptop = event
            case Event.LAPTOP_DISK_FULL:
                kills.laptop_full = 2
            case Event.LAPTOP_RESTORED if self._copied:
                self._replace = True
            case Event.LAPTOP_CLONED if self._copied:
                self._clone()
            case Event.LAPTOP_CLOCK_BACK:
                self.clock.jump_us -= 50 * 31_536_000_000_000
            case Event.LAPTOP_CLOCK_AHEAD:
                self.clock.jump_us += 10 * 31_536_000_000_000
            case Event.HQ_DIES_AT_SYNC | Event.HQ_DIES_BEFORE_COMMIT | Event.HQ_DIES_AFTER_COMMIT:
                kills.hq, kills.hq_after = event, self.dice.randint(0, 2)
            case Event.HQ_DISK_FULL:
                kills.hq_full = 2
            case Event.HQ_BACKUP:
                self.hq.stop()
                shutil.rmtree(self._folder / "backup", ignore_errors=True)
                shutil.copytree(self.hq.folder, self._folder / "backup")
                self._backed_up = True
            case Event.HQ_RESTORED if self._backed_up:
                self.hq.stop()
                shutil.rmtree(self.hq.folder)
                shutil.copytree(self._folder / "backup", self.hq.folder)
            case Event.HQ_OLDER:
                self.hq.stop()
                self.hq.schemas = ()
            case Event.HQ_NEWER:
                self.hq.stop()
                self.hq.schemas = (SCHEMA,)
            case Event.HQ_MERGES:
                self._merge_once()
            case Event.REVOKED:
                self._revoke = True

    def _clone(self) -> None:
        name = next(self._names)
        path = self._folder / f"{name}.fsurvey"
        shutil.copy(self._folder / "copy.fsurvey", path)
        profile = self._folder / f"profile-{name}"
        shutil.copytree(self._folder / "copy-profile", profile)
        laptop = Laptop(name, path, Profile(profile), f"drive-{name}")
        with self.kills.none(), SurveyFile.open(path) as survey:
            survey.begin_drive(a_drive(laptop.drive_id))
            record(survey, laptop, 2)
        self.laptops.append(laptop)

    # -- the end ----------------------------------------------------------------------------------

    def _merge_once(self) -> None:
        station = self.hq.running()
        self.kills.in_hq = True
        try:
            merge_once(station.ledger, station.home.raw_shelf(), station.home.archive_shelf())
        except Dead:
            self.hq.stop()
        except OSError:
            pass  # a full disk: the worker tries again
        finally:
            self.kills.in_hq = False

    def _merge_all(self) -> None:
        self.hq.stop()
        self.hq.schemas = (SCHEMA,)
        self._accept_revoked()
        for _ in range(20):
            if not self.hq.running().ledger.unmerged(1):
                return
            self._merge_once()
        raise AssertionError("merging does not end")

    def _accept_revoked(self) -> None:
        ledger = self.hq.running().ledger
        for device in ledger.devices.all():
            if device.revoked_utc_us is not None:
                ledger.accept_revoked(device.device, self.hq.clock.utc_us())

    def _look(self) -> None:
        """Compare what the laptops hold with what HQ holds and what the archive has."""
        look(self.hq.running(), (laptop.path for laptop in self.laptops))


def record(survey: SurveyFile, laptop: Laptop, seconds: int) -> None:
    """Record some more seconds of the laptop's drive."""
    for second in range(laptop.second, laptop.second + seconds):
        survey.append(
            laptop.drive_id,
            fixes=[a_fix(second)],
            samples=[a_sample(second)],
            events=[an_event(second)] if second % 3 == 0 else [],
            tests=[a_test(second)] if second % 5 == 0 else [],
        )
    laptop.second += seconds


def make_template(folder: Path) -> None:
    """Make an HQ, an enrolled laptop and a survey with four seconds, to be copied by each world."""
    settings = Settings("hq", durable_without_mirror=True, requests_per_s=1e6, burst_requests=10**6)
    init_home(folder / "hq", settings)
    hq = Headquarters(folder / "hq", VirtualClock(), Kills())
    profile = Profile(folder / "profile-a")
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(enrol_laptop(hq, profile))
    hq.stop()
    laptop = Laptop("a", folder / "a.fsurvey", profile, "drive-a")
    with SurveyFile.create(laptop.path) as survey:
        survey.begin_drive(a_drive(laptop.drive_id))
        record(survey, laptop, 4)
