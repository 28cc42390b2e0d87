"""Says of a measurement whether it is above or below a target, or that it cannot tell.

Pure. Must not force an answer: an interval that holds the target is "not enough data". Must not
blame a place for what our own side could not do.
"""

from fieldsurvey.model.throughput import (
    Estimate,
    Judgement,
    Measurement,
    Outcome,
    Phase,
    PhaseKind,
    SelfLimit,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.throughput.estimator import FEWEST_BATCHES, met_pace

RULE = "interval-against-target/3"
IPV4_HEADER_BYTES = 52  # IP 20, TCP 20, time stamps 12
IPV6_HEADER_BYTES = 72
USUAL_MSS_BYTES = 1448

# A test through these is of another link than the one that is surveyed.
_OTHER_LINK = {SelfLimit.VPN, SelfLimit.WIFI}


def header_ratio(mss_bytes: int | None, ip_version: int | None = None) -> float:
    """Return IP bytes per payload byte: (mss + headers) / mss.

    Full packets with TCP time stamps are assumed, and IPv4 where the version is unknown. Where the
    MSS is unknown it is taken to be 1448, the largest of the internet's usual paths: rather too low
    a rate than too high.
    """
    mss = mss_bytes or USUAL_MSS_BYTES
    return (mss + (IPV6_HEADER_BYTES if ip_version == 6 else IPV4_HEADER_BYTES)) / mss


def judge(measurement: Measurement, target: Target) -> Judgement | None:
    """Compare the download with ``target`` in the target's layer; None where nothing can be said of
    the place: there is no rate, or our own side was the limit.

    Above if the whole interval is, below if the whole interval is. With fewer than four batches, or
    where the sender's pace was the bound at times, only "above" can be said: what was delivered was
    delivered, what was not may have been the ramp, or was not sent.
    """
    phase = measurement.phase(PhaseKind.DOWNLOAD)
    if measurement.outcome is not Outcome.COMPLETED or phase is None or phase.estimate is None:
        return None
    estimate = phase.estimate
    ip = target.layer is RateLayer.IP
    ratio = header_ratio(measurement.mss_bytes, measurement.ip_version) if ip else 1.0
    verdict = _verdict(estimate, ratio, target.rate_bps)
    if verdict is Verdict.BELOW and not _shows_the_link(phase, measurement.pace_bps):
        verdict = Verdict.UNDECIDED
    limits = set(measurement.self_check.limits) if measurement.self_check else set()
    if limits & _OTHER_LINK or (limits and verdict is not Verdict.ABOVE):
        return None
    if estimate.batches < FEWEST_BATCHES:
        confidence = Confidence.LOW
    elif verdict is Verdict.UNDECIDED:
        confidence = Confidence.MEDIUM
    else:
        confidence = Confidence.HIGH
    return Judgement(verdict, confidence, target, round(estimate.rate_bps * ratio), RULE)


def _verdict(estimate: Estimate, ratio: float, target_bps: int) -> Verdict:
    if estimate.low_bps * ratio > target_bps:
        return Verdict.ABOVE
    if estimate.high_bps * ratio < target_bps:
        return Verdict.BELOW
    return Verdict.UNDECIDED


def _shows_the_link(phase: Phase, pace_bps: int) -> bool:
    """Tell whether the upper end of the interval is the link's."""
    if phase.estimate is None or phase.estimate.batches < FEWEST_BATCHES:
        return False
    bins = phase.rate_bins
    return bins is None or not met_pace(bins.byte_counts, bins.width_us, pace_bps)
