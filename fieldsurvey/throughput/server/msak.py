"""The native loads: M-Lab's "throughput1" over WebSocket, with pacing and bins besides.

Other clients of throughput1 may use it; ours asks for more in the query (``pace``, ``bins``,
``nonce``), which others leave out.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from fieldsurvey.model.throughput import BIN_WIDTH_US, PhaseKind
from fieldsurvey.throughput.http_head import CONGESTION_HEADER, DOWNLOAD_PATH, UPLOAD_PATH
from fieldsurvey.throughput.pacing import Pacing, choose_congestion_control
from fieldsurvey.throughput.server.load import (
    LIMITS,
    SLOTS,
    address_text,
    signature,
    tcp_info_of,
)
from fieldsurvey.throughput.server.websocket_load import ServerLoad, handshake_head, serve_load
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL

DEFAULT_MS = 5000
REPORT_S = 0.25
BINS_REPORT_S = 0.1
_WIDTHS_US = (10_000, 1_000_000)
_CONGESTION_CONTROLS = ("bbr", "cubic", "reno")


async def download(request: web.Request) -> web.StreamResponse:
    return await _serve(request, PhaseKind.DOWNLOAD)


async def upload(request: web.Request) -> web.StreamResponse:
    return await _serve(request, PhaseKind.UPLOAD)


def add_routes(app: web.Application) -> None:
    app.router.add_get(DOWNLOAD_PATH, download, allow_head=False)
    app.router.add_get(UPLOAD_PATH, upload, allow_head=False)


async def _serve(request: web.Request, kind: PhaseKind) -> web.StreamResponse:
    limits = request.app[LIMITS]
    _number(request, "streams", None, 1, 64)
    seconds = _number(request, "duration", DEFAULT_MS, 1, 1_000_000) / 1000
    limit_bytes = _number(request, "bytes", limits.bytes_per_load, 1, 1 << 50)
    pace_bps = _number(request, "pace", 0, 0, 1 << 40)
    width_us = _number(request, "bins", 0, *_WIDTHS_US) if "bins" in request.query else 0
    wanted = request.query.get("cc", "")
    if wanted and wanted not in _CONGESTION_CONTROLS:
        raise web.HTTPBadRequest(text=f"cc must be one of {', '.join(_CONGESTION_CONTROLS)}\n")
    used = choose_congestion_control(request.get_extra_info("socket"), wanted)
    report = _Report(used or "unknown", width_us)
    headers = signature(request) | {CONGESTION_HEADER: report.congestion_control}
    head = handshake_head(request, MEASUREMENT_PROTOCOL, headers)
    with request.app[SLOTS].take():
        load = ServerLoad(
            kind,
            report,
            seconds=min(seconds, limits.seconds),
            limit_bytes=min(limit_bytes, limits.bytes_per_load),
            report_every_s=BINS_REPORT_S if width_us else REPORT_S,
            pacing=Pacing(pace_bps),
            bin_width_us=width_us or BIN_WIDTH_US,
        )
        return await serve_load(request, head, load)


class _Report:
    """Makes the measurement messages of one connection."""

    def __init__(self, congestion_control: str, width_us: int) -> None:
        self.congestion_control = congestion_control
        self._id = str(uuid.uuid4())
        self._width_us = width_us
        self._told_bins = 0

    def __call__(self, load: ServerLoad, last: bool) -> Mapping[str, Any] | None:
        elapsed_us = load.meter.elapsed_us()
        report: dict[str, Any] = {
            "CC": self.congestion_control,
            "UUID": self._id,
            "Application": {
                "BytesSent": load.sent_bytes,
                "BytesReceived": load.meter.total_bytes,
            },
            "ElapsedTime": elapsed_us,
        }
        with suppress(OSError):
            report["LocalAddr"] = address_text(load.socket.getsockname())
            report["RemoteAddr"] = address_text(load.socket.getpeername())
        tcp = tcp_info_of(load.socket, elapsed_us)
        if tcp:
            report["TCPInfo"] = tcp
            report["Network"] = {name: tcp[name] for name in ("BytesSent", "BytesReceived")}
        if self._width_us:
            report["FieldSurvey"] = self._bins(load, elapsed_us, last)
        return report

    def _bins(self, load: ServerLoad, elapsed_us: int, last: bool) -> Mapping[str, Any]:
        """Return the bins completed since the report before; the last one tells the cut bin too."""
        meter = load.meter
        counts = meter.bins(elapsed_us).byte_counts if last else meter.complete_counts(elapsed_us)
        first, self._told_bins = self._told_bins, len(counts)
        bins: dict[str, Any] = {
            "FirstBin": first,
            "Bins": counts[first:],
            "UntilUs": elapsed_us if last else len(counts) * meter.width_us,
        }
        if last:
            bins["Final"] = True
        return bins


def _number(request: web.Request, name: str, default: int | None, least: int, most: int) -> int:
    """Return a whole number of the query; raises 400 if it is none, or missing, or out of range."""
    text = request.query.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise web.HTTPBadRequest(text=f"{name} must be a number from {least} to {most}\n")
    return int(text)
