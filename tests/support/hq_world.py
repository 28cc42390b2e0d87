"""Laptops and a real HQ, files and all, in a bad world: every fault by plan, then peace.

Both sides are the real code on real files; only the wire between them, the clock and the moments of
death are simulated. What must hold at the end, though nobody recorded anything after the faults: HQ
has signed for every row of every laptop, holds it, and the archive has it exactly once.
"""

import asyncio
import contextlib
import errno
import os
import random
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from fieldsurvey.hq.app import create_app
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.home import Home, Settings, init_home
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.enrolment import enrol
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import Profile
from fieldsurvey.sync.progress import SyncState
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import EnrolRequest
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.rows import SCHEMA, decode_rows
from tests.support.asgi import call
from tests.support.store_values import a_drive, a_fix, a_sample, a_test, an_event
from tests.support.sync_network import HTML, PORTAL, Fault
from tests.support.sync_time import VirtualClock, VirtualLoop

T = TypeVar("T")

URL = "http://127.0.0.1:1"
# Twice the longest wait between two attempts, and the time after which what was parked is tried.
PEACE_S = 2 * 900.0 + 6.5 * 3600.0


class Event(Enum):
    """What happens besides the network, before the next request."""

    LAPTOP_DIES_BEFORE_COMMIT = "laptop: killed before a commit"
    LAPTOP_DIES_AFTER_COMMIT = "laptop: killed after a commit"
    LAPTOP_DISK_FULL = "laptop: the disk is full for a while"
    LAPTOP_COPIED = "laptop: somebody copies file and profile"
    LAPTOP_RESTORED = "laptop: the file is replaced by the copy"
    LAPTOP_CLONED = "laptop: the copy is used on a second laptop"
    LAPTOP_CLOCK_BACK = "laptop: clock back by fifty years"
    LAPTOP_CLOCK_AHEAD = "laptop: clock ahead by ten years"
    RECORDED = "laptop: more is recorded"
    HQ_DIES_AT_SYNC = "HQ: killed when it writes to the disk"
    HQ_DIES_BEFORE_COMMIT = "HQ: killed before a commit"
    HQ_DIES_AFTER_COMMIT = "HQ: killed after a commit"
    HQ_DISK_FULL = "HQ: the disk is full for a while"
    HQ_BACKUP = "HQ: a backup is made"
    HQ_RESTORED = "HQ: restored from the backup"
    HQ_OLDER = "HQ: goes back to a version that does not know our rows"
    HQ_NEWER = "HQ: is updated"
    HQ_MERGES = "HQ: merges what landed"
    REVOKED = "HQ: the device is revoked, and enrols again with another key"


Step = Fault | Event


class Dead(BaseException):
    """The process is gone at this point; nothing of it runs on."""


class InlineExecutor(ThreadPoolExecutor):
    """Does work at once, in the thread that asks."""

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **named))
        except BaseException as error:  # noqa: BLE001 - it travels in the future
            future.set_exception(error)
        return future


@dataclass(slots=True)
class Laptop:
    """One survey file with the profile of its device; closed between rounds of life."""

    name: str
    path: Path
    profile: Profile
    drive_id: str
    second: int = 0


class Kills:
    """Where the next process dies, and which disk is full."""

    def __init__(self) -> None:
        self.laptop: Event | None = None
        self.hq: Event | None = None
        self.hq_after = 0  # so many more such moments survive
        self.in_hq = False
        self.laptop_full = 0
        self.hq_full = 0

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Put the moments of death into files and databases of both sides."""
        real_sync, real_transaction, real_write = (
            os.fsync,
            SurveyFile.transaction,
            LedgerDatabase.write,
        )

        def sync(handle: int) -> None:
            if self.in_hq and self.hq_full > 0:
                self.hq_full -= 1
                raise OSError(errno.ENOSPC, "No space left on device")
            self._hq(Event.HQ_DIES_AT_SYNC)
            real_sync(handle)

        @contextlib.contextmanager
        def transaction(survey: SurveyFile) -> Iterator[None]:
            if self.laptop_full > 0:
                self.laptop_full -= 1
                raise KnownError("store.disk_full", path=survey.path)
            with real_transaction(survey):
                yield
                self._laptop(Event.LAPTOP_DIES_BEFORE_COMMIT)
            self._laptop(Event.LAPTOP_DIES_AFTER_COMMIT)

        @contextlib.contextmanager
        def write(database: LedgerDatabase) -> Iterator[Any]:
            with real_write(database) as connection:
                yield connection
                self._hq(Event.HQ_DIES_BEFORE_COMMIT)
            self._hq(Event.HQ_DIES_AFTER_COMMIT)

        with (
            mock.patch.object(os, "fsync", sync),
            mock.patch.object(SurveyFile, "transaction", transaction),
            mock.patch.object(LedgerDatabase, "write", write),
        ):
            yield

    @contextlib.contextmanager
    def none(self) -> Iterator[None]:
        """Nobody dies on this laptop while the block lasts."""
        planned, self.laptop, full, self.laptop_full = self.laptop, None, self.laptop_full, 0
        yield
        self.laptop, self.laptop_full = planned, full

    def _laptop(self, moment: Event) -> None:
        if self.laptop is moment:
            self.laptop = None
            raise Dead

    def _hq(self, moment: Event) -> None:
        if self.in_hq and self.hq is moment:
            self.hq_after -= 1
            if self.hq_after < 0:
                self.hq = None
                raise Dead


class _Current:
    """Whichever station is open now: one application serves them all, as making one takes long."""

    station: Any = None
    app: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(_Current.station, name)


def _app_of(station: Station) -> Any:
    _Current.station = station
    if _Current.app is None:
        _Current.app = create_app(_Current(), Bodies(30.0))  # type: ignore[arg-type]  # as good as one
    return _Current.app


class _KnownSchemas(Sequence[str]):
    """Stands in for the list of schemas, which differs between versions of HQ."""

    def __init__(self, hq: "Headquarters") -> None:
        self._hq = hq

    def __getitem__(self, index: Any) -> Any:
        return self._hq.schemas[index]

    def __len__(self) -> int:
        return len(self._hq.schemas)


class Headquarters:
    """A real HQ on a folder, without its sockets and its worker process."""

    def __init__(self, folder: Path, clock: VirtualClock, kills: Kills) -> None:
        self.folder = folder
        self.clock = clock
        self.schemas: tuple[str, ...] = (SCHEMA,)  # that this version of HQ knows
        self._kills = kills
        self._stack = contextlib.ExitStack()
        self.station: Station | None = None

    def start(self) -> Station:
        """Start, tidying up as the server does."""
        self.station = station = self._stack.enter_context(
            open_station(Home.open(self.folder), self.clock)
        )
        station.landing._threads.shutdown()
        station.landing._threads = InlineExecutor()
        self.app = _app_of(station)
        tidy(station.home, station.ledger, station.landing, self.clock.utc_us)
        return station

    def stop(self) -> None:
        self._stack.close()
        self.station = None

    def running(self) -> Station:
        return self.station or self.start()

    async def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        """Answer one request; TransportError if HQ dies over it."""
        self._kills.in_hq = True
        try:
            self.running()
            return await call(self.app, method, path, headers, body)
        except Dead as error:
            self.stop()
            raise TransportError(Cause.CUT_OFF) from error
        finally:
            self._kills.in_hq = False


class Wire:
    """A laptop's way to HQ. Takes one fault from the world for each request."""

    def __init__(self, world: "World", token: str = "") -> None:
        self._world = world
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    async def hello(self) -> Answer:
        return await self._through("GET", "/v1/hello")

    async def enrol(self, request: EnrolRequest) -> Answer:
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
            case Fault.PORTAL:
                return Answer(200, HTML, PORTAL)
            case Fault.PORTAL_REFUSES:
                return Answer(403, HTML, PORTAL)
            case Fault.REDIRECT:
                return Answer(302, {"location": "http://portal.example/login"}, b"")
            case Fault.PROXY_FAILS:
                return Answer(502, HTML, b"<html>Bad Gateway</html>")
            case Fault.PROXY_TOO_LARGE:
                return Answer(413, HTML, b"<html>Request Entity Too Large</html>")
            case Fault.BUSY:
                return Answer(503, {"retry-after": "30"}, b"")
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
        self._names = iter("bcdefghijklmnopqrstuvwxyz")

    # -- life -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let it all happen, then look. AssertionError where something is lost, doubled, stuck."""
        schemas = _KnownSchemas(self.hq)
        with (
            self.kills.installed(),
            mock.patch("fieldsurvey.hq.landing.KNOWN_SCHEMAS", schemas),
            mock.patch("fieldsurvey.hq.janitor.KNOWN_SCHEMAS", schemas),
        ):
            with asyncio.Runner(loop_factory=_loop) as runner:
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

    _pending: Event | None = None

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
        from fieldsurvey.hq.merge import merge_once

        station = self.hq.running()
        self.kills.in_hq = True
        try:
            merge_once(station.ledger, station.home.raw, station.home.archive)
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
        station = self.hq.running()
        held: Counter[Any] = Counter()
        for one in self._ledgered():
            sealed = parse_batch((station.home.raw / one.path).read_bytes())
            assert sealed.sha256 == one.sha256
            held.update({_content(row) for row in decode_rows(sealed.payload)})
        recorded: set[Any] = set()
        for laptop in self.laptops:
            with SurveyFile.open(laptop.path) as survey:
                assert survey.check() == []
                recorded |= {_content(row) for row in all_rows(survey)}
        missing = recorded - held.keys()
        assert not missing, missing
        archived = archived_rows(station)
        assert max(archived.values(), default=1) == 1, archived.most_common(3)
        lost = {one for one in recorded if one[0] in _ARCHIVED} - archived.keys()
        assert not lost, lost


_NEEDS_SURVEY = (Event.RECORDED, Event.LAPTOP_COPIED)
_ARCHIVED = ("Sample", "Event", "ThroughputTest")


def _content(row: Any) -> tuple[str, str, int]:
    """Return what tells a row apart whatever its number: kind, drive, and when."""
    value = row.value
    when = getattr(value, "mono_us", None)
    if when is None:
        when = getattr(value, "started_mono_us", 0)
    return type(value).__name__, row.drive_id, when


def all_rows(survey: SurveyFile) -> list[Any]:
    """Return every row of a survey, sealed or not."""
    from fieldsurvey.store.outbox_rows import contiguous_rows

    (last_seq,) = survey.connection.execute("SELECT last_seq FROM survey").fetchone()
    rows = contiguous_rows(survey.connection, 1, last_seq)
    assert len(rows) == last_seq
    return rows


def archived_rows(station: Station) -> Counter[tuple[str, str, int]]:
    """Count the archive's samples, tests and events by what tells them apart."""
    import polars as pl

    found: Counter[tuple[str, str, int]] = Counter()
    columns = {"samples": "mono_us", "tests": "started_mono_us", "events": "mono_us"}
    kinds = {"samples": "Sample", "tests": "ThroughputTest", "events": "Event"}
    for file in station.ledger.archive_files():
        if file.table in columns:
            table = pl.read_parquet(station.home.archive / file.path, hive_partitioning=False)
            for drive_id, when in table.select("drive_id", columns[file.table]).iter_rows():
                found[kinds[file.table], drive_id, when] += 1
    return found


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


async def enrol_laptop(hq: Headquarters, profile: Profile) -> None:
    """Make a device of HQ, over its real address."""
    code = hq.running().ledger.devices.new_code("device", 24.0, hq.clock.utc_us())

    class _Plain(Wire):
        async def enrol(self, request: EnrolRequest) -> Answer:
            import msgspec

            headers = {"content-type": "application/json"}
            return await hq.ask("POST", "/v1/enrol", headers, msgspec.json.encode(request))

    while True:
        with contextlib.suppress(KnownError):  # no answer: the same code again
            await enrol(_Plain(None), URL, code, profile, hq.clock.utc_us())  # type: ignore[arg-type]
            return


def make_template(folder: Path) -> None:
    """Make an HQ, an enrolled laptop and a survey with four seconds, to be copied by each world."""
    settings = Settings("hq", durable_without_mirror=True, requests_per_s=1e6, burst_requests=10**6)
    init_home(folder / "hq", settings)
    hq = Headquarters(folder / "hq", VirtualClock(), Kills())
    profile = Profile(folder / "profile-a")
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(enrol_laptop(hq, profile))
    hq.stop()
    laptop = Laptop("a", folder / "a.fsurvey", profile, "drive-a")
    with SurveyFile.create(laptop.path) as survey:
        survey.begin_drive(a_drive(laptop.drive_id))
        record(survey, laptop, 4)


def _loop() -> VirtualLoop:
    loop = VirtualLoop()
    loop.set_default_executor(InlineExecutor())
    return loop


Work = Callable[[Outbox], Awaitable[object]]
