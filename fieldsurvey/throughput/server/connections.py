"""The door: how many connections are open, whose they are, and how long they may say nothing.

aiohttp bounds the size of a request's head and the idle time between two requests; it does not
bound how long a head, or an answer that nobody reads, takes. Must not close a connection that a
client keeps warm while there is room: an honest client opens its connections before it needs them.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from fieldsurvey.throughput.server.clients import client_of
from fieldsurvey.throughput.server.limits import Limits

HANDSHAKE_S = 10.0  # for TLS
BACKLOG = 256  # so many may be accepted at once before any is looked at
_OTHER_FILES = 100 + 2 * BACKLOG  # the log, the libraries; who has just come, who is just leaving
_ANSWER_GRACE_S = 10.0  # a load ends by itself; after so much more, the connection is cut


class Door:
    """Counts open connections. Those without a request under way are let go first, oldest first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.open = 0
        self._open_of: dict[str, int] = {}
        self._idle: dict[str, dict[Callable[[], None], None]] = {}

    def let_in(self, client: str) -> bool:
        """Make room for one more connection of ``client``, and count it; False if there is none."""
        if self._open_of.get(client, 0) >= self.limits.connections_per_client:
            if not self._let_oldest_go(client):
                return False
        elif self.open >= self.limits.connections:
            # whoever has the most idle ones gives one up
            crowd = max(self._idle, key=lambda owner: len(self._idle[owner]), default="")
            if not self._let_oldest_go(crowd):
                return False
        self.open += 1
        self._open_of[client] = self._open_of.get(client, 0) + 1
        return True

    def left(self, client: str) -> None:
        self.open -= 1
        self._open_of[client] -= 1
        if not self._open_of[client]:
            del self._open_of[client]

    def idle(self, client: str, cut: Callable[[], None]) -> None:
        """Note that a connection waits for a request; ``cut`` closes it."""
        self._idle.setdefault(client, {})[cut] = None

    def busy(self, client: str, cut: Callable[[], None]) -> None:
        mine = self._idle.get(client, {})
        mine.pop(cut, None)
        if not mine:
            self._idle.pop(client, None)

    def _let_oldest_go(self, client: str) -> bool:
        oldest = next(iter(self._idle.get(client, ())), None)
        if oldest is None:
            return False
        self.busy(client, oldest)
        oldest()
        return True


class Connection(web.RequestHandler):
    """aiohttp's connection, with a clock on heads and answers."""

    def __init__(self, door: Door, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._door = door
        self._client = ""
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._client = client_of((transport.get_extra_info("peername") or ("",))[0])
        self._door.idle(self._client, self.cut)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_clock()
        self._door.busy(self._client, self.cut)
        self._door.left(self._client)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._clock is None:  # the first byte of a head
            self._start_clock(self._door.limits.head_s)
        super().data_received(data)
        self._forget_what_was_wrong()

    def request_begins(self) -> None:
        """The head is complete."""
        self._door.busy(self._client, self.cut)
        self._start_clock(self._door.limits.seconds + _ANSWER_GRACE_S)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        done = await super().finish_response(request, resp, start_time)
        self._stop_clock()
        if self.transport is not None:
            self._door.idle(self._client, self.cut)
        return done

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What a client has got wrong, or that it has gone, is no fault of ours."""
        if not isinstance(kw.get("exc_info"), HttpProcessingError | ConnectionError):
            super().log_exception(*args, **kw)

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _forget_what_was_wrong(self) -> None:
        """aiohttp queues the error of what it cannot parse. Its traceback holds bytes and itself
        until garbage is collected: of fifty who send much, hundreds of megabytes."""
        for queued, _ in self._messages:
            if isinstance(error := getattr(queued, "exc", None), BaseException):
                error.__traceback__ = None

    def _start_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._clock = asyncio.get_running_loop().call_later(seconds, self.cut)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


class Arrival(asyncio.Protocol):
    """What a new connection is until it is let in, and until its TLS handshake is over."""

    def __init__(
        self,
        door: Door,
        tls: ssl.SSLContext | None,
        make_connection: Callable[[], Connection],
        handshakes: set[asyncio.Task[None]],
    ) -> None:
        self._door = door
        self._tls = tls
        self._make_connection = make_connection
        self._handshakes = handshakes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        client = client_of((transport.get_extra_info("peername") or ("",))[0])
        if not self._door.let_in(client):
            transport.abort()
        elif self._tls is None:
            connection = self._make_connection()
            transport.set_protocol(connection)
            connection.connection_made(transport)
        else:
            transport.pause_reading()
            task = asyncio.create_task(self._shake_hands(transport, self._tls, client))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(
        self, transport: asyncio.Transport, tls: ssl.SSLContext, client: str
    ) -> None:
        early = _Early()
        connection = None
        self._door.idle(client, transport.abort)
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, early, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
            if secured is not None and not early.lost:
                connection = self._make_connection()
                secured.set_protocol(connection)
                connection.connection_made(secured)
                early.hand_over(connection)
        except OSError:
            pass  # ssl.SSLError is one; so is the end of the connection
        finally:
            self._door.busy(client, transport.abort)
            if connection is None:
                transport.abort()
                self._door.left(client)


class _Early(asyncio.Protocol):
    """Keeps what a client sends together with the last word of its handshake."""

    def __init__(self) -> None:
        self.lost = False
        self._received: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self._received.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def hand_over(self, connection: Connection) -> None:
        for data in self._received:
            connection.data_received(data)


def most_connections(wanted: int) -> int:
    """Let this process open as many files as it may; return for how many connections that is."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    enough = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    return min(wanted, enough - _OTHER_FILES)
