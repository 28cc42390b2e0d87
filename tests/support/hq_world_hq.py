"""A real HQ on a folder, without its sockets and its worker process, on virtual time."""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fieldsurvey.hq.app import create_app
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.enrolment import enrol
from fieldsurvey.sync.profile import Profile
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import EnrolRequest
from fieldsurvey.wire.rows import SCHEMA
from tests.support.asgi import call
from tests.support.hq_world_kills import Dead, Kills
from tests.support.sync_time import VirtualClock, VirtualLoop

T = TypeVar("T")

URL = "http://127.0.0.1:1"


class InlineExecutor(ThreadPoolExecutor):
    """Does work at once, in the thread that asks."""

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **named))
        except BaseException as error:  # noqa: BLE001 - it travels in the future
            future.set_exception(error)
        return future


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


class KnownSchemas(Sequence[str]):
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


async def enrol_laptop(hq: Headquarters, profile: Profile) -> None:
    """Make a device of HQ, over its real address."""
    code = hq.running().ledger.devices.new_code("device", 24.0, hq.clock.utc_us())

    class Way:
        async def enrol(self, request: EnrolRequest) -> Answer:
            headers = {"content-type": "application/json"}
            return await hq.ask("POST", "/v1/enrol", headers, msgspec.json.encode(request))

    while True:
        with contextlib.suppress(KnownError):  # no answer: the same code again
            await enrol(Way(), URL, code, profile, hq.clock.utc_us())  # type: ignore[arg-type]  # all of it that is used
            return


class _ThreadlessLoop(VirtualLoop):
    async def shutdown_default_executor(self) -> None:
        """There is nothing to wait for; asyncio would wait for a thread, which time does not."""


def virtual_loop() -> VirtualLoop:
    """Return a loop whose work for threads is done at once."""
    loop = _ThreadlessLoop()
    loop.set_default_executor(InlineExecutor())
    return loop
