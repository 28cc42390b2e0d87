"""The bounds of each mode, in one place."""

from fieldsurvey.model.throughput import Mode, PhaseKind
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.throughput.modes import plan_for

TARGET = Target("100", "1", 100_000_000, RateLayer.GOODPUT)
URL = "https://measure.example"


def test_a_check_is_short_small_and_paced_at_twice_the_target() -> None:
    plan = plan_for(Mode.CHECK, server_url=URL, target=TARGET)
    assert (plan.max_duration_us, plan.max_bytes) == (4_000_000, 37_000_000)
    assert plan.pace_bps == 200_000_000
    assert plan.wake_up
    assert (plan.target_bps, plan.target_layer) == (100_000_000, RateLayer.GOODPUT)
    assert plan.phases == (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD)


def test_measure_and_calibrate_are_not_paced() -> None:
    measure = plan_for(Mode.MEASURE, server_url=URL, target=TARGET, upload=True)
    assert (measure.max_duration_us, measure.max_bytes, measure.pace_bps) == (
        8_000_000, 125_000_000, 0,
    )  # fmt: skip
    assert measure.phases[-1] is PhaseKind.UPLOAD
    calibrate = plan_for(Mode.CALIBRATE, server_url=URL, target=TARGET)
    assert (calibrate.max_duration_us, calibrate.pace_bps) == (10_000_000, 0)


def test_a_ping_loads_nothing() -> None:
    plan = plan_for(Mode.PING, server_url=URL, target=TARGET, upload=True)
    assert plan.phases == (PhaseKind.IDLE_LATENCY,)
    assert not plan.wake_up


def test_a_survey_may_bound_more_tightly() -> None:
    plan = plan_for(Mode.CHECK, server_url=URL, target=TARGET, max_bytes=9, max_duration_us=1)
    assert (plan.max_bytes, plan.max_duration_us) == (9, 1)
