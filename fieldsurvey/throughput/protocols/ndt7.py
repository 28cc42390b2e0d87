"""ndt7, M-Lab's single-connection test over WebSocket, in this client's measure: our bins, our
estimate (specification: ndt7 protocol 0.11, m-lab/ndt-server).

An upload is what the server says it received. It says so every few hundred milliseconds at moments
of its own choosing, so what came between two of them is spread evenly over the bins between; the
sum is the server's and only the spreading is ours.
"""

import os
from typing import Annotated
from urllib.parse import urlencode

import msgspec

from fieldsurvey.model.throughput import Cause, PhaseKind
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import SERVER_HEADER
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Load
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.dialect import Orders
from fieldsurvey.throughput.protocols.foreign_http import ForeignPinger
from fieldsurvey.throughput.tcp_info import TcpInfo
from fieldsurvey.throughput.websocket_load import RECEIVE_BUFFER_BYTES, SendingLoad, WebSocketLoad
from fieldsurvey.throughput.websocket_upgrade import Upgrade

SUBPROTOCOL = "net.measurementlab.ndt.v7"
DOWNLOAD_PATH = "/ndt/v7/download"
UPLOAD_PATH = "/ndt/v7/upload"
MESSAGE_BYTES = 1 << 16  # a power of two between 1 << 10 and 1 << 24, the specification asks
EXPECTED_US = 9_500_000  # a server may end after 10 s without a word
_RANDOM_PIECE = os.urandom(MESSAGE_BYTES)


class Ndt7Dialect:
    """One connection, whatever the plan says: that is what ndt7 measures."""

    name = "ndt7"
    most_connections: int | None = 1
    paces = False

    def pinger(self, server: ServerAddress) -> Pinger:
        return ForeignPinger(server, "HEAD /")

    def load(self, orders: Orders) -> Load:
        if orders.kind is PhaseKind.DOWNLOAD:
            return _Download(orders)
        return _Upload(orders)


class _Download(WebSocketLoad):
    def __init__(self, orders: Orders) -> None:
        upgrade = Upgrade(SUBPROTOCOL, None)
        target = _target(DOWNLOAD_PATH, orders)
        super().__init__(orders.server, upgrade, target, orders.meter, orders.wake)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return no more room than the plan still has bytes."""
        left = self._meter.limit_bytes - self._meter.total_bytes
        return self._buffer[: max(min(left, RECEIVE_BUFFER_BYTES), 1)]

    def upgraded(self) -> None:
        self.server_id = self._upgrade.head.header(SERVER_HEADER) or self._server.authority

    def payload_arrived(self, nbytes: int) -> None:
        self._meter.count(nbytes)
        if self._meter.full:
            self._wake()

    def text_arrived(self, text: bytes) -> None:
        told = _measurements.decode(text)
        self.tcp_server = told.tcp_info() or self.tcp_server

    def connection_lost(self, exc: Exception | None) -> None:
        self.at_limit = self.at_limit or self._meter.elapsed_us() >= EXPECTED_US
        super().connection_lost(exc)


class _Upload(SendingLoad):
    def __init__(self, orders: Orders) -> None:
        super().__init__(
            orders.server,
            Upgrade(SUBPROTOCOL, None),
            _target(UPLOAD_PATH, orders),
            orders.meter,
            orders.wake,
            self._take_ration,
            _RANDOM_PIECE,
        )
        self._ration = orders.ration
        self._exhausted = False
        self._received_bytes = 0  # as the server told last, and when
        self._told_us = 0

    def counted_until_us(self) -> int | None:
        return self._told_us

    def upgraded(self) -> None:
        super().upgraded()
        self.server_id = self._upgrade.head.header(SERVER_HEADER) or self._server.authority

    def text_arrived(self, text: bytes) -> None:
        told = _measurements.decode(text)
        self.tcp_server = told.tcp_info() or self.tcp_server
        received, at_us = told.received(tls=self._server.tls)
        if at_us <= self._told_us:
            return
        received = max(min(received, self.sent_bytes), self._received_bytes)
        stands_still = received == self._received_bytes
        self._spread(received - self._received_bytes, at_us)
        self._received_bytes, self._told_us = received, at_us
        if self._exhausted and stands_still and received >= self.sent_bytes * _ALL_BUT_ROUNDING:
            self.at_limit = True
        self._wake()

    def payload_arrived(self, nbytes: int) -> None:
        raise LinkError(Cause.ENGINE, "the server sends a load where it should receive one")

    def connection_lost(self, exc: Exception | None) -> None:
        self.at_limit = self.at_limit or self._meter.elapsed_us() >= EXPECTED_US
        super().connection_lost(exc)

    def _take_ration(self, wanted_bytes: int) -> int:
        taken = self._ration.take(wanted_bytes)
        self._exhausted = taken == 0
        return taken

    def _spread(self, nbytes: int, until_us: int) -> None:
        """Share ``nbytes`` among the bins since the report before, each by its share of time."""
        width_us, span_us = self._meter.width_us, until_us - self._told_us
        if span_us > _LONGEST_SILENCE_US:
            raise LinkError(Cause.ENGINE, "the server's clock does not fit ours")
        shared, at_us = 0, self._told_us
        while at_us < until_us:
            index = at_us // width_us
            at_us = min((index + 1) * width_us, until_us)
            due = nbytes * (at_us - self._told_us) // span_us
            self._meter.add(index, due - shared)
            shared = due


_LONGEST_SILENCE_US = 60_000_000
# TCP's own count has frames and TLS in it, which are taken off as a share and thus rounded.
_ALL_BUT_ROUNDING = 0.99
# TLS 1.3 turns 16,384 bytes into a record of 22 more (RFC 8446, section 5.2); a masked frame of
# 64 KiB has a header of 14.
_TLS_SHARE = 16_384 / 16_406
_FRAME_SHARE = MESSAGE_BYTES / (MESSAGE_BYTES + 14)


def _target(path: str, orders: Orders) -> str:
    """Name ourselves, as the specification asks, and show the token that Locate gave."""
    metadata = {"client_name": "fieldsurvey", "client_library_name": "fieldsurvey-ndt7"}
    if orders.plan.access_token:
        metadata["access_token"] = orders.plan.access_token
    return f"{path}?{urlencode(metadata)}"


_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class _AppInfo(msgspec.Struct, rename="pascal"):
    elapsed_time: _Count
    num_bytes: _Count


class _TcpInfo(msgspec.Struct):
    """All optional by the specification; µs and bytes."""

    elapsed_us: _Count = msgspec.field(name="ElapsedTime", default=0)
    rtt: _Count = msgspec.field(name="RTT", default=0)
    rtt_variation: _Count = msgspec.field(name="RTTVar", default=0)
    min_rtt: _Count = msgspec.field(name="MinRTT", default=0)
    acknowledged: _Count = msgspec.field(name="BytesAcked", default=0)
    received: _Count = msgspec.field(name="BytesReceived", default=0)
    sent: _Count = msgspec.field(name="BytesSent", default=0)
    retransmitted: _Count = msgspec.field(name="BytesRetrans", default=0)
    busy: _Count = msgspec.field(name="BusyTime", default=0)
    window_limited: _Count = msgspec.field(name="RWndLimited", default=0)
    buffer_limited: _Count = msgspec.field(name="SndBufLimited", default=0)


class _Measurement(msgspec.Struct):
    app: _AppInfo | None = msgspec.field(name="AppInfo", default=None)
    tcp: _TcpInfo | None = msgspec.field(name="TCPInfo", default=None)

    def received(self, *, tls: bool) -> tuple[int, int]:
        """Return payload the server has received, and when (µs); by TCP where it is all it tells.

        The reference server counts an upload by TCP only.
        """
        if self.app is not None:
            return self.app.num_bytes, self.app.elapsed_time
        if self.tcp is None:
            return 0, 0
        share = _FRAME_SHARE * (_TLS_SHARE if tls else 1)
        return int(self.tcp.received * share), self.tcp.elapsed_us

    def tcp_info(self) -> TcpInfo | None:
        tcp = self.tcp
        if tcp is None:
            return None
        return TcpInfo(
            round_trip_us=tcp.rtt,
            round_trip_variation_us=tcp.rtt_variation,
            min_round_trip_us=tcp.min_rtt,
            acknowledged_bytes=tcp.acknowledged,
            received_bytes=tcp.received,
            sent_bytes=tcp.sent,
            retransmitted_bytes=tcp.retransmitted,
            unsent_bytes=0,
            delivery_bytes_per_s=0,
            busy_us=tcp.busy,
            receive_window_limited_us=tcp.window_limited,
            send_buffer_limited_us=tcp.buffer_limited,
        )


_measurements = msgspec.json.Decoder(_Measurement)
