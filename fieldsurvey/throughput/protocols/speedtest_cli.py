"""speedtest-cli as one more protocol: what the well-known tool says of the same link.

Must not be mistaken for our own measurement: it counts slow start and a new connection per file,
so it reads low on long roads (94, 90 and 72 of 96.5 Mbps at 20, 50 and 120 ms), and it cannot
count an upload where it arrives. The estimator's name says whose number it is.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
from fieldsurvey.throughput.http_head import SERVER_HEADER
from fieldsurvey.throughput.interface import source_address
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress, Progress
from fieldsurvey.throughput.protocols.speedtest_library import Leash, library_client

ESTIMATOR = "speedtest-cli-mean/1"
_TICK_S = 0.05
_MARK = b"upload_extension"  # what a mini server's page holds and a portal's does not
_PENALTY_MS = 600_000.0  # the library counts a failed ping as an hour


class SpeedtestCliProtocol:
    """See the module."""

    name = "speedtest-cli"

    def __init__(self) -> None:
        self.spent = False

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        run = _Run(plan, progress, cancel)
        trouble: BaseException | None = None
        try:
            run.all_phases()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - all are results
            trouble = error
        self.spent = run.left_threads
        return run.measurement(trouble)


class _Run:
    """One test. The library works in a thread of its own, so that it can be walked away from."""

    def __init__(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> None:
        self.left_threads = False
        self._plan = plan
        self._progress = progress
        self._cancel = cancel
        self._began_ns = time.perf_counter_ns()
        self._phases: list[Phase] = []
        self._wire_bytes = 0
        self._server_id: str | None = None
        self._client: Any = None
        self._leash = Leash(plan.max_bytes, cancel)

    def all_phases(self) -> None:
        offset_us = self._elapsed_us()
        trouble: BaseException | None = None
        try:
            deadline_us = self._plan.connect_timeout_us + self._plan.stall_timeout_us
            self._watch(PhaseKind.IDLE_LATENCY, self._meet, deadline_us)
        except BaseException as error:
            trouble = error
            raise
        finally:
            if PhaseKind.IDLE_LATENCY in self._plan.phases or trouble is not None:
                self._phases.append(self._idle_phase(offset_us, trouble))
        for kind in self._plan.phases:
            if kind is not PhaseKind.IDLE_LATENCY and self._plan.mode is not Mode.PING:
                self._load(kind)

    def measurement(self, trouble: BaseException | None) -> Measurement:
        counted = Ending.of(trouble).measurement(
            self._plan, self._elapsed_us(), self._wire_bytes, tuple(self._phases)
        )
        return replace(
            counted,
            server_id=self._server_id,
            stop_reason="bytes" if self._leash.isSet() and trouble is None else "",
        )

    def _meet(self) -> None:
        """Make sure who answers, then let the library ping. Runs in the library's thread."""
        plan = self._plan
        server = ServerAddress.parse(plan.server_url)
        url = f"{'https' if server.tls else 'http'}://{server.authority}{server.path}/mini/"
        source = source_address(plan.interface) if plan.interface else None
        timeout_s = min(plan.connect_timeout_us, plan.stall_timeout_us) / 1e6
        client = library_client(
            self._leash, source, timeout_s, plan.connections, plan.max_duration_us / 1e6
        )
        import speedtest

        response, error = speedtest.catch_request(speedtest.build_request(url), client._opener)
        if error:
            raise error
        page = response.read()
        self._server_id = response.headers.get(SERVER_HEADER)
        if _MARK not in page:
            raise LinkError(Cause.CAPTIVE_PORTAL, "the page is not a measurement server's")
        client.get_best_server(client.set_mini_server(url))
        if client.results.ping >= _PENALTY_MS:
            raise self._leash.trouble or LinkError(Cause.STALLED, "no answer to a ping")
        self._client = client

    def _idle_phase(self, offset_us: int, trouble: BaseException | None) -> Phase:
        ending = Ending.of(trouble)
        ping_us = round(self._client.results.ping * 1000) if self._client else None
        return Phase(
            kind=PhaseKind.IDLE_LATENCY,
            start_offset_us=offset_us,
            duration_us=self._elapsed_us() - offset_us,
            connections=1,
            round_trips_us=(ping_us,) if ping_us else (),  # the library tells its mean only
            outcome=ending.outcome,
            cause=ending.cause,
        )

    def _load(self, kind: PhaseKind) -> None:
        leash = self._leash = Leash(self._plan.max_bytes, self._cancel)
        self._client._opener._leash = self._client._shutdown_event = leash
        offset_us, wire_before = self._elapsed_us(), self._wire_bytes
        download = kind is PhaseKind.DOWNLOAD
        trouble: BaseException | None = None
        try:
            work = self._client.download if download else self._upload
            self._watch(kind, work, self._plan.max_duration_us + self._plan.stall_timeout_us)
            self._raise_what_was_swallowed(leash, download)
        except BaseException as error:
            trouble = error
            raise
        finally:
            leash.stop()
            ending = Ending.of(trouble)
            duration_us = self._elapsed_us() - offset_us
            payload = leash.meter.total_bytes if download else leash.confirmed_bytes
            sent = leash.meter.total_bytes if download else leash.sent_bytes()
            self._wire_bytes = wire_before + sent
            self._phases.append(
                Phase(
                    kind=kind,
                    start_offset_us=offset_us,
                    duration_us=duration_us,
                    payload_bytes=payload,
                    connections=self._plan.connections,
                    bins=leash.meter.bins(duration_us) if download else None,
                    estimate=self._estimate(kind, duration_us) if trouble is None else None,
                    outcome=ending.outcome,
                    cause=ending.cause,
                )
            )

    def _upload(self) -> None:
        self._client.upload(pre_allocate=False)

    def _raise_what_was_swallowed(self, leash: Leash, download: bool) -> None:
        """The library calls a dead link a slow one; a failure with nothing after it is one."""
        nothing = (leash.meter.total_bytes if download else leash.confirmed_bytes) == 0
        if leash.trouble is not None and (nothing or leash.trouble_ns > leash.meter.last_ns):
            raise leash.trouble
        if nothing:
            raise LinkError(Cause.STALLED, "connected, but nothing was counted")

    def _estimate(self, kind: PhaseKind, duration_us: int) -> Estimate | None:
        """Return the library's own figure, ramp included, with an interval from our bins.

        An upload's true rate lies between what the server confirmed and what was handed over; the
        lower of the two is told.
        """
        if kind is PhaseKind.UPLOAD:
            low_bps = self._leash.confirmed_bytes * 8_000_000 // duration_us
            high_bps = max(self._leash.sent_bytes() * 8_000_000 // duration_us, low_bps)
            return Estimate(ESTIMATOR, low_bps, low_bps, high_bps, 0, 0, 0)
        meter = self._leash.meter
        rate_bps = round(self._client.results.download)
        interval = BatchMeanEstimator().estimate(
            meter.complete_counts(duration_us), meter.width_us, ramp_max_us=0
        )
        if interval is None:
            return Estimate(ESTIMATOR, rate_bps, rate_bps, rate_bps, 0, 0, 0)
        low_bps, high_bps = min(interval.low_bps, rate_bps), max(interval.high_bps, rate_bps)
        return Estimate(ESTIMATOR, rate_bps, low_bps, high_bps, interval.batches, 0, 0)

    def _watch(self, kind: PhaseKind, work: Callable[[], object], longest_us: int) -> None:
        """Run ``work`` in a thread and tell progress; leave it behind if it does not end."""
        errors: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                errors.append(error)

        thread = threading.Thread(target=guarded, name="speedtest-cli", daemon=True)
        began_ns = time.perf_counter_ns()
        thread.start()
        while thread.is_alive():
            thread.join(_TICK_S)
            self._tell(kind)
            elapsed_us = (time.perf_counter_ns() - began_ns) // 1000
            if self._cancel.is_set() or (thread.is_alive() and elapsed_us > longest_us):
                self.left_threads = True
                self._leash.stop()
                if self._cancel.is_set():
                    raise asyncio.CancelledError
                raise LinkError(Cause.STALLED, "speedtest-cli did not end in time")
        if errors:
            raise errors[0]

    def _tell(self, kind: PhaseKind) -> None:
        meter = self._leash.meter
        counted, rate_bps = 0, None
        if kind is PhaseKind.DOWNLOAD:
            counted, rate_bps = meter.total_bytes, meter.reading_bps(meter.elapsed_us())
        elif kind is PhaseKind.UPLOAD:
            counted = self._leash.sent_bytes()
        progress = Progress(kind, self._elapsed_us(), counted, rate_bps)
        self._progress(progress, self._wire_bytes + counted)

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000
