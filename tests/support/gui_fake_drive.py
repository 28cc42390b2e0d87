"""A scripted drive for the window: the control protocol without sockets, receivers or a store.

A test sets ``now`` and grows ``trail`` and ``tests``; ``asked`` records what the window asked for.
"""

import itertools
import math
import time
from dataclasses import dataclass, field, replace

from fieldsurvey.drive.snapshot import (
    DriveSnapshot,
    Health,
    Notice,
    RunningTest,
    StripItem,
    StripKind,
    TrailPoint,
)
from fieldsurvey.model.drive import DriveCounts, DriveState
from fieldsurvey.model.messages import message
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.model.tally import Tally
from fieldsurvey.model.throughput import (
    Cause,
    Estimate,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

US = 1_000_000
NOON_UTC_US = 1_781_330_400 * US  # 2026-06-13 06:00 UTC: broad day in Kazakhstan
DUSK_UTC_US = NOON_UTC_US + 12 * 3600 * US
TARGET = Target("national-100", "2025-10-21", 100_000_000, RateLayer.IP)
_numbers = itertools.count()

STRIP_WELL = {
    StripKind.POSITION: StripItem(
        Health.OK, message("drive.position_accuracy", accuracy_m=6, satellites=9)
    ),
    StripKind.NETWORK: StripItem(Health.OK, message("drive.network_round_trip", ms=38)),
    StripKind.STORAGE: StripItem(Health.OK, message("drive.storage_free", free_gb=212)),
    StripKind.QUEUE: StripItem(Health.OFF, message("drive.queue", tests=35)),
    StripKind.POWER: StripItem(Health.OK, message("drive.power_mains", percent=100)),
    StripKind.CLOCK: StripItem(Health.OK, message("drive.clock_ok", offset_s=0.1)),
}
STRIP_TROUBLED = STRIP_WELL | {
    StripKind.POSITION: StripItem(Health.DEGRADED, message("drive.position_stale", age_s=40)),
    StripKind.NETWORK: StripItem(
        Health.FAILED, message("drive.no_service", cause=message("cause.captive_portal"))
    ),
    StripKind.STORAGE: StripItem(
        Health.FAILED,
        message("drive.storage_waiting", rows=1200),
        message("drive.storage_full_advice"),
    ),
}


def a_fix(
    latitude_deg: float = 43.40,
    longitude_deg: float = 76.95,
    speed_mps: float | None = 25.0,
    heading_deg: float | None = 20.0,
    utc_us: int = NOON_UTC_US,
) -> Fix:
    return Fix(
        utc_us, utc_us, latitude_deg, longitude_deg, FixType.FIX_3D,
        speed_mps=speed_mps, heading_deg=heading_deg, accuracy_m=6.0, satellites=9,
    )  # fmt: skip


def a_test(
    verdict: Verdict | None = Verdict.BELOW,
    mbps: float = 87.34,
    *,
    outcome: Outcome = Outcome.COMPLETED,
    cause: Cause | None = None,
    ended_utc_us: int = NOON_UTC_US,
    start: Fix | None = None,
    end: Fix | None = None,
) -> ThroughputTest:
    """Build a test; without a verdict it carries no judgement."""
    phases: tuple[Phase, ...] = ()
    judgement = None
    if outcome is Outcome.COMPLETED:
        rate = int(mbps * 1e6 / 1.03)
        estimate = Estimate(
            "batch-mean/1", rate, int(rate * 0.93), int(rate * 1.07), 6, 400_000, 3_000_000
        )
        phases = (Phase(PhaseKind.DOWNLOAD, 300_000, 2_000_000, estimate=estimate),)
        if verdict is not None:
            judgement = Judgement(verdict, Confidence.HIGH, TARGET, int(mbps * 1e6), "interval/1")
    measurement = Measurement(
        "native", Mode.CHECK, "fs://127.0.0.1:9", outcome, 2_300_000, 21_000_000, phases, cause
    )
    return ThroughputTest(
        f"test-{next(_numbers)}", Trigger.DISTANCE, ended_utc_us - 2 * US, ended_utc_us - 2 * US,
        ended_utc_us, ended_utc_us, measurement, start, end, judgement=judgement,
    )  # fmt: skip


def no_service_test(cause: Cause = Cause.TIMED_OUT, **where: object) -> ThroughputTest:
    return a_test(None, outcome=Outcome.FAILED, cause=cause, **where)  # type: ignore[arg-type]


def idle(**changes: object) -> DriveSnapshot:
    """A drive that still waits for a position."""
    snapshot = DriveSnapshot(
        DriveState.IDLE, NOON_UTC_US, NOON_UTC_US, message("drive.waiting_for_position"),
        strip=STRIP_WELL, budget_bytes=20_000_000_000,
    )  # fmt: skip
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def driving(**changes: object) -> DriveSnapshot:
    """A drive at 90 km/h with a result 12 s old."""
    snapshot = replace(
        idle(),
        state=DriveState.DRIVING,
        waiting_for=None,
        fix=a_fix(),
        fix_age_us=300_000,
        place=Place("test", "KAZ01", 41_300.0, 12.0, "s1", "Қаскелең", 2_400.0),
        last_test=a_test(ended_utc_us=NOON_UTC_US - 12 * US),
        counts=DriveCounts(1200, 90, Tally(20, 9, 4, 2), 31_400.0),
        budget_used_bytes=1_840_000_000,
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


@dataclass
class FakeDrive:
    """Answers from its fields; commands only take note."""

    now: DriveSnapshot = field(default_factory=idle)
    trail: list[TrailPoint] = field(default_factory=list)
    tests: list[ThroughputTest] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    close_takes_s: float = 0.0

    def snapshot(self) -> DriveSnapshot:
        return self.now

    def trail_since(self, index: int) -> list[TrailPoint]:
        return self.trail[index:]

    def tests_since(self, index: int) -> list[ThroughputTest]:
        return self.tests[index:]

    def start(self) -> None:
        self.asked.append("start")

    def stop(self) -> None:
        self.asked.append("stop")

    def test_now(self) -> None:
        self.asked.append("test_now")

    def mark(self, note: str = "") -> None:
        self.asked.append("mark")

    def resume(self, accept: bool) -> None:
        self.asked.append(f"resume {accept}")

    def close(self) -> None:
        time.sleep(self.close_takes_s)
        self.asked.append("close")


class ObedientDrive(FakeDrive):
    """Does what it is asked: a tap of the space bar really starts it."""

    def start(self) -> None:
        super().start()
        self.now = replace(self.now, state=DriveState.DRIVING, waiting_for=None)

    def stop(self) -> None:
        super().stop()
        self.now = replace(self.now, state=DriveState.STOPPED)

    def resume(self, accept: bool) -> None:
        super().resume(accept)
        self.now = replace(self.now, resume_question=None)


def whole_drive(seconds: int = 12_000, tests: int = 300) -> FakeDrive:
    """A winding drive north of Almaty with gaps, stretches without service and every verdict."""
    drive = FakeDrive()
    verdicts = (Verdict.ABOVE, Verdict.BELOW, Verdict.ABOVE, Verdict.UNDECIDED)
    every = max(1, seconds // max(1, tests))
    fix = a_fix()
    for second in range(seconds):
        utc_us = NOON_UTC_US + second * US
        latitude = 43.3 + second * 2.2e-4 + 0.01 * math.sin(second / 150)
        longitude = 76.9 + 0.25 * math.sin(second / 2_400)
        lost = second % 700 > 620
        fix = a_fix(latitude, longitude, utc_us=utc_us)
        drive.trail.append(
            TrailPoint(
                utc_us, utc_us, latitude, longitude, not lost,
                Cause.TIMED_OUT if lost else None, gap_before=second % 4_000 == 3_999,
            )
        )  # fmt: skip
        if second % every == every - 1 and len(drive.tests) < tests:
            number = len(drive.tests)
            mbps = 60 + 55 * abs(math.sin(number / 3))
            where = {"ended_utc_us": utc_us, "start": a_fix(latitude - 5e-4, longitude), "end": fix}
            drive.tests.append(
                no_service_test(**where)
                if lost
                else a_test(verdicts[number % len(verdicts)], mbps, **where)  # type: ignore[arg-type]
            )
    end_us = NOON_UTC_US + seconds * US
    drive.now = driving(
        utc_us=end_us,
        mono_us=end_us,
        fix=fix,
        last_test=drive.tests[-1] if drive.tests else None,
        counts=DriveCounts(
            seconds,
            seconds // 9,
            Tally(above=tests // 2, below=tests // 4, undecided=tests // 8, no_service=tests // 8),
            seconds * 25.0,
        ),
        notices=(Notice(1, end_us, Health.OK, message("drive.service_back", seconds=80)),),
    )
    return drive


def a_running_test() -> RunningTest:
    return RunningTest(PhaseKind.DOWNLOAD, 1_400_000, 12_400_000, 85_000_000)
