"""What shells may see, collected from commits only: a number is on disk before it is on screen."""

import threading
from collections import deque
from dataclasses import replace

from fieldsurvey.drive.recorder import Batch
from fieldsurvey.drive.snapshot import Health, Notice, TrailPoint
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import DriveCounts, Sample
from fieldsurvey.model.messages import Message
from fieldsurvey.model.odometer import GAP_US
from fieldsurvey.model.throughput import Outcome, ThroughputTest
from fieldsurvey.model.verdict import Verdict

KEPT_NOTICES = 20
FRESH_US = 2_000_000  # an older fix is not where the car is: the trail has a gap there


class DriveView:
    """Committed seconds, tests and counts of the current drive. Lists only grow, so shells read
    them from other threads by index."""

    def __init__(self, clock: Clock) -> None:
        self.counts = DriveCounts()
        self.last_test: ThroughputTest | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._trail: list[TrailPoint] = []
        self._tests: list[ThroughputTest] = []
        self._notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self._serial = 0
        self._last_placed_mono_us: int | None = None

    def restart(self, counts: DriveCounts | None = None) -> None:
        """Begin the view of another drive."""
        with self._lock:
            self.counts = counts or DriveCounts()
            self.last_test = None
            self._trail, self._tests = [], []
            self._last_placed_mono_us = None

    def committed(self, batch: Batch, distance_m: float) -> None:
        """Take over what has just been made safe."""
        with self._lock:
            self._trail += [self._trail_point(sample) for sample in batch.samples]
            self._tests += batch.tests
        counts = self.counts
        verdicts = [test.judgement.verdict for test in batch.tests if test.judgement]
        self.counts = replace(
            counts,
            samples=counts.samples + len(batch.samples),
            no_service_samples=counts.no_service_samples
            + sum(not sample.reachability.reachable for sample in batch.samples),
            tests=counts.tests
            + sum(t.measurement.outcome is not Outcome.SKIPPED for t in batch.tests),
            above=counts.above + verdicts.count(Verdict.ABOVE),
            below=counts.below + verdicts.count(Verdict.BELOW),
            undecided=counts.undecided + verdicts.count(Verdict.UNDECIDED),
            no_service=counts.no_service + sum(test.no_service for test in batch.tests),
            distance_m=distance_m,
        )
        if batch.tests:
            self.last_test = batch.tests[-1]

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
