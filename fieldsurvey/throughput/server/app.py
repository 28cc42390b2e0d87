"""Puts the measurement server together and runs it: for the command line, for demos, for tests.

Must not store anything: a server sees addresses of surveyors, and forgets them.
"""

import asyncio
import json
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable

from aiohttp import web

from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.http_head import (
    DOWNLOAD_PATH,
    NONCE_HEADER,
    PING_PATH,
    SERVER_HEADER,
    UPLOAD_PATH,
)
from fieldsurvey.throughput.server import load, mini
from fieldsurvey.throughput.server.limits import Limits, Slots

_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SERVER_ID = web.AppKey("server_id", str)
_SHUTDOWN_S = 0.5


def create_app(server_id: str | None = None, limits: Limits | None = None) -> web.Application:
    """Return the application with every endpoint; ``server_id`` defaults to the host's name."""
    app = web.Application()
    app[_SERVER_ID] = _header_safe(server_id or socket.gethostname())
    app[load.LIMITS] = limits or Limits()
    app[load.SLOTS] = Slots(app[load.LIMITS])
    app.on_response_prepare.append(_sign)
    app.router.add_get("/health", _health)
    app.router.add_get(PING_PATH, _ping)
    app.router.add_get(DOWNLOAD_PATH, load.download, allow_head=False)
    app.router.add_post(UPLOAD_PATH, load.upload)
    mini.add_routes(app)
    return app


class MeasurementServer:
    """A running server; start and stop belong to one event loop."""

    def __init__(
        self,
        server_id: str | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._tls = tls
        self._runner = web.AppRunner(
            create_app(server_id, self._limits),
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=1.0,
            shutdown_timeout=_SHUTDOWN_S,
        )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port; raises KnownError ``throughput.cannot_listen``."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls, backlog=512)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise KnownError(
                "throughput.cannot_listen", address=f"{host}:{port}", reason=error.strerror or error
            ) from error
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Close every connection and let go of the port."""
        await self._runner.cleanup()


def serve(
    host: str,
    port: int,
    server_id: str | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; tell ``ready`` (stdout) the address as one JSON line."""
    asyncio.run(_serve(MeasurementServer(server_id, limits, tls), host, port, ready or _say))


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
    bound = await server.start(host, port)
    ready(json.dumps({"listening": True, "host": host, "port": bound}))
    try:
        await stopped.wait()
    finally:
        await server.stop()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "server": request.app[_SERVER_ID]})


async def _ping(request: web.Request) -> web.Response:
    nonce = request.query.get("nonce", "")
    return web.json_response({"server": request.app[_SERVER_ID], "nonce": nonce})


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    """Say who answers, and to which question: a cache or a portal cannot."""
    response.headers[SERVER_HEADER] = request.app[_SERVER_ID]
    nonce = request.query.get("nonce", "")
    if _NONCE.fullmatch(nonce):
        response.headers[NONCE_HEADER] = nonce
    response.headers["Cache-Control"] = "no-store, no-transform"


def _header_safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:64]
