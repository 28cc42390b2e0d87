"""The server's end of a load over WebSocket: random bytes down, or bytes up that are counted.

aiohttp takes the request; the connection is then taken over, because bytes have to be counted when
they arrive and sockets have to be paced. Must not buffer: memory per connection is what the system
holds for the socket and a few hundred kilobytes, whatever the client does.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.pacing import Pacing
from fieldsurvey.throughput.websocket import (
    NORMAL_CLOSURE,
    VERSION,
    FrameError,
    FrameReader,
    Opcode,
    accept_of,
    frame,
    frame_header,
)

RECEIVE_BYTES = 256 * 1024
PIECE_BYTES = 256 * 1024
SMALLEST_MESSAGE_BYTES = 1 << 10
LARGEST_MESSAGE_BYTES = 1 << 20
CLOSE_GRACE_S = 1.0  # for the other end's Close
_PROTOCOL_ERROR = 1002
_BLOB = memoryview(os.urandom(LARGEST_MESSAGE_BYTES))  # random: nothing on the way can shrink it

Report = Callable[["ServerLoad", bool], Mapping[str, Any] | None]  # with: is it the last?


class ServerLoad(asyncio.BufferedProtocol):
    """One connection of a test, from the end of the handshake on."""

    def __init__(
        self,
        kind: PhaseKind,
        report: Report,
        *,
        seconds: float,
        limit_bytes: int,
        report_every_s: float,
        pacing: Pacing,
        bin_width_us: int,
        smallest_message_bytes: int = SMALLEST_MESSAGE_BYTES,
    ) -> None:
        self.kind = kind
        self.meter = Meter(limit_bytes, bin_width_us)  # counts what is received
        self.sent_bytes = 0  # payload handed to the socket
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._report = report
        self._seconds = seconds
        self._limit_bytes = limit_bytes
        self._report_every_s = report_every_s
        self._pacing = pacing
        self._reader = FrameReader(
            from_client=True,
            on_payload=self._received,
            on_text=lambda _: None,
            on_control=self._control,
        )
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._transport: asyncio.Transport | None = None
        self._predecessor: asyncio.BaseProtocol | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._report_timer: asyncio.TimerHandle | None = None
        self._pacing_timer: asyncio.TimerHandle | None = None
        self._scaled_bytes = smallest_message_bytes
        self._message_bytes = 0
        self._message_left = 0  # bytes of the message under way that are not yet written
        self._paused = False
        self._pump_due = False
        self._report_due = False
        self._ending = False
        self._code = NORMAL_CLOSURE

    @property
    def socket(self) -> socket.socket:
        """The connection's socket, for what TCP knows of it."""
        assert self._transport is not None
        sock: socket.socket = self._transport.get_extra_info("socket")
        return sock

    def take_over(self, transport: asyncio.Transport, head: bytes) -> None:
        """Answer the handshake and become the protocol of ``transport``."""
        self._transport = transport
        self._predecessor = transport.get_protocol()
        transport.set_protocol(self)
        transport.write(head)
        self._pacing.apply(self.socket)
        self.meter.start()
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(self._seconds, self.end))
        self._tell_regularly()
        if self.kind is PhaseKind.DOWNLOAD:
            self._pump()

    def end(self, code: int = NORMAL_CLOSURE) -> None:
        """Say the last word and close; a message under way is completed first."""
        if self._ending or self._transport is None:
            return
        self._ending = True
        self._code = code
        if self._message_left == 0:
            self._say_goodbye()
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(CLOSE_GRACE_S, self._give_up))

    def _give_up(self) -> None:
        """Let go of a client that has not closed: what it has taken, it has."""
        if self._transport is not None and self._transport.get_write_buffer_size() == 0:
            self._transport.abort()  # close() would wait for TLS's own goodbye
        else:
            self.reset()

    def reset(self) -> None:
        """Break the connection in a way that nobody takes for the end of a whole test."""
        if self._transport is not None:
            with suppress(OSError, AttributeError):
                linger = struct.pack("ii", 1, 0)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        try:
            self._reader.feed(self._buffer[:nbytes])
        except FrameError:
            self._paused_reading()
            self.end(_PROTOCOL_ERROR)

    def _paused_reading(self) -> None:
        """Nothing that such a client sends is looked at any more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """A client that has gone needs no last word."""

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (*self._timers, self._report_timer, self._pacing_timer):
            if timer is not None:
                timer.cancel()
        if not self.finished.done():
            self.finished.set_result(None)
        if self._predecessor is not None:
            self._predecessor.connection_lost(exc)
        self._predecessor = self._transport = None

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self.kind is PhaseKind.DOWNLOAD and not self._pump_due:
            self._pump_due = True  # later: a write that fails inside this call ends it twice
            asyncio.get_running_loop().call_soon(self._pump)

    def _received(self, nbytes: int) -> None:
        if self._ending:
            return
        self.meter.count(nbytes)
        if self.meter.full:
            self.end()

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING and self._message_left == 0 and not self._paused:
            self._write(frame(Opcode.PONG, payload, masked=False))
        elif opcode is Opcode.CLOSE and self._message_left:
            self.reset()  # it does not want the rest
        elif opcode is Opcode.CLOSE and self._transport is not None:
            self.end()
            self._transport.close()

    def _write(self, data: bytes | memoryview) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _tell_regularly(self) -> None:
        if self._transport is None or self._ending:
            return
        self._tell(last=False)
        loop = asyncio.get_running_loop()
        self._report_timer = loop.call_later(self._report_every_s, self._tell_regularly)

    def _tell(self, *, last: bool) -> None:
        """Write a report between two messages; one that would come inside a message waits. A
        client that reads slowly gets fewer reports, not a longer queue."""
        if self._transport is None:
            return
        self._report_due = self._message_left > 0 or (self._paused and not last)
        if self._report_due:
            return
        report = self._report(self, last)
        if report is not None:
            text = json.dumps(report, separators=(",", ":")).encode("ascii")
            self._write(frame(Opcode.TEXT, text, masked=False))

    def _pump(self) -> None:
        """Write one piece; the next one waits its turn, so that other connections get theirs."""
        self._pump_due = False
        if self._paused or self._transport is None or self._transport.is_closing():
            return
        if self._message_left == 0:
            if self._report_due:
                self._tell(last=False)
            if not self._ending:
                self._begin_message()
            if self._ending:
                return
        loop = asyncio.get_running_loop()
        delay_s = self._pacing.wait_s()
        if delay_s > 0:
            self._pump_due = True
            self._pacing_timer = loop.call_later(delay_s, self._pump)
            return
        start = self._message_bytes - self._message_left
        size = min(self._pacing.piece_bytes(PIECE_BYTES), self._message_left)
        self._message_left -= size
        self.sent_bytes += size
        self._pacing.sent(size)
        self._write(_BLOB[start : start + size])
        if self._message_left == 0 and self._ending:
            self._say_goodbye()
            return
        self._pump_due = True
        loop.call_soon(self._pump)

    def _begin_message(self) -> None:
        left = self._limit_bytes - self.sent_bytes
        if left <= 0:
            self.end()
            return
        while (
            self._scaled_bytes < LARGEST_MESSAGE_BYTES
            and self._scaled_bytes <= self.sent_bytes // 16
        ):
            self._scaled_bytes *= 2
        self._message_bytes = self._message_left = min(self._scaled_bytes, left)
        self._write(frame_header(Opcode.BINARY, self._message_bytes))

    def _say_goodbye(self) -> None:
        if self._code == NORMAL_CLOSURE:
            self._tell(last=True)
        self._write(frame(Opcode.CLOSE, self._code.to_bytes(2, "big"), masked=False))


def handshake_head(request: web.Request, subprotocol: str, headers: Mapping[str, str]) -> bytes:
    """Return the 101 answer; raises HTTPBadRequest if the request is no WebSocket's."""
    asked = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    key = request.headers.get("Sec-WebSocket-Key", "")
    if (
        request.headers.get("Upgrade", "").lower() != "websocket"
        or request.headers.get("Sec-WebSocket-Version") != VERSION
        or not 16 <= len(key) <= 64
        or not key.isascii()
    ):
        raise web.HTTPBadRequest(text="a WebSocket handshake was expected\n")
    if subprotocol not in asked:
        raise web.HTTPBadRequest(text=f"the subprotocol {subprotocol} was expected\n")
    lines = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_of(key),
        "Sec-WebSocket-Protocol": subprotocol,
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 101 Switching Protocols\r\n{text}\r\n".encode("latin-1")


async def serve_load(request: web.Request, head: bytes, load: ServerLoad) -> web.StreamResponse:
    """Run ``load`` on the request's connection until it is over."""
    transport = request.transport
    if transport is None:
        raise web.HTTPBadRequest(text="the client has gone\n")
    load.take_over(transport, head)
    try:
        await load.finished
    finally:
        load.reset()
    return web.Response()  # goes nowhere: the connection is closed
