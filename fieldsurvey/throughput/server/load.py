"""What the loads of every protocol share: slots, random bytes, and who answers.

Must not buffer a body: memory per client is a few hundred kilobytes, whatever it does.
"""

import asyncio
import os
import re
import socket
import struct
from contextlib import suppress
from typing import Any

from aiohttp import web

from fieldsurvey.throughput.http_head import NONCE_HEADER, SERVER_HEADER
from fieldsurvey.throughput.server.limits import Limits, Slots
from fieldsurvey.throughput.tcp_info import read_tcp_info

WRITE_BYTES = 256 * 1024
# Shared by all; random, so that nothing on the way shrinks it.
_BLOB = memoryview(os.urandom(1024 * 1024))

LIMITS = web.AppKey("limits", Limits)
SLOTS = web.AppKey("slots", Slots)
SERVER_ID = web.AppKey("server_id", str)
_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def send_random(
    request: web.Request, response: web.StreamResponse, total: int, seconds: float
) -> None:
    """Send ``total`` random bytes; after ``seconds`` let go of a client that has not taken them."""
    try:
        async with asyncio.timeout(seconds):
            await response.prepare(request)
            left = total
            while left > 0:
                start = (total - left) % len(_BLOB)
                piece = _BLOB[start : start + min(left, WRITE_BYTES)]
                await response.write(piece)
                left -= len(piece)
            await response.write_eof()
    except (TimeoutError, ConnectionError):
        _reset(request)


def _reset(request: web.Request) -> None:
    """Break the connection in a way that nobody takes for the end of a whole answer."""
    if request.transport is None:
        return
    sock = request.transport.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def signature(request: web.Request) -> dict[str, str]:
    """Return headers that say who answers, and to which question: a portal cannot."""
    headers = {SERVER_HEADER: request.app[SERVER_ID]}
    nonce = request.query.get("nonce", "")
    if _NONCE.fullmatch(nonce):
        headers[NONCE_HEADER] = nonce
    return headers


async def swallow(request: web.Request) -> int:
    """Receive a body and return its length; raises 408 or 413 when it takes or is too much."""
    limits = request.app[LIMITS]
    received = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.content.iter_any():
                received += len(chunk)
                if received > limits.bytes_per_load:
                    raise web.HTTPRequestEntityTooLarge(limits.bytes_per_load, received)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    return received


def tcp_info_of(sock: socket.socket, elapsed_us: int) -> dict[str, int]:
    """Return what TCP knows of a connection, under the names of M-Lab's messages."""
    tcp = read_tcp_info(sock)
    if tcp is None:
        return {}
    return {
        "RTT": tcp.round_trip_us,
        "RTTVar": tcp.round_trip_variation_us,
        "MinRTT": tcp.min_round_trip_us,
        "BytesAcked": tcp.acknowledged_bytes,
        "BytesReceived": tcp.received_bytes,
        "BytesSent": tcp.sent_bytes,
        "BytesRetrans": tcp.retransmitted_bytes,
        "BusyTime": tcp.busy_us,
        "RWndLimited": tcp.receive_window_limited_us,
        "SndBufLimited": tcp.send_buffer_limited_us,
        "NotsentBytes": tcp.unsent_bytes,
        "DeliveryRate": tcp.delivery_bytes_per_s,
        "ElapsedTime": elapsed_us,
    }


def address_text(name: Any) -> str:
    """Return a socket's address as ``host:port``."""
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
