"""Parts for tests of what a drive decides: a clock set by hand, links that answer at once."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fieldsurvey.drive.allowance import Allowance
from fieldsurvey.drive.ledger import Ledger
from fieldsurvey.drive.planned import Planned
from fieldsurvey.drive.planning import links_of, measurement_plan
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.testing import Testing
from fieldsurvey.model.drive import EventKind, PlannedLink, SurveyPlan
from fieldsurvey.model.messages import Message
from fieldsurvey.model.throughput import (
    Judgement,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from tests.support.drive_values import START_UTC_US, S

TARGET = Target("national-100", "1", 100_000_000, RateLayer.IP)
ALWAYS = SurveyPlan(
    server_url="http://first.test",
    trigger_distance_m=None,
    trigger_period_s=10.0,
    trigger_kilometre_post=False,
    trigger_settlement=False,
    minimum_gap_s=0.0,
    calibrate_every=0,
)
TWO_LINKS = (PlannedLink("a", "127.0.0.1", "Op A"), PlannedLink("b", "127.0.0.2", "Op B"))


class HeldClock:
    """A clock that a test sets by hand."""

    speed = 1.0

    def __init__(self, utc_us: int = START_UTC_US) -> None:
        self.utc, self.mono = utc_us, 0

    def utc_us(self) -> int:
        return self.utc

    def mono_us(self) -> int:
        return self.mono

    def forward(self, us: int) -> None:
        self.utc, self.mono = self.utc + us, self.mono + us

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass
class Heard:
    """Takes what a drive records."""

    tests: list[ThroughputTest] = field(default_factory=list)
    events: list[tuple[EventKind, Message]] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)

    def test(self, test: ThroughputTest) -> None:
        self.tests.append(test)

    def event(self, kind: EventKind, text: Message, health: Health | None = None) -> None:
        self.events.append((kind, text))

    def tell(self, health: Health, text: Message) -> None:
        self.told.append(text)


class Plugged:
    """A modem that is there while ``reason`` is None."""

    reason: str | None = None

    def absent(self) -> str | None:
        return self.reason


class AnsweringLink:
    """Stands in for a Tester: ``answers`` change a completed measurement in turn."""

    def __init__(self, plan: SurveyPlan, link: PlannedLink, clock: HeldClock) -> None:
        self.link = link
        self.modem = Plugged()
        self.clock = clock
        self.plan = plan
        self.answers: deque[dict[str, object]] = deque()
        self.verdicts: deque[Verdict] = deque()
        self.orders: list[MeasurementPlan] = []
        self.while_running: Callable[[], None] = lambda: None
        self.running = False
        self.cancelled = 0
        self.go = asyncio.Event()
        self.go.set()

    def order(self, mode: Mode, server_url: str | None = None) -> MeasurementPlan:
        return measurement_plan(self.plan, self.link, TARGET, mode, server_url)

    def cancel(self) -> None:
        self.cancelled += 1
        self.go.set()

    async def test(
        self, trigger: Trigger, order: MeasurementPlan, confirms: str | None = None
    ) -> ThroughputTest:
        self.orders.append(order)
        self.running = True
        started_us = self.clock.mono
        self.while_running()
        await asyncio.sleep(0)
        await self.go.wait()
        self.clock.forward(2 * S)
        self.running = False
        return self._made(trigger, order, confirms, started_us)

    def skipped(self, trigger: Trigger, order: MeasurementPlan, reason: str) -> ThroughputTest:
        made = self._made(trigger, order, None, self.clock.mono)
        skipped = replace(made.measurement, outcome=Outcome.SKIPPED, detail=reason, wire_bytes=0)
        return replace(made, measurement=skipped, judgement=None)

    def _made(
        self, trigger: Trigger, order: MeasurementPlan, confirms: str | None, started_us: int
    ) -> ThroughputTest:
        measurement = Measurement(
            *(order.protocol, order.mode, order.server_url, Outcome.COMPLETED, 2 * S, 10_000_000)
        )
        if self.answers:
            measurement = replace(measurement, **self.answers.popleft())  # type: ignore[arg-type] # named by the test
        verdict = self.verdicts.popleft() if self.verdicts else Verdict.ABOVE
        judged = measurement.outcome is Outcome.COMPLETED and order.mode is not Mode.PING
        return ThroughputTest(
            f"{self.link.name}{len(self.orders)}",
            trigger,
            START_UTC_US + started_us,
            started_us,
            self.clock.utc,
            self.clock.mono,
            measurement,
            judgement=Judgement(verdict, Confidence.HIGH, TARGET, 1, "r") if judged else None,
            link=self.link.name,
            confirms=confirms,
        )


class Driven:
    """The testing of one drive over answering links; must be made in an event loop."""

    def __init__(self, plan: SurveyPlan, made: Counter[str] | None = None) -> None:
        self.clock = HeldClock()
        self.distance_m = 0.0
        self.heard = Heard()
        self.links = [AnsweringLink(plan, link, self.clock) for link in links_of(plan)]
        self.ledger = Ledger(plan, self.clock)
        self.allowance = Allowance(plan, self.ledger, self.heard, made or Counter())  # type: ignore[arg-type] # stands in
        self.planned = Planned(plan, (link.name for link in links_of(plan)))
        self.testing = Testing(
            plan,
            self.clock,
            self.links,  # type: ignore[arg-type] # stand in for testers
            self.allowance,
            self.heard,  # type: ignore[arg-type] # stands in for the recording
            lambda: self.distance_m,
            random.Random(1),
            self.planned,
        )

    async def seconds(self, count: int) -> None:
        """Let ``count`` seconds go by, of which each test takes two."""
        end_us = self.clock.mono + count * S
        while self.clock.mono < end_us:
            self.testing.consider(self.clock.mono, None)
            for _ in range(20):
                await asyncio.sleep(0)
            self.clock.forward(S)

    def made(self) -> list[tuple[str, Mode, Trigger]]:
        """Link, mode and trigger of each recorded test."""
        return [(test.link, test.measurement.mode, test.trigger) for test in self.heard.tests]
