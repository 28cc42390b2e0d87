from dataclasses import replace

from fieldsurvey.model.throughput import Estimate, MeasurementPlan, Mode, PhaseKind
from fieldsurvey.model.verdict import RateLayer
from fieldsurvey.throughput.stop_rule import Decided, FixedBounds, Precise, stop_rule_for

MSS = 1448
T = 100_000_000


def decided(layer: RateLayer = RateLayer.IP, max_bytes: int = 37_000_000) -> Decided:
    return Decided(T, layer, MSS, max_bytes)


def estimate(low: int, high: int, batches: int = 4) -> Estimate:
    return Estimate("test", (low + high) * 500_000, low * 10**6, high * 10**6, batches, 0, 0)


def test_a_clear_interval_decides() -> None:
    rule = decided()
    assert rule.reason(estimate(101, 130)) == "above"
    assert rule.reason(estimate(60, 95)) == "below"
    assert rule.reason(estimate(90, 110)) is None


def test_the_plans_layer_is_compared() -> None:
    """97 to 99 Mbps of payload is 100.5 to 102.6 of IP."""
    assert decided(RateLayer.IP).reason(estimate(97, 99)) == "above"
    assert decided(RateLayer.GOODPUT).reason(estimate(97, 99)) == "below"


def test_below_must_hold_with_the_headers_of_ipv6_too() -> None:
    """96 Mbps of payload is 99.4 with IPv4 and 100.8 with IPv6."""
    assert decided().reason(estimate(60, 96)) is None
    assert decided().reason(estimate(60, 95)) == "below"


def test_a_far_link_gets_no_more_than_its_share() -> None:
    """At 55 Mbps a batch is 1.7 MB, at 180 it is 5.6 MB; 11.2 and 28.8 MB are theirs."""
    assert decided().reason(estimate(0, 110, batches=5)) is None
    assert decided().reason(estimate(0, 110, batches=6)) == "share"
    assert decided().reason(estimate(90, 270, batches=4)) is None
    assert decided().reason(estimate(90, 270, batches=5)) == "share"
    assert decided(max_bytes=20_000_000).reason(estimate(90, 270, batches=4)) == "share"
    assert decided().reason(estimate(80, 120, batches=20)) is None


def test_what_was_delivered_is_above_even_before_the_fourth_batch_if_the_share_is_spent() -> None:
    rule = decided()
    assert rule.reason(estimate(120, 200, batches=3)) is None
    assert rule.reason(replace(estimate(120, 200, batches=3), ramp_bytes=20_000_000)) == "above"


def test_too_few_batches_decide_nothing() -> None:
    assert decided().reason(estimate(120, 140, batches=3)) is None
    assert decided().reason(estimate(10, 20, batches=3)) is None
    assert Precise().reason(estimate(100, 101, batches=7)) is None


def test_precise_is_ten_percent_each_way() -> None:
    assert Precise().reason(estimate(91, 109, batches=8)) == "precise"
    assert Precise().reason(estimate(89, 111, batches=8)) is None


def test_every_mode_has_its_rule() -> None:
    def rule(mode: Mode, kind: PhaseKind = PhaseKind.DOWNLOAD) -> object:
        return stop_rule_for(MeasurementPlan("http://x", mode=mode), kind, MSS)

    assert isinstance(rule(Mode.CHECK), Decided)
    assert isinstance(rule(Mode.CHECK, PhaseKind.UPLOAD), Precise)
    assert isinstance(rule(Mode.MEASURE), Precise)
    assert isinstance(rule(Mode.CALIBRATE), FixedBounds)
    assert FixedBounds().reason(estimate(300, 301)) is None
