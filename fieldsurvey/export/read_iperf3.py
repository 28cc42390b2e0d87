"""iperf3's JSON (``-J``, several runs in one file, and ``--json-stream``): each run is a test.

What the receiver counted is the rate; a run that failed is a test with a cause. It knows no place.
Must not take UDP's rate for TCP's: it is another protocol by name.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fieldsurvey.export.delimited import LINE, OddRow
from fieldsurvey.export.foreign import EARLIEST_US, MOST_BPS, latest_us
from fieldsurvey.export.iperf3_documents import Document, runs_of
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause, Mode, Outcome, Trigger

ESTIMATOR = "iperf3-mean/1"
MOST_BYTES = 500_000_000  # of a file; a day of runs has a tenth of that
US_PER_S = 1_000_000
_MOST_WHOLE = 2**53  # that a double tells exactly: 9 PB
_LEAST_S = 1.0  # a round trip over a satellite is 0.6; in less, nothing received is no stall

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
)
_STOPPED = ("interrupt -", "has terminated")  # by somebody at one of the ends


class Iperf3:
    """A file of one run or of many."""

    name = "iperf3"
    has_zone = True
    exported = False

    def recognises(self, source: Source) -> bool:
        head = source.head_text.lstrip("\ufeff \r\n\t[")
        told = '"start"' in head and ('"intervals"' in head or '"version"' in head)
        begins = head.startswith("{") or "\n{" in head  # behind a script's own words
        return begins and (told or ('"event"' in head and '"data"' in head))

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        with source.opened_text() as (stream, _share):
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise KnownError("import.unreadable", path=source.path, reason="> 500 MB")
        rows = _Runs()
        for line, said in runs_of(content):
            rows.add(line, said)
        yield rows.taken()


class _Runs:
    """The runs of a file, each once: its cookie, random and 37 letters long, is its name."""

    def __init__(self) -> None:
        self._rows: list[dict[str, object]] = []
        self._place: dict[str, int] = {}  # among the rows, by cookie
        self._piece = Piece(share=1.0)

    def add(self, line: int, said: Document | OddRow) -> None:
        self._piece.rows += 1
        try:
            if isinstance(said, OddRow):
                self._piece.odd.append(said)
            else:
                self._take(_row(line, said, self._piece.left_out), said)
        except _OddError as error:
            content = json.dumps(said, ensure_ascii=False)[:2_000]
            self._piece.odd.append(OddRow(line, str(error), content))

    def _take(self, row: dict[str, object], run: Document) -> None:
        """A run that was told before counts once, by the record that tells more of it: both ends
        write one, ``--json-stream-full-output`` two, and a stream may lack its end."""
        cookie = _part(run, "start").get("cookie")
        at = self._place.get(cookie) if isinstance(cookie, str) else None
        if at is None:
            if isinstance(cookie, str):
                self._place[cookie] = len(self._rows)
            self._rows.append(row)
            return
        self._piece.repeated += 1
        if _rates(row) > _rates(self._rows[at]):
            self._rows[at] = row

    def taken(self) -> Piece:
        import polars as pl

        if self._rows:
            self._piece.tests = pl.DataFrame(self._rows, infer_schema_length=None)
        return self._piece


def _rates(row: Mapping[str, object]) -> int:
    return sum(row.get(f"{name}_bps") is not None for name in ("download", "upload"))


class _OddError(Exception):
    """Says by a message id why a run cannot be believed."""


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


def _whole(of: Document, name: str) -> int:
    """Return a whole number, 0 where there is none; above ``_MOST_WHOLE`` something overflowed."""
    number = _number(of, name) or 0.0
    if number > _MOST_WHOLE:
        raise _OddError("odd_run")
    return round(number)


def _row(line: int, run: Document, left_out: Counter[str]) -> dict[str, object]:
    """Return a run as a row of the tests. Raises ``_OddError``, also where nobody knows when it
    was."""
    start = _part(run, "start")
    seconds = _number(_part(start, "timestamp"), "timesecs")
    if seconds is None and run.get("error") is not None:
        raise _OddError("odd_untimed")
    if seconds is None or not EARLIEST_US <= seconds * US_PER_S <= latest_us():
        raise _OddError("odd_time")
    setting = _part(start, "test_start")
    connected = _part(start, "connecting_to")
    error = None if run.get("error") is None else str(run["error"])
    at_server = not connected and bool(start.get("accepted_connection"))
    if not setting and error is None:
        raise _OddError("odd_run")  # nobody knows which direction it was
    names = _names(run, setting)
    if at_server and "download" in names:
        # A server knows what it sent, not what of that arrived, and says 0 for that.
        del names["download"]
        if not names:
            raise _OddError("odd_server")
        left_out["left_out_sent_only"] += 1
    directions = {name: _counted(run, of, at_server=at_server) for name, of in names.items()}
    outcome, cause = _outcome(run, error, directions)
    completed = outcome is Outcome.COMPLETED
    lasted_s = max(counted.seconds for counted in directions.values())
    if (seconds + lasted_s) * US_PER_S > latest_us():
        raise _OddError("odd_time")
    started_us = round(seconds * US_PER_S)
    protocol = str(setting.get("protocol") or "TCP").upper()
    row: dict[str, object] = {
        LINE: line,
        "started_utc_us": started_us,
        "ended_utc_us": started_us + round(lasted_s * US_PER_S),
        "protocol": "iperf3" if protocol == "TCP" else f"iperf3-{protocol.lower()}",
        "mode": Mode.MEASURE.value,
        "trigger": Trigger.HAND.value,
        "server_url": _server(connected),
        "outcome": outcome.value,
        "cause": None if cause is None else cause.value,
        "detail": error,
        "duration_us": round(lasted_s * US_PER_S),
        "wire_bytes": sum(counted.bytes for counted in directions.values()),
        "mss_bytes": _whole(start, "tcp_mss") or _whole(start, "tcp_mss_default") or None,
        "congestion_control": _part(run, "end").get("sender_tcp_congestion"),
        "download_outcome": None,
        "upload_outcome": None,
    }
    connections = _whole(setting, "num_streams") or None
    row["pace_bps"] = _pace_bps(run, setting, protocol, connections or 1)
    for name, counted in directions.items():
        good = completed and counted.rate_bps is not None and counted.rate_bps >= 1
        failed = Outcome.FAILED if completed else outcome  # the other direction came through
        reason = Cause.STALLED if completed else cause
        row |= {
            f"{name}_bps": counted.rate_bps if good else None,
            f"{name}_estimator": ESTIMATOR if good else None,
            f"{name}_bytes": counted.bytes,
            f"{name}_duration_us": round(counted.seconds * US_PER_S),
            f"{name}_connections": connections,
            f"{name}_outcome": Outcome.COMPLETED.value if good else failed.value,
            f"{name}_cause": None if good or reason is None else reason.value,
        }
    return row


def _pace_bps(run: Document, setting: Document, protocol: str, connections: int) -> int | None:
    """Return the most that the sender was to send: iperf3 limits each connection. UDP always is,
    to 1 Mbit/s if nobody says else; older versions do not tell, but what they sent was the limit.
    """
    limits = [_number(of, "target_bitrate") for of in (setting, _part(run, "start"))]
    if protocol == "UDP" and all(limit is None for limit in limits):
        end = _part(run, "end")
        sent = _number(_part(end, "sum_sent") or _part(end, "sum"), "bits_per_second")
        return None if sent is None else min(round(sent), MOST_BPS)
    limits.append(_number(setting, "fqrate"))
    pace = min((limit for limit in limits if limit), default=None)
    return None if pace is None else min(round(pace * connections), MOST_BPS)


def _server(connected: Mapping[str, Any]) -> str:
    host, port = connected.get("host"), connected.get("port")
    return f"iperf3://{host}:{port}" if host else ""


class _Counted(NamedTuple):
    """What the receiver of a direction counted."""

    rate_bps: int | None
    bytes: int
    seconds: float


def _names(run: Document, setting: Document) -> dict[str, str]:
    """Return the directions, each with what the names of its sums end in."""
    if setting.get("bidir") or "sum_received_bidir_reverse" in _part(run, "end"):
        return {"upload": "", "download": "_bidir_reverse"}
    return {"download" if setting.get("reverse") else "upload": ""}


def _counted(run: Document, of: str, *, at_server: bool) -> _Counted:
    end = _part(run, "end")
    told = _part(end, f"sum_received{of}")
    lost = None
    if not told and not at_server:
        told = _part(end, f"sum{of}")
        lost = _number(told, "lost_percent")  # of UDP older versions tell what was sent
    if not told and (not end or run.get("error")):
        return _counted_so_far(run, of)
    rate, seconds = _number(told, "bits_per_second"), _number(told, "seconds")
    if rate is None:
        raise _OddError("odd_run")
    rate *= 1 - min(lost or 0.0, 100.0) / 100
    if rate > MOST_BPS:
        raise _OddError("odd_rate")
    return _Counted(round(rate), _whole(told, "bytes"), seconds or 0.0)


def _counted_so_far(run: Document, of: str) -> _Counted:
    """Return what the intervals of a run without an end hold, as far as this side received it."""
    intervals = run.get("intervals") or []
    if not isinstance(intervals, list) or not all(isinstance(one, dict) for one in intervals):
        raise _OddError("odd_run")
    sums = [_part(one, f"sum{of}") for one in intervals]
    received = [one for one in sums if not one.get("sender") and not one.get("omitted")]
    counted = sum(_whole(one, "bytes") for one in received)
    seconds = sum(_number(one, "seconds") or 0.0 for one in sums)
    return _Counted(None, counted, seconds)


def _outcome(
    run: Document, error: str | None, directions: Mapping[str, _Counted]
) -> tuple[Outcome, Cause | None]:
    """A run that somebody stopped, or whose record just ends, says nothing of the network; nor does
    one of a few kilobytes (``-n``) that was over before the other end had counted any."""
    if error is None and any(counted.rate_bps for counted in directions.values()):
        return Outcome.COMPLETED, None
    lasted_s = max(counted.seconds for counted in directions.values())
    if error is None and (not run.get("end") or lasted_s < _LEAST_S):
        return Outcome.CANCELLED, None
    words = (error or "").lower()
    if any(said in words for said in _STOPPED):
        return Outcome.CANCELLED, None
    found = next((cause for said, cause in _CAUSES if said in words), None)
    return Outcome.FAILED, found or (Cause.ENGINE if error else Cause.STALLED)
