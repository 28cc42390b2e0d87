"""One connection of a load over WebSocket, at the client's end: from the upgrade to the last frame.

Must not count at the sender: what was handed to a socket has not arrived anywhere. Must not know
what the texts say: that is the protocol's above it.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from msgspec import MsgspecError

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import CONGESTION_HEADER, SERVER_HEADER
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.pacing import Pacing, choose_congestion_control
from fieldsurvey.throughput.tcp_info import Received, TcpInfo, read_received, read_tcp_info
from fieldsurvey.throughput.websocket import (
    NORMAL_CLOSURE,
    FrameError,
    FrameReader,
    Opcode,
    close_payload,
    frame,
    frame_header,
)
from fieldsurvey.throughput.websocket_upgrade import Upgrade

RECEIVE_BUFFER_BYTES = 256 * 1024
UNSENT_BYTES = 128 * 1024
_COMES_BACK = (1001, 1012, 1013)  # close codes of a server that goes away, restarts, has no room


class WebSocketLoad(asyncio.BufferedProtocol):
    """What all loads over WebSocket share. See :class:`fieldsurvey.throughput.loads.Load`."""

    def __init__(
        self,
        server: ServerAddress,
        upgrade: Upgrade,
        target: str,
        meter: Meter,
        wake: Callable[[], None],
    ) -> None:
        self.trouble: BaseException | None = None
        self.at_limit = False
        self.server_id: str | None = None
        self.congestion_control: str | None = None
        self.sent_bytes = 0
        self.tcp_server: TcpInfo | None = None
        self._tcp_info: TcpInfo | None = None  # as it was in the end
        self._upgraded = False
        self._server = server
        self._upgrade = upgrade
        self._target = target
        self._meter = meter
        self._wake = wake  # called when there is something to decide before the next tick
        self._frames = FrameReader(
            from_client=False,
            on_payload=self.payload_arrived,
            on_text=self.text_arrived,
            on_control=self._control_arrived,
        )
        self._buffer = memoryview(bytearray(RECEIVE_BUFFER_BYTES))
        self._transport: asyncio.Transport | None = None
        self._closed = False

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        return self

    def start(self) -> None:
        self._write(self._upgrade.request(self._server, self._target))

    def stop_sending(self) -> None:
        """Nothing is being sent."""

    def counted_until_us(self) -> int | None:
        return None

    def tcp_info(self) -> TcpInfo | None:
        return self._tcp_info or self._read_tcp_info()

    def close(self) -> None:
        self._closed = True
        self._tcp_info = self.tcp_info()
        if self._transport is not None:
            self._transport.abort()

    def fail(self, trouble: BaseException) -> None:
        if self.trouble is None:
            self.trouble = trouble
        self.close()
        self._wake()

    # What a protocol above makes its own.

    def upgraded(self) -> None:
        """The server has accepted; nothing of a load has come yet."""

    def payload_arrived(self, nbytes: int) -> None:
        """Bytes of binary frames came just now."""

    def text_arrived(self, text: bytes) -> None:
        """A whole text came. ValueError, TypeError and the like are the server's fault."""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._tcp_info = self.tcp_info()
        if self.trouble is None and not self.at_limit and not self._closed:
            self.trouble = exc or EOFError("the server closed the connection")
        self._wake()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = self._buffer[:nbytes]
        try:
            if self._upgraded:
                self._frames.feed(data)
                return
            rest = self._upgrade.feed(data)
            if rest is not None:
                self._upgraded = True
                named = self._upgrade.head.header(SERVER_HEADER)
                self.server_id = named or self._server.authority
                self.congestion_control = self._upgrade.head.header(CONGESTION_HEADER)
                self.upgraded()
                self._frames.feed(memoryview(rest))
        except LinkError as trouble:
            self.fail(trouble)
        except FrameError as error:
            self.fail(LinkError(Cause.ENGINE, f"the server sent {error}"))
        except (ValueError, KeyError, TypeError, RecursionError, MsgspecError) as error:
            self.fail(LinkError(Cause.ENGINE, f"the server's report cannot be read: {error}"))

    def _control_arrived(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._write(frame(Opcode.PONG, payload, masked=True))
        elif opcode is Opcode.CLOSE:
            self._closed_by_server(*close_payload(payload))

    def _closed_by_server(self, code: int | None, reason: str) -> None:
        if code in (NORMAL_CLOSURE, None):
            self.at_limit = True
            self.close()
            self._wake()
            return
        cause = Cause.SERVER_BUSY if code in _COMES_BACK else Cause.ENGINE
        self.fail(LinkError(cause, f"the server closed the load: {code} {reason}".strip()))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def received(self) -> Received | None:
        sock = self._socket()
        return None if sock is None else read_received(sock)

    def _read_tcp_info(self) -> TcpInfo | None:
        sock = self._socket()
        return None if sock is None else read_tcp_info(sock)

    def _socket(self) -> socket.socket | None:
        """Return the socket while there is one."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        return sock if sock is not None and sock.fileno() >= 0 else None


class SendingLoad(WebSocketLoad):
    """A load whose bytes go up: as fast as the socket takes them, or as it is paced.

    ``take`` rations the bytes: it is asked for a piece's size and answers how much may be sent.
    """

    def __init__(
        self,
        server: ServerAddress,
        upgrade: Upgrade,
        target: str,
        meter: Meter,
        wake: Callable[[], None],
        take: Callable[[int], int],
        blob: bytes,
        pace_bps: int = 0,
    ) -> None:
        super().__init__(server, upgrade, target, meter, wake)
        self._take = take
        self._blob = blob
        self._pacing = Pacing(pace_bps)
        self._sending = True
        self._paused = False
        self._next: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        self._pacing.apply(sock)
        # A short queue in the kernel: what is sent is then on its way, not waiting to be charged.
        with suppress(OSError, AttributeError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def upgraded(self) -> None:
        assert self._transport is not None
        sock = self._transport.get_extra_info("socket")
        self.congestion_control = choose_congestion_control(sock)
        self._pump()

    def stop_sending(self) -> None:
        self._sending = False

    def close(self) -> None:
        self._sending = False
        if self._next is not None:
            self._next.cancel()
        super().close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        """Go on in the loop's next turn: a transport that breaks within this call closes twice."""
        self._paused = False
        if self._next is None and self._upgraded:
            self._next = asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Write one piece; the next one waits its turn, so that answers are read in between."""
        self._next = None
        if self._paused or not self._sending or self._closed or self.trouble is not None:
            return
        size = self._take(self._pacing.piece_bytes(len(self._blob)))
        if size == 0:
            return
        self._write(frame_header(Opcode.BINARY, size, masked=True) + self._blob[:size])
        self.sent_bytes += size
        self._pacing.sent(size)
        self._next = asyncio.get_running_loop().call_later(self._pacing.wait_s(), self._pump)
