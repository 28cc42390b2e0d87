"""The native loads: random bytes down, and bytes up counted into bins where they arrive.

Must not buffer a body or a load: memory per client is a few hundred kilobytes, whatever it does.
"""

import asyncio
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from aiohttp import web

from fieldsurvey.throughput.http_head import (
    CONGESTION_HEADER,
    LIMIT_BYTES_HEADER,
    LIMIT_SECONDS_HEADER,
)
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.server.limits import Limits, Slots, asked_bytes, asked_seconds

log = logging.getLogger(__name__)

REPORT_S = 0.1
WRITE_BYTES = 256 * 1024
# Shared by all; random, so that nothing on the way shrinks it.
_BLOB = memoryview(os.urandom(1024 * 1024))

LIMITS = web.AppKey("limits", Limits)
SLOTS = web.AppKey("slots", Slots)


async def download(request: web.Request) -> web.StreamResponse:
    """``GET ?seconds=S&bytes=B``: random bytes until one of both, or until the client leaves."""
    limits = request.app[LIMITS]
    seconds, total = asked_seconds(request, limits), asked_bytes(request, limits)
    with request.app[SLOTS].take(), _logged(request, "download"):
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                LIMIT_BYTES_HEADER: str(total),
                LIMIT_SECONDS_HEADER: f"{seconds:g}",
            }
        )
        congestion = congestion_control(request)
        if congestion:
            response.headers[CONGESTION_HEADER] = congestion
        response.force_close()
        await send_random(request, response, total, seconds)
        return response


async def upload(request: web.Request) -> web.StreamResponse:
    """``POST ?seconds=S``: counts the body into 50 ms bins and answers in JSON lines.

    With ``live=1`` a line comes every 100 ms and holds the bins completed since the one before;
    without, there is one line at the end: ``{"bytes", "duration_us", "bins", "final"}``.
    """
    limits = request.app[LIMITS]
    seconds, total = asked_seconds(request, limits), asked_bytes(request, limits)
    live = request.query.get("live") == "1"
    with request.app[SLOTS].take(), _logged(request, "upload"):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.force_close()
        meter = Meter(total)
        told = 0
        if live:
            await response.prepare(request)
        with suppress(ConnectionError, TimeoutError, web.PayloadAccessError):
            while not meter.full and meter.elapsed_us() < seconds * 1e6:
                ended = await _receive(request, meter, min(REPORT_S, seconds))
                if ended:
                    break
                if live:
                    told = await _tell(response, meter, told, final=False)
            if not live:
                await response.prepare(request)
            await _tell(response, meter, told, final=True)
            await response.write_eof()
        return response


@contextmanager
def _logged(request: web.Request, direction: str) -> Iterator[None]:
    """Log who was served, and for how long, when a load ends in whatever way."""
    start_s = time.monotonic()
    try:
        yield
    finally:
        log.info(
            "%s",
            json.dumps(
                {
                    "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "client": request.remote,
                    "load": direction,
                    "seconds": round(time.monotonic() - start_s, 3),
                }
            ),
        )


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


def congestion_control(request: web.Request) -> str | None:
    """Return the congestion control that this server sends with, where the system tells."""
    sock = request.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        name: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        return name.rstrip(b"\0").decode("ascii")
    return None


async def _receive(request: web.Request, meter: Meter, patience_s: float) -> bool:
    """Count what arrives within ``patience_s``; return whether the body has ended."""
    until_s = time.monotonic() + patience_s
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while time.monotonic() < until_s and not meter.full:
                data = await request.content.readany()
                if not data:
                    return True
                meter.count(len(data))
    return False


async def _tell(response: web.StreamResponse, meter: Meter, told: int, *, final: bool) -> int:
    """Write the bins since number ``told``; return the number of the next one to tell."""
    elapsed_us = meter.elapsed_us()
    counts = meter.bins(elapsed_us).byte_counts if final else meter.complete_counts(elapsed_us)
    report: dict[str, object] = {
        "bytes": meter.total_bytes,
        "duration_us": elapsed_us if final else len(counts) * meter.width_us,
        "bins": counts[told:],
    }
    if final:
        report["final"] = True
    async with asyncio.timeout(REPORT_S * 50):
        await response.write(json.dumps(report).encode("ascii") + b"\n")
    return len(counts)
