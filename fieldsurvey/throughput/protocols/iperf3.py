"""iperf3, through its binary: for whoever runs such a server and wants its figure beside ours.

Must not let it outlast its bounds or live on after a cancellation. It has no pings, so a test of
its has no latency. An upload's rate is the server's own count and nothing else.
"""

import asyncio
import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import psutil

from fieldsurvey.model.throughput import (
    Cause,
    Estimate,
    Measurement,
    MeasurementPlan,
    Mode,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.interface import is_address
from fieldsurvey.throughput.meter import complete_counts
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.iperf3_answer import INTERVAL_S, Answer
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress, Progress

UPLOAD_ESTIMATOR = "iperf3-mean/1"
_PORT = 5201
_TICK_S = 0.05
_LAST_WORDS_S = 0.5  # after an interruption
_BLOCK_BYTES = 128 * 1024  # by which each connection may go beyond what it was told
_HEADROOM = 1.5  # an upload's sender may go so much faster than the target


class Iperf3Protocol:
    """For server URLs of ``iperf3://HOST[:PORT]``; the scheme does not matter."""

    name = "iperf3"
    spent = False

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        run = _Run(plan, progress, cancel)
        trouble: BaseException | None = None
        try:
            run.all_phases()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - all are results
            trouble = error
        return run.measurement(trouble)


class _Run:
    def __init__(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> None:
        self._plan = plan
        self._progress = progress
        self._cancel = cancel
        self._began_ns = time.perf_counter_ns()
        self._phases: list[Phase] = []
        self._wire_bytes = 0
        self._pace_bps = plan.pace_bps
        self._congestion_control: str | None = None
        self._mss_bytes: int | None = None
        self._stop_reasons: list[str] = []

    def all_phases(self) -> None:
        if self._plan.mode is Mode.PING:
            raise LinkError(Cause.ENGINE, "iperf3 has no pings")
        for kind in self._plan.phases:
            if kind in (PhaseKind.DOWNLOAD, PhaseKind.UPLOAD):
                self._load(kind)

    def measurement(self, trouble: BaseException | None) -> Measurement:
        plan = self._plan
        counted = Ending.of(trouble).measurement(
            plan, self._elapsed_us(), self._wire_bytes, tuple(self._phases)
        )
        return replace(
            counted,
            server_id=urlsplit(plan.server_url).netloc or None,
            mss_bytes=self._mss_bytes,
            congestion_control=self._congestion_control,
            stop_reason=",".join(self._stop_reasons),
            pace_bps=self._pace_bps,
        )

    def _load(self, kind: PhaseKind) -> None:
        offset_us, wire_before = self._elapsed_us(), self._wire_bytes
        phase = Phase(kind, offset_us, 0)
        trouble: BaseException | None = None
        try:
            answer, interrupted = self._ask(kind, wire_before)
            self._mss_bytes = answer.mss_bytes()
            self._congestion_control = answer.congestion_control() or self._congestion_control
            phase = self._phase(kind, offset_us, answer)
            answer.raise_error(interrupted=interrupted)
            if phase.payload_bytes == 0:
                raise LinkError(Cause.STALLED, "connected, but nothing was counted")
            self._stop_reasons.append("bytes" if self._is_full(kind, phase) else "time")
        except BaseException as error:
            trouble = error
            raise
        finally:
            ending = Ending.of(trouble)
            self._wire_bytes = max(self._wire_bytes, wire_before + phase.payload_bytes)
            self._phases.append(
                Phase(
                    kind=kind,
                    start_offset_us=offset_us,
                    duration_us=phase.duration_us or self._elapsed_us() - offset_us,
                    payload_bytes=phase.payload_bytes,
                    connections=phase.connections,
                    bins=phase.bins,
                    estimate=phase.estimate if trouble is None else None,
                    outcome=ending.outcome,
                    cause=ending.cause,
                )
            )

    def _phase(self, kind: PhaseKind, offset_us: int, answer: Answer) -> Phase:
        connections = self._plan.connections
        if kind is PhaseKind.DOWNLOAD:
            bins, duration_us = answer.received(), answer.duration_us()
            counts, width_us = complete_counts(bins, duration_us), bins.width_us
            if not counts and duration_us > 0:  # over within one interval
                counts, width_us = bins.byte_counts, duration_us
            estimate = BatchMeanEstimator(self._pace_bps).estimate(
                counts, width_us, self._plan.ramp_max_us
            )
            return Phase(
                kind, offset_us, duration_us, sum(bins.byte_counts), connections, bins, estimate
            )
        arrived = answer.arrived_at_server()
        if arrived is None or arrived[1] == 0:
            return Phase(kind, offset_us, 0)
        payload_bytes, duration_us = arrived
        rate_bps = payload_bytes * 8_000_000 // duration_us
        estimate = Estimate(UPLOAD_ESTIMATOR, rate_bps, rate_bps, rate_bps, 0, 0, 0)
        return Phase(kind, offset_us, duration_us, payload_bytes, connections, None, estimate)

    def _is_full(self, kind: PhaseKind, phase: Phase) -> bool:
        """Return whether a download ended by its bytes; an upload always ends by its time."""
        left_bytes = self._plan.max_bytes - phase.payload_bytes
        return kind is PhaseKind.DOWNLOAD and left_bytes <= self._plan.connections * _BLOCK_BYTES

    def _ask(self, kind: PhaseKind, wire_before: int) -> tuple[Answer, bool]:
        """Run the binary within its bounds; return what it said, and whether we cut it short."""
        binary = shutil.which("iperf3")
        if binary is None:
            raise LinkError(Cause.ENGINE, "iperf3 is not installed on this computer")
        plan = self._plan
        with tempfile.TemporaryFile("w+") as said:  # a pipe would fill up before the end
            process = subprocess.Popen(
                [binary, *self._arguments(kind)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
            )
            try:
                longest_us = plan.max_duration_us + plan.connect_timeout_us + plan.stall_timeout_us
                interrupted = self._watch(process, kind, wire_before, longest_us)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LAST_WORDS_S)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            return Answer(said.read()), interrupted

    def _arguments(self, kind: PhaseKind) -> list[str]:
        """Return what bounds a load. Whatever reaches a bound of iperf3's own ends with its counts.

        A download's receiver is here, so it may be interrupted at any time. An upload must end by
        itself to have the server's count: its seconds are whole and its bytes kept by its pace.
        """
        plan = self._plan
        parts = urlsplit(plan.server_url if "://" in plan.server_url else f"//{plan.server_url}")
        if not parts.hostname:
            raise LinkError(Cause.ENGINE, f"not an iperf3 server: {plan.server_url!r}")
        words = [
            "--client", parts.hostname, "--port", str(parts.port or _PORT), "--json",
            "--interval", f"{INTERVAL_S:g}", "--parallel", str(plan.connections),
            "--connect-timeout", str(max(plan.connect_timeout_us // 1000, 1)),
        ]  # fmt: skip
        pace_bps = plan.pace_bps
        stall_ms = str(max(plan.stall_timeout_us // 1000, 100))
        if kind is PhaseKind.DOWNLOAD:
            most_bytes = max(plan.max_bytes - plan.connections * _BLOCK_BYTES, _BLOCK_BYTES)
            words += ["--reverse", "--bytes", str(most_bytes), "--rcv-timeout", stall_ms]
        else:
            seconds = upload_seconds(plan)
            most_bps = plan.max_bytes * 8 // seconds
            pace_bps = min(pace_bps or most_bps, most_bps)
            words += ["--time", str(seconds), "--snd-timeout", stall_ms]
        if pace_bps:
            self._pace_bps = pace_bps
            words += ["--bitrate", str(max(pace_bps // plan.connections, 1))]
        if plan.interface:
            words += ["--bind" if is_address(plan.interface) else "--bind-dev", plan.interface]
        return words

    def _watch(
        self, process: "subprocess.Popen[bytes]", kind: PhaseKind, before: int, longest_us: int
    ) -> bool:
        """Wait for the end, telling progress; interrupt at a bound. Raises CancelledError."""
        began_ns = time.perf_counter_ns()
        moving_ns: int | None = None  # since when bytes flow: connecting is not part of the load
        counters = psutil.Process(process.pid)
        while process.poll() is None:
            if self._cancel.is_set():
                raise asyncio.CancelledError
            moved = _moved_bytes(counters, kind)
            now_ns = time.perf_counter_ns()
            if moving_ns is None and moved > _CONTROL_BYTES:
                moving_ns = now_ns
            self._wire_bytes = before + moved
            self._progress(Progress(kind, self._elapsed_us(), moved, None), self._wire_bytes)
            over = moving_ns is not None and now_ns - moving_ns >= self._plan.max_duration_us * 1000
            if (over and kind is PhaseKind.DOWNLOAD) or now_ns - began_ns > longest_us * 1000:
                process.send_signal(signal.SIGINT)
                return True
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TICK_S)
        return False

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000


_CONTROL_BYTES = 20_000  # what starting a process and greeting a server reads and writes


def upload_seconds(plan: MeasurementPlan) -> int:
    """Return whole seconds that leave a sender room above the target within the plan's bytes."""
    for_bytes = plan.max_bytes * 8 / (_HEADROOM * plan.target_bps)
    return max(math.floor(min(plan.max_duration_us / 1e6, for_bytes)), 1)


def _moved_bytes(process: psutil.Process, kind: PhaseKind) -> int:
    """Return what the process has read or written so far, where the system tells."""
    try:
        counters = process.io_counters()
        chars: int = counters.read_chars if kind is PhaseKind.DOWNLOAD else counters.write_chars
    except (psutil.Error, AttributeError, NotImplementedError):
        return 0
    return chars
