"""Our own protocol over plain HTTP: idle pings, then loads over several connections.

Must not turn trouble into a number: a phase that fails keeps what was counted and has no rate.
"""

import asyncio
import time

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.causes import LinkError, cause_of, detail_of
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.link import Link, ServerAddress
from fieldsurvey.throughput.load_phase import LoadPhase
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress, Progress
from fieldsurvey.throughput.stop_rule import stop_rule_for


class NativeProtocol:
    """See the module."""

    name = "native"
    spent = False

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        return asyncio.run(self._run(plan, progress, cancel))

    async def _run(
        self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel
    ) -> Measurement:
        try:
            server = ServerAddress.parse(plan.server_url)
        except ValueError as error:
            trouble = LinkError(Cause.ENGINE, detail_of(error))
            return _Run(plan, progress, None).measurement(trouble, False)
        run = _Run(plan, progress, server)
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(run.all_phases())
        cancel.on_set(lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            await task
        except asyncio.CancelledError:
            return run.measurement(None, True)
        except Exception as error:  # noqa: BLE001 - every failure is a result; bugs are ENGINE
            return run.measurement(error, False)
        return run.measurement(None, False)


class _Run:
    """One test as it happens."""

    def __init__(
        self, plan: MeasurementPlan, progress: OnProgress, server: ServerAddress | None
    ) -> None:
        self._plan = plan
        self._progress = progress
        self._began_ns = time.perf_counter_ns()
        self._phases: list[Phase] = []
        self._wire_bytes = 0
        self._server_id: str | None = None
        self._congestion_control: str | None = None
        self._stop_reasons: list[str] = []
        self._link = (
            Link(server, plan.interface, plan.connect_timeout_us, plan.stall_timeout_us)
            if server is not None
            else None
        )

    async def all_phases(self) -> None:
        """Raise what ended the test early; what was counted is kept in any case."""
        for kind in self._plan.phases:
            if kind is PhaseKind.IDLE_LATENCY:
                await self._idle_latency()
            elif self._plan.mode is not Mode.PING:
                await self._load(kind)

    def measurement(self, trouble: BaseException | None, cancelled: bool) -> Measurement:
        plan = self._plan
        outcome = Outcome.COMPLETED
        if cancelled:
            outcome = Outcome.CANCELLED
        elif trouble is not None:
            outcome = Outcome.FAILED
        return Measurement(
            protocol=plan.protocol,
            mode=plan.mode,
            server_url=plan.server_url,
            outcome=outcome,
            duration_us=self._elapsed_us(),
            wire_bytes=self._wire_bytes,
            phases=tuple(self._phases),
            cause=None if trouble is None else cause_of(trouble),
            detail="" if trouble is None else detail_of(trouble),
            server_id=self._server_id,
            mss_bytes=self._link.mss_bytes if self._link else None,
            congestion_control=self._congestion_control,
            stop_reason=",".join(self._stop_reasons),
        )

    async def _idle_latency(self) -> None:
        assert self._link is not None
        offset_us = self._elapsed_us()
        pinger = Pinger(self._link.server)
        trouble: BaseException | None = None
        try:
            await self._link.open(pinger)
            for _ in range(self._plan.idle_pings):
                self._tell(PhaseKind.IDLE_LATENCY, 0, None)
                await pinger.round_trip(self._plan.stall_timeout_us)
        except BaseException as error:
            trouble = error
            raise
        finally:
            pinger.close()
            self._server_id = pinger.server_id or self._server_id
            self._phases.append(
                Phase(
                    kind=PhaseKind.IDLE_LATENCY,
                    start_offset_us=offset_us,
                    duration_us=self._elapsed_us() - offset_us,
                    connections=1,
                    round_trips_us=tuple(pinger.round_trips_us),
                    round_trips_lost=pinger.unanswered() if _cause(trouble) else 0,
                    outcome=_outcome(trouble),
                    cause=_cause(trouble),
                )
            )

    async def _load(self, kind: PhaseKind) -> None:
        assert self._link is not None
        offset_us = self._elapsed_us()
        wire_before = self._wire_bytes
        phase = LoadPhase(kind, self._plan, self._link, BatchMeanEstimator(), self._round_trip_us())

        def tell(payload_bytes: int, rate_bps: int | None) -> None:
            self._wire_bytes = wire_before + phase.wire_bytes()
            self._tell(kind, payload_bytes, rate_bps)

        trouble: BaseException | None = None
        try:
            await phase.open()
            offset_us = self._elapsed_us()
            rule = stop_rule_for(self._plan, kind, self._link.mss_bytes)
            self._stop_reasons.append(await phase.run(rule, tell))
        except BaseException as error:
            trouble = error
            raise
        finally:
            phase.close()
            self._wire_bytes = wire_before + phase.wire_bytes()
            self._server_id = phase.server_id or self._server_id
            self._congestion_control = phase.congestion_control or self._congestion_control
            self._phases.append(phase.result(offset_us, _outcome(trouble), _cause(trouble)))

    def _round_trip_us(self) -> int:
        """Return the best round trip known so far; 0 before any."""
        idle = [us for phase in self._phases for us in phase.round_trips_us]
        connect_us = self._link.connect_us if self._link else None
        return min(idle) if idle else connect_us or 0

    def _tell(self, kind: PhaseKind, payload_bytes: int, rate_bps: int | None) -> None:
        progress = Progress(kind, self._elapsed_us(), payload_bytes, rate_bps)
        self._progress(progress, self._wire_bytes)

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000


def _outcome(trouble: BaseException | None) -> Outcome:
    if trouble is None:
        return Outcome.COMPLETED
    return Outcome.CANCELLED if isinstance(trouble, asyncio.CancelledError) else Outcome.FAILED


def _cause(trouble: BaseException | None) -> Cause | None:
    if trouble is None or isinstance(trouble, asyncio.CancelledError):
        return None
    return cause_of(trouble)
