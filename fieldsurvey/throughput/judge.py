"""Says of a measurement whether it is above or below a target, or that it cannot tell.

Pure. Must not force an answer: an interval that holds the target is "not enough data".
"""

from fieldsurvey.model.throughput import (
    Estimate,
    Judgement,
    Measurement,
    Outcome,
    PhaseKind,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.throughput.estimator import FEWEST_BATCHES

RULE = "interval-against-target/1"
HEADER_BYTES = 52  # IPv4 20, TCP 20, time stamps 12
USUAL_MSS_BYTES = 1448


def header_ratio(mss_bytes: int | None) -> float:
    """Return IP bytes per payload byte: (mss + 52) / mss.

    Full packets with IPv4 and TCP time stamps are assumed. IPv6 carries 20 bytes more, so its IP
    rate is told 1.4 % too low, never too high. Where the MSS is unknown it is taken to be 1448,
    the largest of the internet's usual paths: again too low rather than too high.
    """
    mss = mss_bytes or USUAL_MSS_BYTES
    return (mss + HEADER_BYTES) / mss


def judge(measurement: Measurement, target: Target) -> Judgement | None:
    """Compare the download with ``target`` in the target's layer; None where there is no rate.

    Above if the whole interval is, below if the whole interval is. With fewer than four batches
    only "above" can be said: what was delivered was delivered, what was not may have been the ramp.
    """
    phase = measurement.phase(PhaseKind.DOWNLOAD)
    if measurement.outcome is not Outcome.COMPLETED or phase is None or phase.estimate is None:
        return None
    ratio = header_ratio(measurement.mss_bytes) if target.layer is RateLayer.IP else 1.0
    verdict = _verdict(phase.estimate, ratio, target.rate_bps)
    if phase.estimate.batches < FEWEST_BATCHES:
        confidence = Confidence.LOW
    elif verdict is Verdict.UNDECIDED:
        confidence = Confidence.MEDIUM
    else:
        confidence = Confidence.HIGH
    return Judgement(verdict, confidence, target, round(phase.estimate.rate_bps * ratio), RULE)


def _verdict(estimate: Estimate, ratio: float, target_bps: int) -> Verdict:
    if estimate.low_bps * ratio > target_bps:
        return Verdict.ABOVE
    if estimate.batches >= FEWEST_BATCHES and estimate.high_bps * ratio < target_bps:
        return Verdict.BELOW
    return Verdict.UNDECIDED
