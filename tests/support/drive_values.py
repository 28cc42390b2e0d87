"""Short ways to make fixes, samples and tests for the tests of the drive."""

from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    Mode,
    Outcome,
    ThroughputTest,
    Trigger,
)

START_UTC_US = 1_760_000_000_000_000
S = 1_000_000


def a_fix(
    second: float,
    north_m: float = 0.0,
    *,
    speed_mps: float | None = 20.0,
    flags: FixFlag = FixFlag.NONE,
) -> Fix:
    """A fix ``north_m`` north of 43° N, 77° E, ``second`` s after the start."""
    us = int(second * S)
    return Fix(
        utc_us=START_UTC_US + us,
        mono_us=us,
        latitude_deg=43.0 + north_m / 111_093.0,
        longitude_deg=77.0,
        fix_type=FixType.FIX_3D,
        gnss_utc_us=START_UTC_US + us,
        speed_mps=speed_mps,
        satellites=9,
        hdop=0.9,
        flags=flags,
    )


def a_sample(second: int, *, cause: Cause | None = None, fix: Fix | None = None) -> Sample:
    """A sample, reachable unless there is a ``cause``."""
    us = second * S
    return Sample(
        START_UTC_US + us,
        us,
        Reachability(cause is None, 40_000 if cause is None else None, cause),
        fix,
        None if fix is None else fix.age_us(us),
    )


def a_place(
    ref: str | None = "KAZ01", chainage_m: float = 0.0, settlement_id: str | None = None
) -> Place:
    return Place("test", ref, chainage_m if ref else None, 5.0 if ref else None, settlement_id)


def a_failed_test(cause: Cause = Cause.TIMED_OUT, test_id: str = "t1") -> ThroughputTest:
    measurement = Measurement(
        "native", Mode.CHECK, "http://127.0.0.1:1", Outcome.FAILED, 3 * S, 300, cause=cause
    )
    return ThroughputTest(test_id, Trigger.HAND, START_UTC_US, 0, START_UTC_US, 0, measurement)
