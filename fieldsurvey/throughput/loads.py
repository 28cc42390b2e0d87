"""The two loads: bytes that come, counted here, and bytes that go, counted by the server.

Must not count at the sender: what was handed to a socket has not arrived anywhere.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import (
    CONGESTION_HEADER,
    DOWNLOAD_PATH,
    LIMIT_BYTES_HEADER,
    LIMIT_SECONDS_HEADER,
    SERVER_HEADER,
    UPLOAD_PATH,
    Head,
    new_nonce,
    request_head,
)
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.meter import Meter

RECEIVE_BUFFER_BYTES = 256 * 1024
UPLOAD_PIECE_BYTES = 64 * 1024
UNSENT_BYTES = 128 * 1024
_LARGEST_REPORT_BYTES = 64 * 1024


class Load(Protocol):
    """One connection of a phase. ``trouble`` is set when it broke, ``at_limit`` when the server
    ended it at a limit it had announced; ``sent_bytes`` is what was handed to the socket."""

    trouble: BaseException | None
    at_limit: bool
    server_id: str | None
    congestion_control: str | None
    sent_bytes: int

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        """Return what the event loop drives."""
        ...

    def start(self) -> None: ...

    def stop_sending(self) -> None: ...

    def close(self) -> None: ...

    def counted_until_us(self) -> int | None:
        """Return up to when the receiver has told its counts; None when that is now."""
        ...


class _LoadConnection:
    """What both loads share: the transport, the head, and how it ended."""

    def __init__(
        self, server: ServerAddress, meter: Meter, seconds: float, wake: Callable[[], None]
    ) -> None:
        self.trouble: BaseException | None = None
        self.at_limit = False
        self.server_id: str | None = None
        self.congestion_control: str | None = None
        self.sent_bytes = 0
        self._server = server
        self._meter = meter
        self._seconds = seconds
        self._wake = wake  # called when there is something to decide before the next tick
        self._nonce = new_nonce()
        self._head: Head | None = Head(self._nonce)  # None once it is complete
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.trouble is None and not self.at_limit and not self._closed:
            self.trouble = exc or EOFError("the server closed the connection")
        self._wake()

    def _fail(self, trouble: BaseException) -> None:
        if self.trouble is None:
            self.trouble = trouble
        self.close()
        self._wake()

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _take_head(self, data: bytes | memoryview) -> bytes | None:
        """Feed the head; return what follows it once it is complete."""
        assert self._head is not None
        try:
            rest = self._head.feed(data)
        except LinkError as trouble:
            self._fail(trouble)
            return None
        if rest is not None:
            self.server_id = self._head.header(SERVER_HEADER)
            self._head_complete(self._head)
            self._head = None
        return rest

    def _head_complete(self, head: Head) -> None:
        raise NotImplementedError


class Download(_LoadConnection, asyncio.BufferedProtocol):
    """Receives; every receive is counted at its own time."""

    def __init__(
        self, server: ServerAddress, meter: Meter, seconds: float, wake: Callable[[], None]
    ) -> None:
        super().__init__(server, meter, seconds, wake)
        self._buffer = memoryview(bytearray(RECEIVE_BUFFER_BYTES))
        self._received = 0
        self._limit_bytes = 0
        self._limit_us = 0

    def start(self) -> None:
        # HTTP/1.0 asks for a plain body that ends with the connection: no chunk marks to count.
        query = f"seconds={self._seconds:g}&bytes={self._meter.limit_bytes}&nonce={self._nonce}"
        request = f"GET {DOWNLOAD_PATH}?{query}"
        self._write(request_head(self._server, request, http="HTTP/1.0"))

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        return self

    def stop_sending(self) -> None:
        """Nothing is being sent."""

    def counted_until_us(self) -> int | None:
        return None

    def get_buffer(self, sizehint: int) -> memoryview:
        left = self._meter.limit_bytes - self._meter.total_bytes
        return self._buffer[: max(min(left, RECEIVE_BUFFER_BYTES), 1)]

    def buffer_updated(self, nbytes: int) -> None:
        if self._head is None:
            self._count(nbytes)
            return
        rest = self._take_head(self._buffer[:nbytes])
        if rest:
            self._count(len(rest))

    def eof_received(self) -> None:
        elapsed_us = self._meter.elapsed_us()
        if self._head is None and (
            self._received >= self._limit_bytes or elapsed_us >= self._limit_us
        ):
            self.at_limit = True

    def _count(self, nbytes: int) -> None:
        self._received += nbytes
        self._meter.count(nbytes)
        if self._meter.full:
            self._wake()

    def _head_complete(self, head: Head) -> None:
        self.congestion_control = head.header(CONGESTION_HEADER)
        self._limit_bytes = int(head.header(LIMIT_BYTES_HEADER) or 1 << 62)
        self._limit_us = int(float(head.header(LIMIT_SECONDS_HEADER) or 1 << 40) * 1e6)


class Upload(_LoadConnection, asyncio.Protocol):
    """Sends; the server tells every 100 ms what it has counted into which bin."""

    def __init__(
        self,
        server: ServerAddress,
        meter: Meter,
        seconds: float,
        wake: Callable[[], None],
        ration: "Ration",
    ) -> None:
        super().__init__(server, meter, seconds, wake)
        self._ration = ration
        self._sending = True
        self._paused = False
        self._pump_due = False
        self._next_bin = 0
        self._reported_us = 0
        self._report = bytearray()

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        # A short queue in the kernel: what is sent is then on its way, not waiting to be charged.
        with suppress(OSError, AttributeError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        with suppress(OSError, AttributeError):
            name = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            self.congestion_control = name.rstrip(b"\0").decode("ascii")

    def start(self) -> None:
        query = f"seconds={self._seconds:g}&nonce={self._nonce}&live=1"
        head = request_head(
            self._server,
            f"POST {UPLOAD_PATH}?{query}",
            "Content-Type: application/octet-stream",
            "Transfer-Encoding: chunked",
        )
        self._write(head)
        self._pump()

    def stop_sending(self) -> None:
        self._sending = False

    def counted_until_us(self) -> int | None:
        return self._reported_us

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if not self._pump_due:
            self._pump()

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            after_head = self._take_head(data)
            if after_head is None:
                return
            data = after_head
        self._report += data
        if len(self._report) > _LARGEST_REPORT_BYTES:
            self._fail(LinkError(Cause.ENGINE, "the server's report does not end"))
            return
        *lines, self._report = self._report.split(b"\n")
        try:
            for line in lines:
                self._take_report(line.strip())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._fail(LinkError(Cause.ENGINE, f"the server's report cannot be read: {error}"))

    def _head_complete(self, head: Head) -> None:
        """The answer's own limits do not matter: the client asked for less."""

    def _take_report(self, line: bytearray) -> None:
        if not line.startswith(b"{"):  # the marks of the chunked encoding
            return
        report = json.loads(line)
        for count in report["bins"]:
            self._meter.add(self._next_bin, int(count))
            self._next_bin += 1
        self._reported_us = int(report["duration_us"])
        self._wake()
        if report.get("final"):
            self.at_limit = True

    def _pump(self) -> None:
        """Write one piece; the next one waits its turn, so that answers are read in between."""
        self._pump_due = False
        if self._paused or not self._sending or self._closed or self.trouble is not None:
            return
        size = self._ration.take(UPLOAD_PIECE_BYTES)
        if size == 0:
            return
        self._write(b"%x\r\n%b\r\n" % (size, _RANDOM_PIECE[:size]))
        self.sent_bytes += size
        self._pump_due = True
        asyncio.get_running_loop().call_soon(self._pump)


class Ration:
    """The bytes that all uploads of a phase may still send together."""

    def __init__(self, limit_bytes: int) -> None:
        self._left_bytes = limit_bytes

    def take(self, wanted_bytes: int) -> int:
        taken = min(wanted_bytes, self._left_bytes)
        self._left_bytes -= taken
        return taken


_RANDOM_PIECE = os.urandom(UPLOAD_PIECE_BYTES)  # random, so that nothing on the way shrinks it
