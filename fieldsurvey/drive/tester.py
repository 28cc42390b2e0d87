"""Makes throughput tests over one link and ties them to their stretch of road."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from fieldsurvey.drive.modem import Modem
from fieldsurvey.drive.planning import measurement_plan, target_of
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.drive.snapshot import RunningTest
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import PlannedLink, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Target
from fieldsurvey.throughput.engine import MeasuringProcess, Progress
from fieldsurvey.throughput.judge import judge
from fieldsurvey.throughput.protocols.ending import Ending

FRESH_FIX_US = 5_000_000  # an older fix does not say where a test began or ended


@dataclass(frozen=True, slots=True)
class Begun:
    """Where and when a test began, by the drive's clocks."""

    utc_us: int
    mono_us: int
    fix: Fix | None


class Tester:
    """Owns the measuring process of one link. One test at a time.

    ``on_traffic`` is called when bytes of a test have arrived.
    """

    def __init__(
        self,
        plan: SurveyPlan,
        link: PlannedLink,
        target: Target,
        clock: Clock,
        receiver: Receiver,
        place_of: Callable[[Fix], Place],
        on_traffic: Callable[[], None],
    ) -> None:
        self.link = link
        self.modem = Modem(link)
        self.running: RunningTest | None = None
        self._plan = plan
        self._target = target
        self._clock = clock
        self._receiver = receiver
        self._place_of = place_of
        self._on_traffic = on_traffic
        self._process = MeasuringProcess()
        self._payload_bytes = 0

    def order(self, mode: Mode, server_url: str | None = None) -> MeasurementPlan:
        """Return what a test of ``mode`` would do; ``server_url`` None is the plan's."""
        return measurement_plan(self._plan, self.link, self._target, mode, server_url)

    async def test(
        self, trigger: Trigger, order: MeasurementPlan, confirms: str | None = None
    ) -> ThroughputTest:
        """Measure now. A failure of the network or of the measuring process is in the result."""
        now = self._now()
        await self._receiver.catch_up(now[1])
        begun = self._begun(now)
        self.running = RunningTest(order.phases[0], 0, 0, None, self.link.name)
        self._payload_bytes = 0
        try:
            measurement = await self._process.run(order, self._progress)
        finally:
            self.running = None
        ended = self._now()
        await self._receiver.catch_up(ended[1])
        return self._made(trigger, begun, ended, measurement, confirms)

    def skipped(self, trigger: Trigger, order: MeasurementPlan, reason: str) -> ThroughputTest:
        """Return the record of a test that could not even be tried."""
        ending = Ending(Outcome.SKIPPED, Cause.NO_ROUTE, reason)
        now = self._now()
        return self._made(trigger, self._begun(now), now, ending.measurement(order), None)

    def cancel(self) -> None:
        """End the running test at once; what was counted is kept."""
        self._process.cancel()

    async def close(self) -> None:
        """Leave no process behind."""
        await self._process.close()

    def _now(self) -> tuple[int, int]:
        """UTC and monotonic time."""
        return self._clock.utc_us(), self._clock.mono_us()

    def _begun(self, now: tuple[int, int]) -> Begun:
        """At one moment, which the fix is fresh at: the clock went on while a replay caught up."""
        return Begun(*now, self._fresh_fix(now[1]))

    def _made(
        self,
        trigger: Trigger,
        begun: Begun,
        ended: tuple[int, int],
        measurement: Measurement,
        confirms: str | None,
    ) -> ThroughputTest:
        """``ended``: UTC and monotonic time."""
        end_fix = self._fresh_fix(ended[1])
        return ThroughputTest(
            test_id=str(uuid.uuid4()),
            trigger=trigger,
            started_utc_us=begun.utc_us,
            started_mono_us=begun.mono_us,
            ended_utc_us=ended[0],
            ended_mono_us=ended[1],
            measurement=measurement,
            start_fix=begun.fix,
            end_fix=end_fix,
            start_place=self._place_of(begun.fix) if begun.fix else None,
            end_place=self._place_of(end_fix) if end_fix else None,
            judgement=judge(measurement, target_of(self._target, self._plan)),
            link=self.link.name,
            operator=self.link.operator,
            access_type=self.link.access_type,
            confirms=confirms,
        )

    def _progress(self, progress: Progress) -> None:
        self.running = RunningTest(
            progress.phase,
            progress.elapsed_us,
            progress.payload_bytes,
            progress.rate_bps,
            self.link.name,
        )
        if progress.payload_bytes not in (0, self._payload_bytes):  # each phase counts anew
            self._payload_bytes = progress.payload_bytes
            self._on_traffic()

    def _fresh_fix(self, mono_us: int) -> Fix | None:
        fix = self._receiver.newest
        if fix is None or fix.age_us(mono_us) > FRESH_FIX_US:
            return None
        return fix
