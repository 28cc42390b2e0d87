from fieldsurvey.model.throughput import Estimate, MeasurementPlan, Mode, PhaseKind
from fieldsurvey.throughput.stop_rule import Decided, FixedBounds, Precise, stop_rule_for

MSS = 1448


def estimate(low: int, high: int, batches: int = 4) -> Estimate:
    return Estimate("test", (low + high) * 500_000, low * 10**6, high * 10**6, batches, 0, 0)


def test_a_clear_interval_decides() -> None:
    rule = Decided(100_000_000, MSS)
    assert rule.reason(estimate(101, 130)) == "above"
    assert rule.reason(estimate(60, 96)) == "below"
    assert rule.reason(estimate(90, 110)) is None


def test_between_payload_and_ip_nothing_is_decided() -> None:
    """97 to 99 Mbps of payload is 100.5 to 102.6 of IP: which it is, the judge will say."""
    assert Decided(100_000_000, MSS).reason(estimate(97, 99)) is None


def test_three_batches_decide_nothing() -> None:
    assert Decided(100_000_000, MSS).reason(estimate(300, 400, batches=3)) is None
    assert Precise().reason(estimate(100, 101, batches=3)) is None


def test_precise_is_ten_percent_each_way() -> None:
    assert Precise().reason(estimate(91, 109)) == "precise"
    assert Precise().reason(estimate(89, 111)) is None


def test_every_mode_has_its_rule() -> None:
    def rule(mode: Mode, kind: PhaseKind = PhaseKind.DOWNLOAD) -> object:
        return stop_rule_for(MeasurementPlan("http://x", mode=mode), kind, MSS)

    assert isinstance(rule(Mode.CHECK), Decided)
    assert isinstance(rule(Mode.CHECK, PhaseKind.UPLOAD), Precise)
    assert isinstance(rule(Mode.MEASURE), Precise)
    assert isinstance(rule(Mode.CALIBRATE), FixedBounds)
    assert FixedBounds().reason(estimate(300, 301)) is None
