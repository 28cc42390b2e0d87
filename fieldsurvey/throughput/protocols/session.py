"""One test over connections of our own, whatever the dialect: a wake-up, pings, then loads.

Must not turn trouble into a number: a phase that fails keeps what was counted and has no rate.
Must not know what is said on a connection: that is the dialect's.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from fieldsurvey.model.throughput import (
    Measurement,
    MeasurementPlan,
    Mode,
    Phase,
    PhaseKind,
    SelfCheck,
)
from fieldsurvey.throughput.access_token import fetch_access_token
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.http_head import RefusalError, new_nonce
from fieldsurvey.throughput.link import Link, ServerAddress
from fieldsurvey.throughput.load_phase import LoadPhase
from fieldsurvey.throughput.ping_phases import Attempt, idle_once, wake_up_once
from fieldsurvey.throughput.protocols.dialect import Dialect
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress, Progress
from fieldsurvey.throughput.self_check import SelfCheckRecorder
from fieldsurvey.throughput.stop_rule import stop_rule_for
from fieldsurvey.throughput.warm import WarmConnections

_NEEDS_TOKEN = 401


class SessionProtocol:
    """Runs a plan in one dialect. With a ``home`` it keeps connections open for the next test."""

    spent = False

    def __init__(self, dialect: Dialect, home: Home | None = None) -> None:
        self.name = dialect.name
        self._dialect = dialect
        self._home = home

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        if self._home is not None:
            return self._home.run(self._run(plan, progress, cancel, self._home.warm))
        return asyncio.run(self._run_alone(plan, progress, cancel))

    async def _run_alone(
        self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel
    ) -> Measurement:
        warm = WarmConnections()
        try:
            return await self._run(plan, progress, cancel, warm)
        finally:
            warm.close()

    async def _run(
        self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel, warm: WarmConnections
    ) -> Measurement:
        run = _Session(plan, progress, self._dialect, warm)
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(run.all_phases())

        def call_off() -> None:
            with suppress(RuntimeError):  # the loop is closed: the test was over already
                loop.call_soon_threadsafe(task.cancel)

        cancel.on_set(call_off)
        (trouble,) = await asyncio.gather(task, return_exceptions=True)
        measurement = run.measurement(trouble)
        if run.link is not None and trouble is not None:
            run.link.drop_kept()
        elif run.link is not None and self._home is not None:
            self._home.between_tests(run.link.keep_ready(run.connections_wanted()))
        return measurement


class _Session:
    """One test as it happens."""

    def __init__(
        self,
        plan: MeasurementPlan,
        progress: OnProgress,
        dialect: Dialect,
        warm: WarmConnections,
    ) -> None:
        self.link: Link | None = None
        self._dialect = dialect
        self._plan = plan
        self._progress = progress
        self._warm = warm
        self._pace_bps = plan.pace_bps if dialect.paces else 0
        self._measurement_id = new_nonce()
        self._began_ns = time.perf_counter_ns()
        self._phases: list[Phase] = []
        self._wire_bytes = 0
        self._server_id: str | None = None
        self._congestion_control: str | None = None
        self._stop_reasons: list[str] = []
        self._recorder: SelfCheckRecorder | None = None
        self._loaded_bytes = {PhaseKind.DOWNLOAD: 0, PhaseKind.UPLOAD: 0}

    async def all_phases(self) -> None:
        """Raise what ended the test early; what was counted is kept in any case."""
        plan = self._plan
        link = self.link = Link(
            ServerAddress.parse(plan.server_url),
            plan.interface,
            plan.connect_timeout_us,
            plan.stall_timeout_us,
            ca_pem=plan.ca_pem,
            warm=self._warm,
        )
        if plan.wake_up:
            await self._wake_up(link)
        for kind in plan.phases:
            if kind is PhaseKind.IDLE_LATENCY:
                await self._idle_latency(link)
            elif kind in self._loaded_bytes and plan.mode is not Mode.PING:
                await self._load(kind, link)

    def connections_wanted(self) -> int:
        """Return how many connections a test like this one begins with."""
        if self._plan.mode is Mode.PING:
            return 1
        return 1 + min(self._plan.connections, self._dialect.most_connections or 1 << 10)

    def measurement(self, trouble: BaseException | None) -> Measurement:
        plan, link = self._plan, self.link
        counted = Ending.of(trouble).measurement(
            plan, self._elapsed_us(), self._wire_bytes, tuple(self._phases)
        )
        return replace(
            counted,
            server_id=self._server_id,
            mss_bytes=link.mss_bytes if link else None,
            congestion_control=self._congestion_control,
            stop_reason=",".join(self._stop_reasons),
            ip_version=link.ip_version if link else None,
            tls=link.server.tls if link else False,
            pace_bps=self._pace_bps,
            retry_after_s=trouble.retry_after_s if isinstance(trouble, RefusalError) else None,
            self_check=self._self_check(),
        )

    async def _wake_up(self, link: Link) -> None:
        self._tell(PhaseKind.WAKE_UP, 0, None)
        attempt = await wake_up_once(link, self._dialect.pinger(link.server), self._elapsed_us)
        self._wire_bytes += attempt.phase.payload_bytes
        self._finish(attempt)

    async def _idle_latency(self, link: Link) -> None:
        """Make the round trips; once more over a new connection if a kept one does not answer."""
        self._tell(PhaseKind.IDLE_LATENCY, 0, None)
        pinger = self._dialect.pinger(link.server)
        attempt = await idle_once(link, pinger, self._plan, self._elapsed_us)
        if isinstance(attempt.trouble, Exception) and attempt.on_kept:
            link.drop_kept()
            pinger = self._dialect.pinger(link.server)
            attempt = await idle_once(link, pinger, self._plan, self._elapsed_us)
        self._server_id = pinger.server_id or self._server_id
        self._finish(attempt)

    async def _load(self, kind: PhaseKind, link: Link) -> None:
        """Load once; again with a token if one is demanded, and on new connections if kept ones
        did not live."""
        may_fetch, may_renew = True, True
        while True:
            attempt = await self._load_once(kind, link)
            trouble = attempt.trouble
            if _demands_token(trouble) and may_fetch:
                may_fetch = False
                link.note_demand()
                self._plan = replace(self._plan, access_token="")
            elif isinstance(trouble, Exception) and attempt.on_kept and may_renew:
                may_renew = False
                link.drop_kept()
            else:
                break
        self._finish(attempt)

    def _finish(self, attempt: Attempt) -> None:
        """Keep the phase, then raise what broke it."""
        self._phases.append(attempt.phase)
        if attempt.trouble is not None:
            raise attempt.trouble

    async def _load_once(self, kind: PhaseKind, link: Link) -> Attempt:
        offset_us = self._elapsed_us()
        wire_before = self._wire_bytes
        phase = self._load_phase(kind, link)

        def tell(payload_bytes: int, rate_bps: int | None) -> None:
            self._wire_bytes = wire_before + phase.wire_bytes()
            self._tell(kind, payload_bytes, rate_bps)

        trouble: BaseException | None = None
        try:
            if link.demands_token and not self._plan.access_token:
                token = await fetch_access_token(link, self._plan.stall_timeout_us)
                self._plan = replace(self._plan, access_token=token)
                phase = self._load_phase(kind, link)
            await phase.open()
            recorder = self._watch_ourselves(link)
            offset_us = self._elapsed_us()
            recorder.start()
            rule = stop_rule_for(self._plan, kind, link.mss_bytes)
            self._stop_reasons.append(await phase.run(rule, tell, recorder.tick))
        except BaseException as error:  # noqa: BLE001 - raised again by _finish
            trouble = error
        phase.close()
        self._wire_bytes = wire_before + phase.wire_bytes()
        self._loaded_bytes[kind] += phase.link_bytes()
        self._server_id = phase.server_id or self._server_id
        self._congestion_control = phase.congestion_control or self._congestion_control
        return Attempt(phase.result(offset_us, Ending.of(trouble)), trouble, phase.failed_on_kept())

    def _load_phase(self, kind: PhaseKind, link: Link) -> LoadPhase:
        return LoadPhase(
            kind,
            self._plan,
            link,
            self._dialect,
            BatchMeanEstimator(self._pace_bps),
            self._round_trip_us(link),
            self._measurement_id,
        )

    def _watch_ourselves(self, link: Link) -> SelfCheckRecorder:
        if self._recorder is None:
            self._recorder = SelfCheckRecorder(self._plan.interface, link.peer_address or "")
        return self._recorder

    def _self_check(self) -> SelfCheck | None:
        if self._recorder is None:
            return None
        down, up = self._loaded_bytes[PhaseKind.DOWNLOAD], self._loaded_bytes[PhaseKind.UPLOAD]
        return self._recorder.finish(down, up, self._phases)

    def _round_trip_us(self, link: Link) -> int:
        """Return the best round trip known so far; 0 before any."""
        idle = [us for phase in self._phases for us in phase.round_trips_us]
        return min(idle) if idle else link.connect_us or 0

    def _tell(self, kind: PhaseKind, payload_bytes: int, rate_bps: int | None) -> None:
        progress = Progress(kind, self._elapsed_us(), payload_bytes, rate_bps)
        self._progress(progress, self._wire_bytes)

    def _elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self._began_ns) // 1000


def _demands_token(trouble: BaseException | None) -> bool:
    return isinstance(trouble, RefusalError) and trouble.status == _NEEDS_TOKEN
