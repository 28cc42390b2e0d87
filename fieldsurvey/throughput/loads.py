"""The native loads, M-Lab's "throughput1": bytes that come, counted here, and bytes that go,
counted by the server.

Must not believe a server that counts more than was sent, or bins that do not follow each other.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Annotated, Protocol
from urllib.parse import urlencode

import msgspec

from fieldsurvey.model.throughput import BIN_WIDTH_US, Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import DOWNLOAD_PATH, UPLOAD_PATH, new_nonce
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.tcp_info import Received, TcpInfo
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL
from fieldsurvey.throughput.websocket_load import (
    RECEIVE_BUFFER_BYTES,
    UNSENT_BYTES,
    SendingLoad,
    WebSocketLoad,
)
from fieldsurvey.throughput.websocket_upgrade import Upgrade

__all__ = [
    "RECEIVE_BUFFER_BYTES",
    "UNSENT_BYTES",
    "UPLOAD_PIECE_BYTES",
    "Download",
    "Load",
    "Query",
    "Ration",
    "Upload",
]

UPLOAD_PIECE_BYTES = 64 * 1024
_RANDOM_PIECE = os.urandom(UPLOAD_PIECE_BYTES)  # random, so that nothing on the way shrinks it


class Load(Protocol):
    """One connection of a phase. ``trouble`` is set when it broke, ``at_limit`` when the server
    ended it on purpose, ``server_id`` when the server has agreed to it. ``sent_bytes`` is what was
    handed to the socket, ``tcp_server`` what the server last told of its TCP."""

    trouble: BaseException | None
    at_limit: bool
    server_id: str | None
    congestion_control: str | None
    sent_bytes: int
    tcp_server: TcpInfo | None

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

    def tcp_info(self) -> TcpInfo | None:
        """Return what this end's TCP knows, or knew when the load was closed."""
        ...

    def received(self) -> Received | None:
        """Return what the kernel has received; None where it is closed or the system is silent."""
        ...


class Ration:
    """The bytes that all uploads of a phase may still send together."""

    def __init__(self, limit_bytes: int) -> None:
        self._left_bytes = limit_bytes

    def take(self, wanted_bytes: int) -> int:
        taken = min(wanted_bytes, self._left_bytes)
        self._left_bytes -= taken
        return taken


class Query:
    """What a load asks of the server. ``pace_bps`` is this connection's share; 0 is no bound."""

    def __init__(
        self,
        measurement_id: str,
        connections: int,
        seconds: float,
        limit_bytes: int,
        pace_bps: int = 0,
        access_token: str = "",
    ) -> None:
        self.pace_bps = pace_bps
        self._asked: dict[str, str | int] = {
            "streams": connections,
            "duration": round(seconds * 1000),
            "bytes": limit_bytes,
            "mid": measurement_id,
        }
        if pace_bps:
            self._asked["pace"] = pace_bps
        if access_token:
            self._asked["access_token"] = access_token

    def target(self, path: str, nonce: str, **more: int) -> str:
        return f"{path}?{urlencode({**self._asked, 'nonce': nonce, **more})}"


class Download(WebSocketLoad):
    """Receives; every receive is counted at its own time."""

    def __init__(
        self, server: ServerAddress, meter: Meter, wake: Callable[[], None], query: Query
    ) -> None:
        nonce = new_nonce()
        upgrade = Upgrade(MEASUREMENT_PROTOCOL, nonce)
        super().__init__(server, upgrade, query.target(DOWNLOAD_PATH, nonce), meter, wake)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return no more room than the plan still has bytes."""
        left = self._meter.limit_bytes - self._meter.total_bytes
        return self._buffer[: max(min(left, RECEIVE_BUFFER_BYTES), 1)]

    def payload_arrived(self, nbytes: int) -> None:
        self._meter.count(nbytes)
        if self._meter.full:
            self._wake()

    def text_arrived(self, text: bytes) -> None:
        report = _reports.decode(text)
        self.congestion_control = report.congestion_control or self.congestion_control
        self.tcp_server = report.tcp_info() or self.tcp_server


class Upload(SendingLoad):
    """Sends; the server tells every 100 ms what it has counted into which bin."""

    def __init__(
        self,
        server: ServerAddress,
        meter: Meter,
        wake: Callable[[], None],
        query: Query,
        ration: Ration,
    ) -> None:
        nonce = new_nonce()
        super().__init__(
            server,
            Upgrade(MEASUREMENT_PROTOCOL, nonce),
            query.target(UPLOAD_PATH, nonce, bins=BIN_WIDTH_US),
            meter,
            wake,
            ration.take,
            _RANDOM_PIECE,
            query.pace_bps,
        )
        self._next_bin = 0
        self._counted_bytes = 0
        self._counted_us = 0

    def counted_until_us(self) -> int | None:
        return self._counted_us

    def payload_arrived(self, nbytes: int) -> None:
        raise LinkError(Cause.ENGINE, "the server sends a load where it should receive one")

    def text_arrived(self, text: bytes) -> None:
        report = _reports.decode(text)
        self.tcp_server = report.tcp_info() or self.tcp_server
        bins = report.bins
        if bins is None:
            return
        self._counted_bytes += sum(bins.byte_counts)
        if bins.first != self._next_bin or self._counted_bytes > self.sent_bytes:
            raise LinkError(Cause.ENGINE, "the server's counts do not fit what was sent")
        for count in bins.byte_counts:
            self._meter.add(self._next_bin, count)
            self._next_bin += 1
        self._counted_us = max(bins.until_us, self._counted_us)
        if bins.final:
            self.at_limit = True
        self._wake()


_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class _TcpInfo(msgspec.Struct, rename="pascal"):
    """As a server tells it: µs and bytes."""

    rtt: _Count | None = msgspec.field(name="RTT", default=None)
    min_rtt: _Count | None = msgspec.field(name="MinRTT", default=None)
    bytes_sent: _Count | None = None
    bytes_retrans: _Count | None = None
    busy_time: _Count | None = None
    receive_window_limited: _Count | None = msgspec.field(name="RWndLimited", default=None)
    send_buffer_limited: _Count | None = msgspec.field(name="SndBufLimited", default=None)
    rtt_variation: _Count = msgspec.field(name="RTTVar", default=0)
    bytes_acked: _Count = 0
    bytes_received: _Count = 0
    unsent: _Count = msgspec.field(name="NotsentBytes", default=0)
    delivery_rate: _Count = 0


class _Bins(msgspec.Struct):
    first: _Count = msgspec.field(name="FirstBin")
    byte_counts: list[_Count] = msgspec.field(name="Bins")
    until_us: _Count = msgspec.field(name="UntilUs")
    final: bool = msgspec.field(name="Final", default=False)


class _Report(msgspec.Struct):
    """A WireMeasurement of throughput1, and our bins. What nobody here asks for is left out."""

    congestion_control: str = msgspec.field(name="CC", default="")
    tcp: _TcpInfo | None = msgspec.field(name="TCPInfo", default=None)
    bins: _Bins | None = msgspec.field(name="FieldSurvey", default=None)

    def tcp_info(self) -> TcpInfo | None:
        """Return what a server tells in full; half of it would have to be filled with zeros."""
        tcp = self.tcp
        if (
            tcp is None
            or tcp.rtt is None
            or tcp.min_rtt is None
            or tcp.bytes_sent is None
            or tcp.bytes_retrans is None
            or tcp.busy_time is None
            or tcp.receive_window_limited is None
            or tcp.send_buffer_limited is None
        ):
            return None
        return TcpInfo(
            round_trip_us=tcp.rtt,
            round_trip_variation_us=tcp.rtt_variation,
            min_round_trip_us=tcp.min_rtt,
            acknowledged_bytes=tcp.bytes_acked,
            received_bytes=tcp.bytes_received,
            sent_bytes=tcp.bytes_sent,
            retransmitted_bytes=tcp.bytes_retrans,
            unsent_bytes=tcp.unsent,
            delivery_bytes_per_s=tcp.delivery_rate,
            busy_us=tcp.busy_time,
            receive_window_limited_us=tcp.receive_window_limited,
            send_buffer_limited_us=tcp.send_buffer_limited,
        )


_reports = msgspec.json.Decoder(_Report)
