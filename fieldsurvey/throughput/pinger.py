"""Round trips on one keep-alive connection of its own: idle ones, and ones under load.

Must not wait for an answer before it asks again: under load the slow answers are the ones that
matter, and a pinger that waits asks fewer questions the worse the link gets.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import PING_PATH, SERVER_HEADER, Head, new_nonce, request_head
from fieldsurvey.throughput.link import ServerAddress

LOADED_INTERVAL_S = 0.1
IDLE_INTERVAL_S = 0.02
LOST_AFTER_US = 1_000_000  # unanswered for this long when the load ends
LARGEST_BODY_BYTES = 4096


class Pinger(asyncio.Protocol):
    """Asks for tiny answers; ``round_trips_us`` holds them in the order asked.

    ``overlapping``: the server takes a question before it has answered the one before.
    """

    def __init__(self, server: ServerAddress, *, overlapping: bool = False) -> None:
        self.round_trips_us: list[int] = []
        self.server_id: str | None = None
        self.wire_bytes = 0  # questions and answers
        self.padding = ""  # makes a question longer
        self._server = server
        self._overlapping = overlapping
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
        await self._next_answer(timeout_us)

    async def round_trips(self, count: int, timeout_us: int) -> None:
        """Make ``count`` round trips, the first one alone; raises LinkError or OSError.

        The others are asked 20 ms apart where they may overlap: on a long road five that wait for
        each other take longer than a whole load needs to decide.
        """
        await self.round_trip(timeout_us)
        for _ in range(count - 1):
            if self._overlapping:
                self.ask()
                await asyncio.sleep(IDLE_INTERVAL_S)
            else:
                await self.round_trip(timeout_us)
        while self._overlapping and self._asked:
            self._answered.clear()
            await self._next_answer(timeout_us)

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
        self._send(request_head(self._server, f"GET {PING_PATH}?nonce={nonce}{self.padding}"))

    def lost(self) -> int:
        """Return how many questions have no answer and can expect none."""
        now_ns = time.perf_counter_ns()
        broken = self._trouble is not None
        return sum(broken or now_ns - asked > LOST_AFTER_US * 1000 for _, asked in self._asked)

    def unanswered(self) -> int:
        return len(self._asked)

    async def drained(self, patience_s: float) -> None:
        """Wait until every question is answered, or the connection is broken, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self.unanswered() and self._trouble is None:
                    self._answered.clear()
                    await self._answered.wait()

    def release(self) -> asyncio.Transport | None:
        """Give the connection away; None, and it is closed, unless it waits for nothing."""
        transport = self._transport
        if transport is None or self._trouble is not None or self.unanswered():
            self.close()
            return None
        self._transport = None
        return transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(exc or EOFError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.wire_bytes += len(data)
        try:
            self._take(data)
        except LinkError as trouble:
            self._break(trouble)
            self.close()

    async def _next_answer(self, timeout_us: int) -> None:
        try:
            async with asyncio.timeout(timeout_us / 1e6):
                await self._answered.wait()
        except TimeoutError as error:
            raise LinkError(Cause.STALLED, "connected, but no answer to a ping") from error
        if self._trouble is not None:
            raise self._trouble

    def _send(self, request: bytes) -> None:
        assert self._transport is not None
        self.wire_bytes += len(request)
        self._transport.write(request)

    def _take(self, data: bytes) -> None:
        while data and self._asked:
            if self._body_left == 0:
                if self._head is None:
                    self._head = Head(self._asked[0][0])
                rest = self._head.feed(data)
                if rest is None:
                    return
                data = rest
                length = self._head.number("Content-Length", LARGEST_BODY_BYTES)
                if length is None:
                    raise LinkError(Cause.CAPTIVE_PORTAL, "a ping answer without a length")
                self._body_left = length
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
