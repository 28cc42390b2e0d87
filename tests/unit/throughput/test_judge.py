from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.throughput.judge import header_ratio, judge

IP = Target("national-100", "test", 100_000_000, RateLayer.IP)
GOODPUT = Target("payload-100", "test", 100_000_000, RateLayer.GOODPUT)


def measured(
    low: float, rate: float, high: float, batches: int = 6, mss: int | None = 1448
) -> Measurement:
    rate_bps, low_bps, high_bps = (round(mbps * 1e6) for mbps in (rate, low, high))
    estimate = Estimate("test", rate_bps, low_bps, high_bps, batches, 0, 0)
    phase = Phase(PhaseKind.DOWNLOAD, 0, 2_000_000, estimate=estimate)
    return Measurement(
        "native", Mode.CHECK, "http://x", Outcome.COMPLETED, 2_000_000, 0, (phase,), mss_bytes=mss
    )


@pytest.mark.parametrize(
    ("interval", "target", "verdict", "confidence"),
    [
        ((110, 120, 130), IP, Verdict.ABOVE, Confidence.HIGH),
        ((50, 60, 70), IP, Verdict.BELOW, Confidence.HIGH),
        ((90, 100, 110), IP, Verdict.UNDECIDED, Confidence.MEDIUM),
        ((97, 98, 99), IP, Verdict.ABOVE, Confidence.HIGH),
        ((97, 98, 99), GOODPUT, Verdict.BELOW, Confidence.HIGH),
    ],
)
def test_three_verdicts_in_the_targets_layer(
    interval: tuple[float, float, float], target: Target, verdict: Verdict, confidence: Confidence
) -> None:
    judgement = judge(measured(*interval), target)
    assert judgement is not None
    assert (judgement.verdict, judgement.confidence) == (verdict, confidence)
    assert judgement.target == target


def test_the_ip_rate_is_payload_times_1500_by_1448() -> None:
    judgement = judge(measured(96, 96.533, 97), IP)
    assert judgement is not None
    assert judgement.compared_bps == pytest.approx(100_000_000, rel=1e-4)
    assert header_ratio(None) == header_ratio(1448) == 1500 / 1448


def test_few_batches_can_say_above_but_never_below() -> None:
    fast = judge(measured(500, 800, 900, batches=1), IP)
    slow = judge(measured(5, 20, 30, batches=3), IP)
    assert fast is not None
    assert slow is not None
    assert (fast.verdict, fast.confidence) == (Verdict.ABOVE, Confidence.LOW)
    assert (slow.verdict, slow.confidence) == (Verdict.UNDECIDED, Confidence.LOW)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.SKIPPED])
def test_what_was_not_completed_is_not_judged(outcome: Outcome) -> None:
    done = measured(110, 120, 130)
    cut = Measurement(
        "native", Mode.CHECK, "http://x", outcome, 1, 0, done.phases, cause=Cause.CUT_OFF
    )
    assert judge(cut, IP) is None


def test_a_ping_is_not_judged() -> None:
    ping = Measurement("native", Mode.PING, "http://x", Outcome.COMPLETED, 1, 0)
    assert judge(ping, IP) is None


PACE_BPS = 200_000_000
AT_THE_PACE = PACE_BPS // 160  # bytes per bin of 50 ms


def with_bins(measurement: Measurement, *byte_counts: int) -> Measurement:
    (phase,) = measurement.phases
    return replace(measurement, phases=(replace(phase, bins=Bins(byte_counts)),), pace_bps=PACE_BPS)


def verdict_of(measurement: Measurement) -> Verdict | None:
    judgement = judge(measurement, IP)
    return judgement.verdict if judgement else None


def test_a_link_that_met_the_senders_pace_is_not_called_slow() -> None:
    slow, fast = measured(50, 60, 70), measured(110, 120, 130)
    flat = (10_000, *[AT_THE_PACE] * 3, 10_000)
    assert verdict_of(with_bins(slow, *flat)) is Verdict.UNDECIDED
    assert verdict_of(with_bins(fast, *flat)) is Verdict.ABOVE
    assert verdict_of(replace(with_bins(slow, *flat), pace_bps=0)) is Verdict.BELOW
    burst = (10_000, 0, 0, 0, AT_THE_PACE * 2, AT_THE_PACE, 10_000)
    assert verdict_of(with_bins(slow, *burst)) is Verdict.BELOW


@pytest.mark.parametrize("limit", [SelfLimit.CPU, SelfLimit.RECEIVE_WINDOW, SelfLimit.SERVER])
def test_our_own_limit_is_nothing_against_the_place(limit: SelfLimit) -> None:
    held_back = SelfCheck(limits=(limit,))
    assert verdict_of(replace(measured(50, 60, 70), self_check=held_back)) is None
    assert verdict_of(replace(measured(90, 100, 110), self_check=held_back)) is None
    assert verdict_of(replace(measured(110, 120, 130), self_check=held_back)) is Verdict.ABOVE
    assert verdict_of(replace(measured(50, 60, 70), self_check=SelfCheck())) is Verdict.BELOW


@pytest.mark.parametrize("limit", [SelfLimit.VPN, SelfLimit.WIFI])
def test_another_links_test_says_nothing_at_all(limit: SelfLimit) -> None:
    elsewhere = SelfCheck(limits=(SelfLimit.CPU, limit))
    for interval in ((50, 60, 70), (90, 100, 110), (110, 120, 130)):
        assert verdict_of(replace(measured(*interval), self_check=elsewhere)) is None


def test_ipv6_has_larger_headers() -> None:
    between = measured(96, 96, 96.1)
    assert verdict_of(between) is Verdict.BELOW
    assert verdict_of(replace(between, ip_version=4)) is Verdict.BELOW
    assert verdict_of(replace(between, ip_version=6)) is Verdict.ABOVE
    assert header_ratio(1428, 6) == 1500 / 1428


@given(
    st.floats(0, 500), st.floats(0, 300), st.floats(0, 300), st.integers(0, 20),
    st.sampled_from([None, 536, 1380, 1448, 32741]),
)  # fmt: skip
def test_a_verdict_always_leaves_the_target_outside_the_interval(
    low: float, up: float, more: float, batches: int, mss: int | None
) -> None:
    for target in (IP, GOODPUT):
        judgement = judge(measured(low, low + up, low + up + more, batches, mss), target)
        assert judgement is not None
        ratio = header_ratio(mss) if target is IP else 1.0
        if judgement.verdict is Verdict.ABOVE:
            assert low * ratio > 99.999
        if judgement.verdict is Verdict.BELOW:
            assert (low + up + more) * ratio < 100.001
