"""Round trips on one keep-alive connection of its own: idle ones, and ones under load.

Must not wait for an answer before it asks again: under load the slow answers are the ones that
matter, and a pinger that waits asks fewer questions the worse the link gets.
"""

import asyncio
import time
from collections import deque

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import PING_PATH, SERVER_HEADER, Head, new_nonce, request_head
from fieldsurvey.throughput.link import ServerAddress

LOADED_INTERVAL_S = 0.1
LOST_AFTER_US = 1_000_000  # unanswered for this long when the load ends


class Pinger(asyncio.Protocol):
    """Asks for tiny answers; ``round_trips_us`` holds them in the order asked."""

    def __init__(self, server: ServerAddress) -> None:
        self.round_trips_us: list[int] = []
        self.server_id: str | None = None
        self._server = server
        self._asked: deque[tuple[str, int]] = deque()  # nonce, perf_counter_ns
        self._head: Head | None = None
        self._body_left = 0
        self._trouble: BaseException | None = None
        self._answered = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    async def round_trip(self, timeout_us: int) -> None:
        """Ask once and wait; raises LinkError or OSError."""
        self._answered.clear()
        self.ask()
        try:
            async with asyncio.timeout(timeout_us / 1e6):
                await self._answered.wait()
        except TimeoutError as error:
            raise LinkError(Cause.STALLED, "connected, but no answer to a ping") from error
        if self._trouble is not None:
            raise self._trouble

    async def keep_asking(self) -> None:
        """Ask every 100 ms until cancelled or until the connection breaks."""
        while self._trouble is None:
            self.ask()
            await asyncio.sleep(LOADED_INTERVAL_S)

    def ask(self) -> None:
        """Send one question now."""
        if self._transport is None or self._trouble is not None:
            self._answered.set()
            return
        nonce = new_nonce()
        self._asked.append((nonce, time.perf_counter_ns()))
        self._transport.write(request_head(self._server, f"GET {PING_PATH}?nonce={nonce}"))

    def lost(self) -> int:
        """Return how many questions have no answer and can expect none."""
        now_ns = time.perf_counter_ns()
        broken = self._trouble is not None
        return sum(broken or now_ns - asked > LOST_AFTER_US * 1000 for _, asked in self._asked)

    def unanswered(self) -> int:
        return len(self._asked)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(exc or EOFError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        try:
            self._take(data)
        except LinkError as trouble:
            self._break(trouble)
            self.close()

    def _take(self, data: bytes) -> None:
        while data and self._asked:
            if self._body_left == 0:
                if self._head is None:
                    self._head = Head(self._asked[0][0])
                rest = self._head.feed(data)
                if rest is None:
                    return
                data = rest
                length = self._head.header("Content-Length") or ""
                if not length.isdigit():
                    raise LinkError(Cause.CAPTIVE_PORTAL, "a ping answer without a length")
                self._body_left = int(length)
            taken = min(self._body_left, len(data))
            data = data[taken:]
            self._body_left -= taken
            if self._body_left == 0:
                self._finish_answer()

    def _finish_answer(self) -> None:
        assert self._head is not None
        self.server_id = self._head.header(SERVER_HEADER)
        self._head = None
        _, asked_ns = self._asked.popleft()
        self.round_trips_us.append((time.perf_counter_ns() - asked_ns) // 1000)
        self._answered.set()

    def _break(self, trouble: BaseException) -> None:
        if self._trouble is None:
            self._trouble = trouble
        self._answered.set()
