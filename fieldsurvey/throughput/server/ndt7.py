"""M-Lab's ndt7, so that its clients can measure against a server of ours (specification 0.11.0).

Must not change what ndt7 means: one connection, unpaced, up to 10 s.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from fieldsurvey.model.throughput import BIN_WIDTH_US, PhaseKind
from fieldsurvey.throughput.pacing import Pacing, choose_congestion_control
from fieldsurvey.throughput.server.load import (
    LIMITS,
    SLOTS,
    address_text,
    signature,
    tcp_info_of,
)
from fieldsurvey.throughput.server.websocket_load import ServerLoad, handshake_head, serve_load

SUBPROTOCOL = "net.measurementlab.ndt.v7"
RUN_S = 10.0
REPORT_S = 0.25
SMALLEST_MESSAGE_BYTES = 1 << 13
LONGEST_QUERY_BYTES = 4096
_MEGABYTE = 1_000_000
_TCP_FIELDS = (
    "BusyTime",
    "BytesAcked",
    "BytesReceived",
    "BytesSent",
    "BytesRetrans",
    "ElapsedTime",
    "MinRTT",
    "RTT",
    "RTTVar",
    "RWndLimited",
    "SndBufLimited",
)


async def download(request: web.Request) -> web.StreamResponse:
    return await _serve(request, PhaseKind.DOWNLOAD)


async def upload(request: web.Request) -> web.StreamResponse:
    return await _serve(request, PhaseKind.UPLOAD)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/ndt/v7/download", download, allow_head=False)
    app.router.add_get("/ndt/v7/upload", upload, allow_head=False)


async def _serve(request: web.Request, kind: PhaseKind) -> web.StreamResponse:
    _check_metadata(request)
    limits = request.app[LIMITS]
    if request.headers.get("Sec-WebSocket-Protocol") != SUBPROTOCOL:
        raise web.HTTPBadRequest(
            text=f"the subprotocol {SUBPROTOCOL} was expected\n", headers={"Connection": "close"}
        )
    choose_congestion_control(request.get_extra_info("socket"))
    headers = signature(request) | {"Access-Control-Allow-Origin": "*"}
    head = handshake_head(request, SUBPROTOCOL, headers)
    with request.app[SLOTS].take():
        load = ServerLoad(
            kind,
            _Report(kind),
            seconds=min(RUN_S, limits.seconds),
            limit_bytes=min(_limit_bytes(request), limits.bytes_per_load),
            report_every_s=REPORT_S,
            pacing=Pacing(),
            bin_width_us=BIN_WIDTH_US,
            smallest_message_bytes=SMALLEST_MESSAGE_BYTES,
        )
        return await serve_load(request, head, load)


def _check_metadata(request: web.Request) -> None:
    query = request.query
    if len(request.query_string) > LONGEST_QUERY_BYTES:
        raise web.HTTPBadRequest(text="the query is too long\n")
    if len(set(query)) != len(query) or not all(query.values()):
        raise web.HTTPBadRequest(text="a key of the query is there twice, or has no value\n")


def _limit_bytes(request: web.Request) -> int:
    """Return the bytes after which a client wants to stop; raises 400. M-Lab knows 250 MB only."""
    text = request.query.get("early_exit", "")
    if not text:
        return 1 << 50
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text) > 0):
        raise web.HTTPBadRequest(text="early_exit must be a number of megabytes\n")
    return int(text) * _MEGABYTE


class _Report:
    """Makes the measurement messages of one connection (section "Measurement message")."""

    def __init__(self, kind: PhaseKind) -> None:
        self._kind = kind
        self._id = str(uuid.uuid4())
        self._started = datetime.now(UTC).isoformat().replace("+00:00", "Z")

    def __call__(self, load: ServerLoad, last: bool) -> Mapping[str, Any] | None:
        elapsed_us = load.meter.elapsed_us()
        sent = self._kind is PhaseKind.DOWNLOAD
        report: dict[str, Any] = {
            "AppInfo": {
                "ElapsedTime": elapsed_us,
                "NumBytes": load.sent_bytes if sent else load.meter.total_bytes,
            },
            "Origin": "server",
            "Test": self._kind.value,
        }
        with suppress(OSError):
            report["ConnectionInfo"] = {
                "Client": address_text(load.socket.getpeername()),
                "Server": address_text(load.socket.getsockname()),
                "UUID": self._id,
                "StartTime": self._started,
            }
        tcp = tcp_info_of(load.socket, elapsed_us)
        if tcp:
            report["TCPInfo"] = {name: tcp[name] for name in _TCP_FIELDS}
        return report
