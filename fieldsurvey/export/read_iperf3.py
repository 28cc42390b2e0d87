"""iperf3's JSON (``-J``, several runs in one file, and ``--json-stream``): each run is a test.

What the receiver counted is the rate; a run that failed is a test with a cause. It knows no place.
Must not take UDP's rate for TCP's: it is another protocol by name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from fieldsurvey.export.delimited import LINE, OddRow
from fieldsurvey.export.foreign import MOST_BPS
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause, Mode, Outcome, Trigger

ESTIMATOR = "iperf3-mean/1"
MOST_BYTES = 500_000_000  # of a file; a day of runs has a tenth of that
US_PER_S = 1_000_000

# In the order of asking; iperf3 has words for people only (iperf_error.c).
_CAUSES = (
    ("server is busy", Cause.SERVER_BUSY),
    ("refused", Cause.REFUSED),
    ("timed out", Cause.TIMED_OUT),
    ("timeout", Cause.TIMED_OUT),
    ("unreachable", Cause.NO_ROUTE),
    ("no route", Cause.NO_ROUTE),
    ("name or service not known", Cause.DNS),
    ("name resolution", Cause.DNS),
    ("resolve", Cause.DNS),
    ("reset", Cause.CUT_OFF),
    ("broken pipe", Cause.CUT_OFF),
    ("closed", Cause.CUT_OFF),
    ("terminated", Cause.CUT_OFF),
)

Document = Mapping[str, Any]


class Iperf3:
    """A file of one run or of many."""

    name = "iperf3"
    has_zone = True
    exported = False

    def recognises(self, source: Source) -> bool:
        head = source.head_text.lstrip("\ufeff \r\n\t[")
        told = '"start"' in head and ('"intervals"' in head or '"version"' in head)
        return head.startswith("{") and (told or ('"event"' in head and '"data"' in head))

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        import polars as pl

        with source.opened_text() as (stream, _share):
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise KnownError("import.unreadable", path=source.path, reason="> 500 MB")
        rows, odd = [], []
        for line, said in _runs(content):
            found = said if isinstance(said, OddRow) else _read(line, said)
            if isinstance(found, OddRow):
                odd.append(found)
            else:
                rows.append(found)
        tests = pl.DataFrame(rows, infer_schema_length=None) if rows else None
        yield Piece(tests=tests, odd=odd, rows=len(rows) + len(odd), share=1.0)


def _runs(content: str) -> Iterator[tuple[int, Document | OddRow]]:
    """Yield each document with its line; those of a stream are put together first."""
    decoder = json.JSONDecoder()
    run: dict[str, Any] = {}
    run_line = at = 0
    while True:
        while at < len(content) and content[at] in "\ufeff \r\n\t,[]":
            at += 1
        if at >= len(content):
            break
        line = content.count("\n", 0, at) + 1
        try:
            said, at = decoder.raw_decode(content, at)
        except ValueError:
            after = content.find("\n{", at + 1)
            end = len(content) if after < 0 else after
            yield line, OddRow(line, "odd_json", content[at:end][:2_000])
            at = end
            continue
        if not isinstance(said, dict):
            yield line, OddRow(line, "odd_json", str(said)[:2_000])
        elif "event" in said:
            kind, data = said.get("event"), said.get("data")
            if kind == "start" or not run:
                if run:
                    yield run_line, run
                run, run_line = {"start": {}, "intervals": []}, line
            if kind == "interval":
                run["intervals"].append(data)
            else:
                run[str(kind)] = data
        else:
            yield line, said
    if run:
        yield run_line, run


class _OddError(Exception):
    """Says by a message id why a run cannot be believed."""


def _read(line: int, run: Document) -> dict[str, object] | OddRow:
    try:
        return _row(line, run)
    except _OddError as error:
        return OddRow(line, str(error), json.dumps(run, ensure_ascii=False)[:2_000])


def _part(of: Document, name: str) -> Document:
    """Return a part of a document; empty where there is none."""
    part = of.get(name)
    if not isinstance(part, dict | None):
        raise _OddError("odd_run")
    return part or {}


def _number(of: Document, name: str) -> float | None:
    """Return a number as iperf3 writes them: none is below 0, without an end, or a text."""
    number = of.get(name)
    if number is None:
        return None
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    if not plain or not 0 <= number <= sys.float_info.max:
        raise _OddError("odd_run")
    return float(number)


def _row(line: int, run: Document) -> dict[str, object]:
    """Return a run as a row of the tests. Raises ``_OddError``, also where nobody knows when it
    was."""
    start = _part(run, "start")
    seconds = _number(_part(start, "timestamp"), "timesecs")
    if not seconds:
        raise _OddError("odd_time")
    setting = _part(start, "test_start")
    end = _part(run, "end")
    error = run.get("error")
    protocol = str(setting.get("protocol") or "TCP").upper()
    connections = round(_number(setting, "num_streams") or 0) or None
    directions = _directions(setting, end)
    completed = error is None and any(rate for rate, _bytes, _s in directions.values())
    cause = None if completed else _cause(str(error or ""))
    connected = _part(start, "connecting_to")
    lasted_s = max((s for _rate, _bytes, s in directions.values()), default=0.0)
    started_us = round(seconds * US_PER_S)
    row: dict[str, object] = {
        LINE: line,
        "started_utc_us": started_us,
        "ended_utc_us": started_us + round(lasted_s * US_PER_S),
        "protocol": "iperf3" if protocol == "TCP" else f"iperf3-{protocol.lower()}",
        "mode": Mode.MEASURE.value,
        "trigger": Trigger.HAND.value,
        "server_url": _server(connected),
        "outcome": Outcome.COMPLETED.value if completed else Outcome.FAILED.value,
        "cause": cause,
        "detail": None if error is None else str(error),
        "duration_us": round(lasted_s * US_PER_S),
        "wire_bytes": sum(counted for _rate, counted, _s in directions.values()),
        "mss_bytes": round(_number(start, "tcp_mss") or _number(start, "tcp_mss_default") or 0)
        or None,
        "congestion_control": end.get("sender_tcp_congestion"),
        "download_outcome": None,
        "upload_outcome": None,
    }
    for name, (rate_bps, counted, phase_s) in directions.items():
        good = completed and rate_bps is not None and rate_bps >= 1
        row |= {
            f"{name}_bps": rate_bps if good else None,
            f"{name}_estimator": ESTIMATOR if good else None,
            f"{name}_bytes": counted,
            f"{name}_duration_us": round(phase_s * US_PER_S),
            f"{name}_connections": connections,
            f"{name}_outcome": Outcome.COMPLETED.value if good else Outcome.FAILED.value,
            f"{name}_cause": None if good else cause or Cause.STALLED.value,
        }
    return row


def _server(connected: Mapping[str, Any]) -> str:
    host, port = connected.get("host"), connected.get("port")
    return f"iperf3://{host}:{port}" if host else ""


def _directions(setting: Document, end: Document) -> dict[str, tuple[int | None, int, float]]:
    """Return rate, bytes and seconds of each direction, as its receiver counted them."""
    backwards = bool(setting.get("reverse"))
    names = {"download" if backwards else "upload": ("sum_received", "sum")}
    if setting.get("bidir") or "sum_received_bidir_reverse" in end:
        names = {
            "upload": ("sum_received", "sum"),
            "download": ("sum_received_bidir_reverse", "sum_bidir_reverse"),
        }
    found = {}
    for name, sums in names.items():
        told: Document = next((_part(end, key) for key in sums if end.get(key)), {})
        rate = _number(told, "bits_per_second")
        lost = _number(told, "lost_percent") if "sum_received" not in end else None
        if rate is not None and lost is not None:
            rate *= 1 - lost / 100  # of UDP older versions tell what was sent
        if rate is not None and rate > MOST_BPS:
            raise _OddError("odd_rate")
        counted, phase_s = _number(told, "bytes") or 0.0, _number(told, "seconds") or 0.0
        found[name] = (None if rate is None else round(rate), round(counted), phase_s)
    return found


def _cause(error: str) -> str:
    words = error.lower()
    found = next((cause for said, cause in _CAUSES if said in words), None)
    if found is None:
        found = Cause.ENGINE if error else Cause.STALLED
    return found.value
