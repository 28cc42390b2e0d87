"""Makes one throughput test and ties it to its stretch of road."""

import uuid
from collections.abc import Callable

from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.drive.snapshot import RunningTest
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import MeasurementPlan, PhaseKind, ThroughputTest, Trigger
from fieldsurvey.model.verdict import Target
from fieldsurvey.throughput.engine import MeasuringProcess, Progress
from fieldsurvey.throughput.judge import judge

FRESH_FIX_US = 5_000_000  # an older fix does not say where a test began or ended


def measurement_plan(plan: SurveyPlan, target: Target) -> MeasurementPlan:
    """Translate what the campaign asks into what the measuring process does once."""
    phases = [PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD]
    if plan.upload:
        phases.append(PhaseKind.UPLOAD)
    return MeasurementPlan(
        server_url=plan.server_url,
        protocol=plan.protocol,
        mode=plan.mode,
        target_bps=target.rate_bps,
        phases=tuple(phases),
        connections=plan.connections,
        max_duration_us=int(plan.max_test_s * 1_000_000),
        max_bytes=plan.max_test_bytes,
    )


class Tester:
    """Owns the measuring process of a drive. One test at a time."""

    def __init__(
        self,
        plan: SurveyPlan,
        target: Target,
        clock: Clock,
        receiver: Receiver,
        place_of: Callable[[Fix], Place],
        on_traffic: Callable[[], None],
    ) -> None:
        self.running: RunningTest | None = None
        self.plan = measurement_plan(plan, target)
        self._target = target
        self._clock = clock
        self._receiver = receiver
        self._place_of = place_of
        self._on_traffic = on_traffic
        self._process = MeasuringProcess()
        self._payload_bytes = 0

    async def test(self, trigger: Trigger) -> ThroughputTest:
        """Measure now. A failure of the network or of the measuring process is in the result."""
        start_fix = self._fresh_fix()
        started_utc_us, started_mono_us = self._clock.utc_us(), self._clock.mono_us()
        self.running = RunningTest(self.plan.phases[0], 0, 0, None)
        self._payload_bytes = 0
        try:
            measurement = await self._process.run(self.plan, self._progress)
        finally:
            self.running = None
        end_fix = self._fresh_fix()
        return ThroughputTest(
            test_id=str(uuid.uuid4()),
            trigger=trigger,
            started_utc_us=started_utc_us,
            started_mono_us=started_mono_us,
            ended_utc_us=self._clock.utc_us(),
            ended_mono_us=self._clock.mono_us(),
            measurement=measurement,
            start_fix=start_fix,
            end_fix=end_fix,
            start_place=self._place_of(start_fix) if start_fix else None,
            end_place=self._place_of(end_fix) if end_fix else None,
            judgement=judge(measurement, self._target),
        )

    def cancel(self) -> None:
        """End the running test at once; what was counted is kept."""
        self._process.cancel()

    async def close(self) -> None:
        """Leave no process behind."""
        await self._process.close()

    def _progress(self, progress: Progress) -> None:
        self.running = RunningTest(
            progress.phase, progress.elapsed_us, progress.payload_bytes, progress.rate_bps
        )
        if progress.payload_bytes not in (0, self._payload_bytes):  # each phase counts anew
            self._payload_bytes = progress.payload_bytes
            self._on_traffic()

    def _fresh_fix(self) -> Fix | None:
        fix = self._receiver.newest
        if fix is None or fix.age_us(self._clock.mono_us()) > FRESH_FIX_US:
            return None
        return fix
