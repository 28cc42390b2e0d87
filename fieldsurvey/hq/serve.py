"""HQ as a running server: granian, the merge worker beside it, and what happens now and then.

Everything ends with this process, however suddenly: the worker's stdin is our pipe.
"""

import asyncio
import logging
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import Interfaces, SSLProtocols
from granian.server.embed import Server

from fieldsurvey.hq.app import create_app
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.enrolment import keep_device_keys
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.janitor import Tidied, tidy
from fieldsurvey.hq.mirror import is_another_disk, mirror_once
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_MIRROR_EVERY_S = 2.0
_CHECKPOINT_EVERY_S = 60.0
_WORKER_AGAIN_S = 5.0
_WORKER_END_S = 20.0
_SHUTDOWN_S = 10  # of requests that are under way
_MERGE_WORKER = "fieldsurvey.hq.merge_worker"


@dataclass(frozen=True, slots=True)
class Serving:
    """Where and how to serve."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    merge: bool = True


def serve(
    home: Home, serving: Serving, ready: Callable[[int], None], tidied: Callable[[Tidied], None]
) -> None:
    """Serve until SIGTERM or Ctrl+C. ``ready`` is told the port once connections are accepted.

    Raises KnownError for what cannot be opened or listened on.
    """
    with open_station(home, SystemClock()) as station:
        _check_mirror_disk(home)
        station.log.check()
        keep_device_keys(home, station.ledger)
        tidied(tidy(home, station.ledger, station.landing, station.clock.utc_us))
        station.log.checkpoint()
        asyncio.run(_serve(station, serving, ready))


def _check_mirror_disk(home: Home) -> None:
    """Let nobody take a second folder for a second disk, unless they said that one disk must do."""
    settings = home.settings
    if not settings.mirror or settings.durable_without_mirror:
        return
    raw = home.folder if settings.raw else home.raw
    try:
        # A bucket is no disk of ours at all.
        another = is_another_disk(raw, Path(settings.mirror)) or bool(settings.raw)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KnownError("hq.no_mirror", path=settings.mirror, reason=reason) from error
    if not another:
        raise KnownError("hq.mirror_on_same_disk", path=settings.mirror)


async def _serve(station: Station, serving: Serving, ready: Callable[[int], None]) -> None:
    bodies = Bodies(station.home.settings.idle_timeout_s)
    server = _BoundServer(create_app(station, bodies), serving)

    def stop() -> None:
        bodies.end_all()
        server.stop()  # type: ignore[no-untyped-call]

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(name, stop)
    server.on_startup(lambda: ready(server.bind_port))
    async with _now_and_then(_jobs(station, serving)):
        with suppress(TimeoutError):  # of connections that would not end
            await server.serve()
    if server.interrupt_children:
        raise KnownError("hq.server_failed")


class _BoundServer(Server):
    """Granian on a socket that is ours alone; its own would be shared with whoever asks, and port 0
    would be another one in each worker."""

    def __init__(self, app: Any, serving: Serving) -> None:
        """Raises KnownError ``hq.bad_certificate`` or ``hq.cannot_listen``."""
        try:
            super().__init__(
                app,
                interface=Interfaces.ASGINL,
                backlog=_BACKLOG,
                websockets=False,
                log_enabled=False,
                ssl_cert=serving.tls_cert,
                ssl_key=serving.tls_key,
                ssl_protocol_min=SSLProtocols.tls12,
            )
        except (OSError, ssl.SSLError) as error:
            path = serving.tls_cert
            raise KnownError("hq.bad_certificate", path=path, reason=str(error)) from error
        self.workers_kill_timeout = _SHUTDOWN_S
        self._listener = _listening(serving.host, serving.port)
        self.bind_port = self._listener.getsockname()[1]

    def _init_shared_socket(self) -> None:
        holder: Any = SocketHolder  # its types say that it takes nothing
        self._shd: Any = holder(self._listener.detach(), False, _BACKLOG)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        address = f"{host}:{port}"
        reason = error.strerror or str(error)
        raise KnownError("hq.cannot_listen", address=address, reason=reason) from error
    listener.setblocking(False)
    return listener


def _jobs(station: Station, serving: Serving) -> list[Coroutine[Any, Any, None]]:
    jobs = [_repeat(station.log.checkpoint, _CHECKPOINT_EVERY_S)]
    if station.home.settings.mirror:
        jobs.append(_repeat(_mirroring(station), _MIRROR_EVERY_S))
    if serving.merge:
        jobs.append(_keep_merging(station.home.folder))
    return jobs


def _mirroring(station: Station) -> Callable[[], object]:
    damaged: set[str] = set()
    raw, mirror = station.home.raw_shelf(), Path(station.home.settings.mirror)

    def work() -> None:
        while True:
            report = mirror_once(station.ledger, raw, mirror, frozenset(damaged))
            damaged.update(report.damaged)
            for path in report.damaged:
                _log.error("damaged on HQ's own disk: %s", path)
            if report.copied == 0:
                return

    return work


@asynccontextmanager
async def _now_and_then(jobs: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run ``jobs`` while the block lasts."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(work: Callable[[], object], every_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception:  # noqa: BLE001 - a full disk, a lost mirror: not the server's end
            _log.exception("will be tried again")
        await asyncio.sleep(every_s)


async def _keep_merging(folder: Path) -> None:
    """Run the merge worker, again and again should it end."""
    while True:
        try:
            code = await _merge(folder)
            _log.error("the merge worker ended with %s; it is started again", code)
        except OSError as error:
            _log.error("the merge worker cannot be started: %s", error)
        await asyncio.sleep(_WORKER_AGAIN_S)


async def _merge(folder: Path) -> int:
    """Run the merge worker until it ends, or we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _MERGE_WORKER, "--data", str(folder), "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE,
        stdout=sys.stderr,
        start_new_session=True,  # Ctrl+C is for us; we end the worker ourselves
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the worker's stdin, which ends it; kill it if that does not."""
    assert process.stdin is not None
    process.stdin.close()
    if process.returncode is None:
        try:
            await asyncio.wait_for(process.wait(), _WORKER_END_S)
        except TimeoutError:
            process.kill()
            await process.wait()
