"""One test over connections of our own, whatever the dialect: pings, then loads.

Must not turn trouble into a number: a phase that fails keeps what was counted and has no rate.
Must not know what is said on a connection: that is the dialect's.
"""

import asyncio
import time
from contextlib import suppress

from fieldsurvey.model.throughput import (
    Measurement,
    MeasurementPlan,
    Mode,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.link import Link, ServerAddress
from fieldsurvey.throughput.load_phase import LoadPhase
from fieldsurvey.throughput.protocols.dialect import Dialect
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress, Progress
from fieldsurvey.throughput.stop_rule import stop_rule_for


class SessionProtocol:
    """Runs a plan in one dialect."""

    spent = False

    def __init__(self, dialect: Dialect) -> None:
        self.name = dialect.name
        self._dialect = dialect

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        return asyncio.run(self._run(plan, progress, cancel))

    async def _run(
        self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel
    ) -> Measurement:
        run = _Session(plan, progress, self._dialect)
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(run.all_phases())

        def call_off() -> None:
            with suppress(RuntimeError):  # the loop is closed: the test was over already
                loop.call_soon_threadsafe(task.cancel)

        cancel.on_set(call_off)
        (trouble,) = await asyncio.gather(task, return_exceptions=True)
        return run.measurement(trouble)


class _Session:
    """One test as it happens."""

    def __init__(self, plan: MeasurementPlan, progress: OnProgress, dialect: Dialect) -> None:
        self._dialect = dialect
        self._plan = plan
        self._progress = progress
        self._began_ns = time.perf_counter_ns()
        self._phases: list[Phase] = []
        self._wire_bytes = 0
        self._server_id: str | None = None
        self._congestion_control: str | None = None
        self._stop_reasons: list[str] = []
        self._link: Link | None = None

    async def all_phases(self) -> None:
        """Raise what ended the test early; what was counted is kept in any case."""
        plan = self._plan
        server = ServerAddress.parse(plan.server_url)
        link = Link(server, plan.interface, plan.connect_timeout_us, plan.stall_timeout_us)
        self._link = link
        for kind in plan.phases:
            if kind is PhaseKind.IDLE_LATENCY:
                await self._idle_latency(link)
            elif plan.mode is not Mode.PING:
                await self._load(kind, link)

    def measurement(self, trouble: BaseException | None) -> Measurement:
        plan = self._plan
        ending = Ending.of(trouble)
        return Measurement(
            protocol=plan.protocol,
            mode=plan.mode,
            server_url=plan.server_url,
            outcome=ending.outcome,
            duration_us=self._elapsed_us(),
            wire_bytes=self._wire_bytes,
            phases=tuple(self._phases),
            cause=ending.cause,
            detail=ending.detail,
            server_id=self._server_id,
            mss_bytes=self._link.mss_bytes if self._link else None,
            congestion_control=self._congestion_control,
            stop_reason=",".join(self._stop_reasons),
        )

    async def _idle_latency(self, link: Link) -> None:
        offset_us = self._elapsed_us()
        pinger = self._dialect.pinger(link.server)
        trouble: BaseException | None = None
        try:
            await link.open(pinger)
            for _ in range(self._plan.idle_pings):
                self._tell(PhaseKind.IDLE_LATENCY, 0, None)
                await pinger.round_trip(self._plan.stall_timeout_us)
        except BaseException as error:
            trouble = error
            raise
        finally:
            pinger.close()
            ending = Ending.of(trouble)
            self._server_id = pinger.server_id or self._server_id
            self._phases.append(
                Phase(
                    kind=PhaseKind.IDLE_LATENCY,
                    start_offset_us=offset_us,
                    duration_us=self._elapsed_us() - offset_us,
                    connections=1,
                    round_trips_us=tuple(pinger.round_trips_us),
                    round_trips_lost=pinger.unanswered() if ending.cause else 0,
                    outcome=ending.outcome,
                    cause=ending.cause,
                )
            )

    async def _load(self, kind: PhaseKind, link: Link) -> None:
        offset_us = self._elapsed_us()
        wire_before = self._wire_bytes
        phase = LoadPhase(
            kind, self._plan, link, self._dialect, BatchMeanEstimator(), self._round_trip_us(link)
        )

        def tell(payload_bytes: int, rate_bps: int | None) -> None:
            self._wire_bytes = wire_before + phase.wire_bytes()
            self._tell(kind, payload_bytes, rate_bps)

        trouble: BaseException | None = None
        try:
            await phase.open()
            offset_us = self._elapsed_us()
            rule = stop_rule_for(self._plan, kind, link.mss_bytes)
            self._stop_reasons.append(await phase.run(rule, tell))
        except BaseException as error:
            trouble = error
            raise
        finally:
            phase.close()
            self._wire_bytes = wire_before + phase.wire_bytes()
            self._server_id = phase.server_id or self._server_id
            self._congestion_control = phase.congestion_control or self._congestion_control
            self._phases.append(phase.result(offset_us, Ending.of(trouble)))

    def _round_trip_us(self, link: Link) -> int:
        """Return the best round trip known so far; 0 before any."""
        idle = [us for phase in self._phases for us in phase.round_trips_us]
        return min(idle) if idle else link.connect_us or 0

    def _tell(self, kind: PhaseKind, payload_bytes: int, rate_bps: int | None) -> None:
        progress = Progress(kind, self._elapsed_us(), payload_bytes, rate_bps)
        self._progress(progress, self._wire_bytes)

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000
