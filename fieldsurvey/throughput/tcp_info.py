"""What TCP itself knows of a connection, at either end (Linux's TCP_INFO).

Must not guess: where the system does not tell, there is nothing. The offsets are those of
``struct tcp_info`` in ``linux/tcp.h``, which only ever grows at its end.
"""

import socket
import statistics
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fieldsurvey.model.throughput import TcpSummary

_ASKED_BYTES = 256
_SHORTEST_BYTES = 216  # up to and with bytes_retrans: kernel 4.19
_WITH_ARRIVALS_BYTES = 228  # up to and with rcv_ooopack: kernel 5.4
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One connection so far. Times in µs, rates in bytes/s as the kernel tells them."""

    round_trip_us: int
    round_trip_variation_us: int
    min_round_trip_us: int
    acknowledged_bytes: int
    received_bytes: int
    sent_bytes: int
    retransmitted_bytes: int
    unsent_bytes: int
    delivery_bytes_per_s: int
    busy_us: int
    receive_window_limited_us: int
    send_buffer_limited_us: int


@dataclass(frozen=True, slots=True)
class Received:
    """What has come over one connection: packets with payload, and bytes that are in order."""

    segments: int  # copies of a packet as well
    in_order_bytes: int
    out_of_order_segments: int  # those that came before one that was missing
    segment_bytes: int  # payload of a full one


def read_received(sock: socket.socket) -> Received | None:
    """Return what came over ``sock``; None on systems or kernels that do not tell."""
    raw = _read(sock)
    if len(raw) < _WITH_ARRIVALS_BYTES:
        return None
    return Received(
        segments=_U32.unpack_from(raw, 152)[0],
        in_order_bytes=_U64.unpack_from(raw, 128)[0],
        out_of_order_segments=_U32.unpack_from(raw, 224)[0],
        segment_bytes=_U32.unpack_from(raw, 20)[0],
    )


def read_tcp_info(sock: socket.socket) -> TcpInfo | None:
    """Return what the kernel knows of ``sock``; None on systems or kernels that do not tell."""
    raw = _read(sock)
    if len(raw) < _SHORTEST_BYTES:
        return None

    def u32(offset: int) -> int:
        return int(_U32.unpack_from(raw, offset)[0])

    def u64(offset: int) -> int:
        return int(_U64.unpack_from(raw, offset)[0])

    return TcpInfo(
        round_trip_us=u32(68),
        round_trip_variation_us=u32(72),
        min_round_trip_us=u32(148),
        acknowledged_bytes=u64(120),
        received_bytes=u64(128),
        sent_bytes=u64(200),
        retransmitted_bytes=u64(208),
        unsent_bytes=u32(144),
        delivery_bytes_per_s=u64(160),
        busy_us=u64(168),
        receive_window_limited_us=u64(176),
        send_buffer_limited_us=u64(184),
    )


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ASKED_BYTES)
    except (OSError, AttributeError):
        return b""


def summary(infos: Iterable[TcpInfo | None]) -> TcpSummary | None:
    """Return what all connections of a phase say together; None if none of them says anything."""
    known: Sequence[TcpInfo] = [info for info in infos if info is not None]
    if not known:
        return None
    return TcpSummary(
        round_trip_us=round(statistics.median(info.round_trip_us for info in known)),
        min_round_trip_us=min(info.min_round_trip_us for info in known),
        sent_bytes=sum(info.sent_bytes for info in known),
        retransmitted_bytes=sum(info.retransmitted_bytes for info in known),
        busy_us=max(info.busy_us for info in known),
        receive_window_limited_us=max(info.receive_window_limited_us for info in known),
        send_buffer_limited_us=max(info.send_buffer_limited_us for info in known),
    )
