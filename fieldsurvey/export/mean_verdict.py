"""The verdict on another tool's test: its mean against the target, with low confidence.

Such a test has one number and no interval, so :mod:`fieldsurvey.throughput.judge` can say nothing
of it. Must not pass for our own: the rule has a name of its own.
"""

from dataclasses import replace

from fieldsurvey.model.throughput import Judgement, Outcome, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

RULE = "mean-against-target/1"
# Full packets over IPv4 with time stamps: 1448 bytes of payload in 1500. Other tools count payload.
IP_BYTES_PER_PAYLOAD = 1500 / 1448


def judged_by_mean(test: ThroughputTest, target: Target) -> ThroughputTest:
    """Return ``test`` with a judgement, or as it is where it has no download rate or one already.

    The mean is put into the target's layer first. Undecided only where both are equal.
    """
    download = test.measurement.phase(PhaseKind.DOWNLOAD)
    completed = test.measurement.outcome is Outcome.COMPLETED
    if test.judgement or not completed or download is None or download.estimate is None:
        return test
    ratio = IP_BYTES_PER_PAYLOAD if target.layer is RateLayer.IP else 1.0
    compared_bps = round(download.estimate.rate_bps * ratio)
    if compared_bps == target.rate_bps:
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.ABOVE if compared_bps > target.rate_bps else Verdict.BELOW
    judgement = Judgement(verdict, Confidence.LOW, target, compared_bps, RULE)
    return replace(test, judgement=judgement)
