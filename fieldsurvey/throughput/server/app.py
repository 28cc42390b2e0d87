"""Puts the measurement server together and runs it: for the command line, for demos, for tests.

Must not store anything but the log of tests that the operator asked for: a server sees addresses
of surveyors, and forgets them.
"""

import asyncio
import dataclasses
import json
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.throughput.http_head import PING_PATH, TOKEN_PATH
from fieldsurvey.throughput.server import (
    admission,
    cloudflare,
    health,
    librespeed,
    load,
    locate,
    mini,
    msak,
    ndt7,
)
from fieldsurvey.throughput.server.connections import (
    BACKLOG,
    Arrival,
    Connection,
    Door,
    most_connections,
)
from fieldsurvey.throughput.server.limits import Limits, Slots
from fieldsurvey.throughput.server.log import TestLog
from fieldsurvey.throughput.server.settings import Settings, Sister
from fieldsurvey.throughput.server.slots import TestSlots
from fieldsurvey.throughput.server.tls import Certificate
from fieldsurvey.throughput.server.tokens import Tokens

_SHUTDOWN_S = 0.5
_CLOSING_TURNS = 5  # of the loop, until transports that were aborted have closed their sockets
_CONNECTION_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,  # what came over the link is counted, not what it unpacks to
    "lingering_time": 1.0,
    "max_line_size": 8190,  # a query of ndt7 may have 4,096 bytes
    "max_field_size": 4096,
    "max_headers": 64,
}


def create_app(settings: Settings) -> web.Application:
    """Return the application with every endpoint; raises KnownError for what cannot be read."""
    app = web.Application(middlewares=[admission.admit])
    log = TestLog(Path(settings.data), settings.log_addresses) if settings.data else None
    secret = settings.secret()
    app[load.SERVER_ID] = _header_safe(settings.server_id or socket.gethostname())
    app[load.LIMITS] = settings.limits
    app[load.SLOTS] = Slots(settings.limits)
    app[admission.TOKENS] = Tokens(secret, settings.token_s, settings.clock_skew_s)
    app[admission.TOKENS_REQUIRED] = secret is not None
    app[admission.TEST_SLOTS] = TestSlots(settings.limits, log.write if log else None)
    app.on_response_prepare.append(_sign)
    app.router.add_get(PING_PATH, _ping)
    app.router.add_get(TOKEN_PATH, admission.token)
    for protocol in (msak, ndt7, librespeed, cloudflare, mini, health):
        protocol.add_routes(app)
    ourselves = Sister(settings.public_url, settings.city, settings.country)
    locate.add_routes(app, ourselves, settings.sisters)

    async def while_it_runs(app: web.Application) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(admission.sweep(app))
        yield
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        app[admission.TEST_SLOTS].end_all()
        if log is not None:
            log.close()

    app.cleanup_ctx.append(while_it_runs)
    return app


class MeasurementServer:
    """A running server; start and stop belong to one event loop."""

    def __init__(
        self,
        server_id: str | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        """With ``settings`` nothing else counts. Raises KnownError for what cannot be read."""
        settings = settings or Settings(server_id=server_id or "", limits=limits or Limits())
        self._certificate = (
            Certificate(Path(settings.tls_cert), Path(settings.tls_key))
            if settings.tls_cert
            else None
        )
        self._tls = tls
        self._door = Door(settings.limits)
        self._runner = web.AppRunner(
            create_app(settings), handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        self._listener: asyncio.Server | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port; raises KnownError ``throughput.cannot_listen``."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        make_request = server.request_factory

        def request_factory(*given: Any) -> web.BaseRequest:
            cast(Connection, given[2]).request_begins()
            return make_request(*given)

        server.request_factory = request_factory
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: self._arrival(server), host, port, backlog=BACKLOG
            )
        except OSError as error:
            await self._runner.cleanup()
            raise KnownError(
                "throughput.cannot_listen", address=f"{host}:{port}", reason=error.strerror or error
            ) from error
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    def reload_certificate(self) -> None:
        """Use the certificate files as they are now; raises KnownError and goes on as before."""
        if self._certificate is not None:
            self._certificate.reload()

    async def stop(self) -> None:
        """Close every connection and let go of the port."""
        if self._listener is not None:
            await _stop_accepting(self._listener)
            self._listener.close()
        for handshake in self._handshakes:
            handshake.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        await self._runner.cleanup()
        for _ in range(_CLOSING_TURNS):
            await asyncio.sleep(0)

    def _arrival(self, server: web.Server) -> Arrival:
        tls = self._certificate.context if self._certificate is not None else self._tls
        return Arrival(self._door, tls, lambda: self._connection(server), self._handshakes)

    def _connection(self, server: web.Server) -> Connection:
        return Connection(
            self._door,
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._door.limits.idle_s,
            **_CONNECTION_OPTIONS,
        )


async def _stop_accepting(listener: asyncio.Server) -> None:
    """Let those in who have knocked, and nobody after them: asyncio loses the socket of whoever is
    half in when its server closes (an assertion in ``Server._attach`` of Python 3.11)."""
    with suppress(NotImplementedError):  # Windows
        for sock in listener.sockets:
            asyncio.get_running_loop().remove_reader(sock.fileno())
    for _ in range(_CLOSING_TURNS):
        await asyncio.sleep(0)


def serve(
    host: str,
    port: int,
    settings: Settings | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; tell ``ready`` (stdout) the address as one JSON line.

    SIGHUP reads the certificate again. Raises KnownError for what cannot be read or listened on.
    """
    settings = settings or Settings()
    room = most_connections(settings.limits.connections)
    if room < settings.limits.connections:
        _complain(message("measure_server.few_files", connections=room).text())
        limits = dataclasses.replace(settings.limits, connections=room)
        settings = dataclasses.replace(settings, limits=limits)
    asyncio.run(_serve(MeasurementServer(settings=settings), host, port, ready or _say))


async def _serve(
    server: MeasurementServer, host: str, port: int, ready: Callable[[str], object]
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, _reload, server)
    bound = await server.start(host, port)
    ready(json.dumps({"listening": True, "host": host, "port": bound}))
    try:
        await stopped.wait()
    finally:
        await server.stop()


def _reload(server: MeasurementServer) -> None:
    try:
        server.reload_certificate()
    except KnownError as error:
        _complain(str(error))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


async def _ping(request: web.Request) -> web.Response:
    nonce = request.query.get("nonce", "")
    return web.json_response({"server": request.app[load.SERVER_ID], "nonce": nonce})


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(load.signature(request))
    response.headers["Cache-Control"] = "no-store, no-transform"


def _header_safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:64]
