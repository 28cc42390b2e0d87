"""What shells may see, collected from commits only: a number is on disk before it is on screen."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from fieldsurvey.drive.confirm import confirmed, is_below
from fieldsurvey.drive.planned import Planned
from fieldsurvey.drive.recorder import Batch
from fieldsurvey.drive.snapshot import Health, Notice, TrailPoint
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import DriveCounts, Sample, SurveyPlan
from fieldsurvey.model.messages import Message
from fieldsurvey.model.odometer import GAP_US
from fieldsurvey.model.tally import Tally, result_of
from fieldsurvey.model.throughput import ThroughputTest

KEPT_NOTICES = 20
FRESH_US = 2_000_000  # an older fix is not where the car is: the trail has a gap there


class DriveView:
    """Committed seconds, tests and counts of the current drive. Lists only grow, so shells read
    them from other threads by index."""

    def __init__(self, clock: Clock, planned: Planned | None = None) -> None:
        self.planned = planned or Planned(SurveyPlan())
        self.counts = DriveCounts()
        self.last_test: ThroughputTest | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._trail: list[TrailPoint] = []
        self._tests: list[ThroughputTest] = []
        self._below: dict[str, ThroughputTest] = {}  # by test_id: what may be tried once more
        self._notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self._serial = 0
        self._last_placed_mono_us: int | None = None

    def restart(self, counts: DriveCounts | None = None) -> None:
        """Begin the view of another drive."""
        with self._lock:
            self.counts = counts or DriveCounts()
            self.last_test = None
            self._trail, self._tests, self._below = [], [], {}
            self._last_placed_mono_us = None

    def committed(self, batch: Batch, distance_m: float) -> None:
        """Take over what has just been made safe."""
        with self._lock:
            self._trail += [self._trail_point(sample) for sample in batch.samples]
            self._tests += batch.tests
        counts = self.counts
        self.counts = replace(
            counts,
            samples=counts.samples + len(batch.samples),
            no_service_samples=counts.no_service_samples
            + sum(not sample.reachability.reachable for sample in batch.samples),
            tally=self._counted(counts.tally, batch.tests),
            distance_m=distance_m,
        )
        self.planned.add(batch.tests)
        if batch.tests:
            self.last_test = batch.tests[-1]

    def _counted(self, tally: Tally, tests: Sequence[ThroughputTest]) -> Tally:
        """Return ``tally`` with ``tests``; two about one place on two servers are one result."""
        for test in tests:
            checked = test.measurement.self_check
            result = result_of(
                test.measurement.outcome,
                test.measurement.cause,
                test.judgement.verdict if test.judgement else None,
                limited=bool(checked and checked.limits),
                repeats=test.confirms is not None,
            )
            tally = tally.plus(result)
            if is_below(test) and test.confirms is None:
                self._below[test.test_id] = test
            first = self._below.get(test.confirms or "")
            if first is not None and confirmed(first, test) is False:
                tally = tally.contradicted()
        return tally

    def tell(self, health: Health, message: Message) -> None:
        """Show a notice to whoever looks next."""
        self._serial += 1
        self._notices.append(Notice(self._serial, self._clock.utc_us(), health, message))

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(self._notices)

    def trail_since(self, index: int) -> list[TrailPoint]:
        with self._lock:
            return self._trail[index:]

    def tests_since(self, index: int) -> list[ThroughputTest]:
        with self._lock:
            return self._tests[index:]

    def _trail_point(self, sample: Sample) -> TrailPoint:
        fix = sample.fix if (sample.fix_age_us or 0) <= FRESH_US else None
        last_us = self._last_placed_mono_us
        if fix is not None:
            self._last_placed_mono_us = sample.mono_us
        return TrailPoint(
            sample.utc_us,
            sample.mono_us,
            fix.latitude_deg if fix else None,
            fix.longitude_deg if fix else None,
            sample.reachability.reachable,
            sample.reachability.cause,
            gap_before=last_us is None or sample.mono_us - last_us > GAP_US,
        )
