"""Loads over plain HTTP at servers that are not ours: bodies down, and bodies up.

Such a server does not tell what arrived. Must not count what was written, which has got no further
than our own buffers: an upload counts what the other end's TCP has acknowledged. A box on the way
that acknowledges in the server's place (satellite links have them) is not seen through.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import CONGESTION_HEADER, Head
from fieldsurvey.throughput.loads import UPLOAD_PIECE_BYTES
from fieldsurvey.throughput.protocols.dialect import Orders
from fieldsurvey.throughput.protocols.foreign_http import BodyReader, is_page, server_id_of
from fieldsurvey.throughput.tcp_info import Received, TcpInfo, read_received, read_tcp_info
from fieldsurvey.throughput.websocket_load import RECEIVE_BUFFER_BYTES, UNSENT_BYTES

LOOK_S = 0.010  # how often acknowledgements are read: a fifth of a bin
# TLS 1.3 turns 16,384 bytes into a record of 22 more (RFC 8446, section 5.2).
_TLS_RECORD_BYTES = 16_384
_TLS_OVERHEAD_BYTES = 22
_RANDOM_PIECE = os.urandom(UPLOAD_PIECE_BYTES)  # random, so that nothing on the way shrinks it


class ForeignLoad:
    """What the loads share: the transport, and how it ended."""

    def __init__(self, orders: Orders) -> None:
        self.trouble: BaseException | None = None
        self.at_limit = False
        self.server_id: str | None = None
        self.congestion_control: str | None = None
        self.sent_bytes = 0
        self.tcp_server: TcpInfo | None = None
        self._tcp_info: TcpInfo | None = None
        self._orders = orders
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def start(self) -> None:
        raise NotImplementedError

    def stop_sending(self) -> None:
        """Nothing is being sent."""

    def counted_until_us(self) -> int | None:
        return None

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self.tcp_info()
            self._transport.abort()

    def tcp_info(self) -> TcpInfo | None:
        """Return what this end's TCP knows, or knew last."""
        if self._transport is not None and not self._transport.is_closing():
            self._tcp_info = read_tcp_info(self._transport.get_extra_info("socket"))
        return self._tcp_info

    def received(self) -> Received | None:
        if self._transport is None or self._transport.is_closing():
            return None
        return read_received(self._transport.get_extra_info("socket"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.trouble is None and not self.at_limit and not self._closed:
            self.trouble = exc or EOFError("the server closed the connection")
        self._orders.wake()

    def _fail(self, trouble: BaseException) -> None:
        if self.trouble is None:
            self.trouble = trouble
        self.close()
        self._orders.wake()

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _count(self, nbytes: int) -> None:
        self._orders.meter.count(nbytes)
        if self._orders.meter.full:
            self._orders.wake()


class HttpDownload(ForeignLoad, asyncio.BufferedProtocol):
    """Asks for a body, counts it as it arrives, asks for the next: all on one connection."""

    def __init__(self, orders: Orders, request: Callable[[], bytes]) -> None:
        super().__init__(orders)
        self._request = request
        self._buffer = memoryview(bytearray(RECEIVE_BUFFER_BYTES))
        self._head = Head(None)
        self._body: BodyReader | None = None

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        return self

    def start(self) -> None:
        self._write(self._request())

    def get_buffer(self, sizehint: int) -> memoryview:
        meter = self._orders.meter
        return self._buffer[: max(min(meter.limit_bytes - meter.total_bytes, len(self._buffer)), 1)]

    def buffer_updated(self, nbytes: int) -> None:
        try:
            self._take(self._buffer[:nbytes])
        except LinkError as trouble:
            self._fail(trouble)

    def eof_received(self) -> None:
        if self._body is not None and self._body.until_eof:
            self.at_limit = True
            self._orders.wake()

    def _take(self, data: bytes | memoryview) -> None:
        while len(data) and not self._closed:
            if self._body is None:
                rest = self._head.feed(data)
                if rest is None:
                    return
                data = rest
                self._body = self._begin_body(self._head)
            data = self._body.feed(data)
            if self._body.ended:
                self._head, self._body = Head(None), None
                if not self._orders.meter.full:
                    self.start()

    def _begin_body(self, head: Head) -> BodyReader:
        if is_page(head):
            raise LinkError(Cause.CAPTIVE_PORTAL, "a page came where random bytes were asked for")
        body = BodyReader(head, self._count)
        if body.ended:
            raise LinkError(Cause.ENGINE, "the server sends no bytes")
        self.server_id = server_id_of(head, self._orders.server)
        self.congestion_control = head.header(CONGESTION_HEADER)
        return body


class AcknowledgedUpload(ForeignLoad, asyncio.Protocol):
    """Sends bodies of a length announced, one after the other; counts what was acknowledged."""

    def __init__(self, orders: Orders, request: Callable[[int], bytes], body_bytes: int) -> None:
        """``request(n)`` returns the head of a request with a body of ``n`` bytes."""
        super().__init__(orders)
        self._request = request
        self._body_bytes = body_bytes
        self._body_left = 0
        self._head_bytes = 0  # of all requests: acknowledged too, but no payload
        self._counted = 0
        self._looked_ns = 0
        self._acknowledged_before = 0  # by the TLS handshake
        self._exhausted = False
        self._stopped = False
        self._paused = False
        self._pump_due = False
        self._head = Head(None)
        self._body: BodyReader | None = None
        self._answer_bytes = 0
        self._look_due: asyncio.TimerHandle | None = None

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
        info = self.tcp_info()
        if info is None:
            self._fail(LinkError(Cause.ENGINE, "no TCP_INFO here to tell what was acknowledged"))
            return
        self._acknowledged_before = info.acknowledged_bytes
        self._looked_ns = time.perf_counter_ns()
        self._next_request()
        self._look()

    def stop_sending(self) -> None:
        self._stopped = True

    def close(self) -> None:
        if self._look_due is not None:
            self._look_due.cancel()
        super().close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look_due is not None:
            self._look_due.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump_soon()

    def data_received(self, data: bytes) -> None:
        try:
            self._take(data)
        except LinkError as trouble:
            self._fail(trouble)

    def _take(self, data: bytes) -> None:
        while data:
            if self._body is None:
                rest = self._head.feed(data)
                if rest is None:
                    return
                data = rest
                self._body = BodyReader(self._head, self._answered)
            data = self._body.feed(data)
            if not self._body.ended:
                return
            if self._body_left > 0 or (self._answer_bytes and is_page(self._head)):
                raise LinkError(Cause.CAPTIVE_PORTAL, "an answer came that nobody waited for")
            self.server_id = server_id_of(self._head, self._orders.server)
            self._head, self._body, self._answer_bytes = Head(None), None, 0
            self._next_request()

    def _answered(self, nbytes: int) -> None:
        self._answer_bytes += nbytes

    def _next_request(self) -> None:
        if self._stopped or self._exhausted or self._closed:
            return
        head = self._request(self._body_bytes)
        self._head_bytes += len(head)
        self._body_left = self._body_bytes
        self._write(head)
        self._pump_soon()

    def _pump_soon(self) -> None:
        """Write the next piece in its turn, so that answers are read in between."""
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_due = False
        if self._paused or self._stopped or self._closed or self.trouble or self._body_left == 0:
            return
        size = self._orders.ration.take(min(UPLOAD_PIECE_BYTES, self._body_left))
        if size == 0:
            self._exhausted = True
            return
        self._write(_RANDOM_PIECE[:size])
        self.sent_bytes += size
        self._body_left -= size
        self._pump_soon()

    def _look(self) -> None:
        """Count what was acknowledged since the last look."""
        info = self.tcp_info()
        looked_ns, self._looked_ns = self._looked_ns, time.perf_counter_ns()
        if info is None or self._closed:
            return
        wire_bytes = info.acknowledged_bytes - self._acknowledged_before
        payload = wire_bytes
        if self._orders.server.tls:
            record = _TLS_RECORD_BYTES + _TLS_OVERHEAD_BYTES
            payload = wire_bytes * _TLS_RECORD_BYTES // record
        payload = min(payload - self._head_bytes, self.sent_bytes)
        everything = self._exhausted and wire_bytes >= self._head_bytes + self.sent_bytes
        if everything and info.unsent_bytes == 0:
            payload = self.sent_bytes
        if payload > self._counted:
            # An answer comes only at a body's end: acknowledged bytes show that somebody listens.
            self.server_id = self.server_id or self._orders.server.authority
            self._orders.meter.count_since(looked_ns, payload - self._counted)
            self._counted = payload
            if self._orders.meter.full:
                self._orders.wake()
        if self._exhausted and payload == self.sent_bytes and not self.at_limit:
            self.at_limit = True
            self._orders.wake()
        self._look_due = asyncio.get_running_loop().call_later(LOOK_S, self._look)
