"""Answers of servers that are not ours: heads, bodies, and round trips on a kept connection.

Such a server cannot prove who it is by our nonce. Must therefore look at what a portal's page has
and a measurement's answer has not, before one byte of it is counted.
"""

import time
from collections.abc import Callable

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import SERVER_HEADER, Head, request_head
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.pinger import Pinger

_LONGEST_CHUNK_MARK_BYTES = 1024


class AnyHead(Head):
    """The head of whatever answer, as long as it is HTTP: even a refusal is a round trip."""

    def __init__(self) -> None:
        super().__init__(None)

    def _check(self, status: str) -> None:
        if not status.startswith("HTTP/1."):
            raise LinkError(Cause.CAPTIVE_PORTAL, f"the answer is not HTTP: {status[:80]!r}")


def server_id_of(head: Head, server: ServerAddress) -> str:
    """Return our server's own name, and any other's address."""
    return head.header(SERVER_HEADER) or server.authority


def is_page(head: Head) -> bool:
    """Tell whether the answer is made for people, as a portal's is."""
    return (head.header("Content-Type") or "").lower().startswith("text/html")


class BodyReader:
    """Counts a body as it arrives, and knows where it ends: by length, by chunks, or by EOF."""

    def __init__(self, head: Head, on_payload: Callable[[int], None]) -> None:
        """Raises LinkError for a length that is none."""
        self.ended = False
        self.until_eof = False
        self._on_payload = on_payload
        self._left = 0
        self._chunked = "chunked" in (head.header("Transfer-Encoding") or "").lower()
        self._mark = bytearray()
        self._skip = 0  # the line end after a chunk
        self._trailer = False
        length = head.header("Content-Length")
        if self._chunked:
            return
        if length is None:
            self.until_eof, self._left = True, 1 << 62
        elif not length.isdecimal():
            raise LinkError(Cause.CAPTIVE_PORTAL, f"an answer of {length!r} bytes")
        else:
            self._left = int(length)
            self.ended = self._left == 0

    def feed(self, data: bytes | memoryview) -> bytes:
        """Count; return what comes after the end of this body. Raises LinkError."""
        view = memoryview(data)
        while len(view) and not self.ended:
            if self._left:
                taken = min(self._left, len(view))
                self._left -= taken
                view = view[taken:]
                self._on_payload(taken)
                if self._left == 0:
                    self.ended, self._skip = not self._chunked, 2
            elif self._skip:
                taken = min(self._skip, len(view))
                self._skip -= taken
                view = view[taken:]
            else:
                view = self._take_mark(view)
        return bytes(view)

    def _take_mark(self, view: memoryview) -> memoryview:
        """Read a chunk's size line, or the lines after the last chunk."""
        before = len(self._mark)
        self._mark += view[:_LONGEST_CHUNK_MARK_BYTES]
        end = self._mark.find(b"\n")
        if end < 0:
            if len(self._mark) > _LONGEST_CHUNK_MARK_BYTES:
                raise LinkError(Cause.CUT_OFF, "a chunk without a size")
            return view[_LONGEST_CHUNK_MARK_BYTES:]
        line = bytes(self._mark[:end]).strip()
        self._mark.clear()
        if self._trailer:
            self.ended = not line
        else:
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError as error:
                raise LinkError(Cause.CUT_OFF, f"a chunk of {line[:20]!r} bytes") from error
            if self._left < 0:
                raise LinkError(Cause.CUT_OFF, "a chunk of fewer than no bytes")
            self._trailer = self._left == 0
        return view[end + 1 - before :]


class ForeignPinger(Pinger):
    """Asks a foreign server for its smallest answer; any answer at all is a round trip.

    A server may close the connection after an answer: what was asked by then counts. The time that
    the server says it took itself (Cloudflare's ``Server-Timing: cfReqDur``) is taken off.
    """

    def __init__(self, server: ServerAddress, request: str) -> None:
        super().__init__(server)
        self._request = request_head(server, request)
        self._without_body = request.startswith("HEAD ")
        self._foreign_head: Head | None = None
        self._body: BodyReader | None = None

    async def round_trip(self, timeout_us: int) -> None:
        try:
            await super().round_trip(timeout_us)
        except (EOFError, ConnectionError):
            if not self.round_trips_us:
                raise

    def ask(self) -> None:
        if self._transport is None or self._trouble is not None:
            self._answered.set()
            return
        self._asked.append(("", time.perf_counter_ns()))
        self._send(self._request)

    def _take(self, data: bytes) -> None:
        while data and self._asked:
            if self._body is None:
                if self._foreign_head is None:
                    self._foreign_head = AnyHead() if self._without_body else Head(None)
                rest = self._foreign_head.feed(data)
                if rest is None:
                    return
                data = rest
                if not self._without_body:
                    self._body = BodyReader(self._foreign_head, self._refuse_page)
            if self._body is not None:
                data = self._body.feed(data)
            if self._body is None or self._body.ended:
                self._finish()

    def _refuse_page(self, nbytes: int) -> None:
        if self._foreign_head is not None and is_page(self._foreign_head):
            raise LinkError(Cause.CAPTIVE_PORTAL, "a page came where next to nothing was asked for")

    def _finish(self) -> None:
        assert self._foreign_head is not None
        self.server_id = server_id_of(self._foreign_head, self._server)
        _, asked_ns = self._asked.popleft()
        round_trip_us = (time.perf_counter_ns() - asked_ns) // 1000
        at_server_us = _server_time_us(self._foreign_head.header("Server-Timing") or "")
        self.round_trips_us.append(max(round_trip_us - at_server_us, 1))
        self._foreign_head = self._body = None
        self._answered.set()


def _server_time_us(timing: str) -> int:
    """Read ``cfReqDur;dur=12.5`` (milliseconds) out of a Server-Timing header; 0 if it has none."""
    for entry in timing.split(","):
        name, _, parameters = entry.strip().partition(";")
        _, _, milliseconds = parameters.partition("dur=")
        if name.lower() == "cfreqdur":
            try:
                return max(round(float(milliseconds) * 1000), 0)
            except (ValueError, OverflowError):
                return 0
    return 0
