"""The verdict on another tool's test: its mean against the target, with low confidence.

Such a test has one number and no interval, so :mod:`fieldsurvey.throughput.judge` can say nothing
of it. Must not pass for our own: the rule has a name of its own.
"""

from dataclasses import replace

from fieldsurvey.model.throughput import Judgement, Outcome, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

RULE = "mean-against-target/2"
# Full packets over IPv4 with time stamps: 1448 bytes of payload in 1500. Other tools count payload.
IP_BYTES_PER_PAYLOAD = 1500 / 1448
# A mean from here on may be the sender's pace with a slow start before it, and no road's rate.
NEAR_PACE = 0.8


def judged_by_mean(test: ThroughputTest, target: Target) -> ThroughputTest:
    """Return ``test`` with a judgement, or as it is where it has no download rate or one already.

    The mean is put into the target's layer first. Undecided where both are equal, and instead of
    below where the sender's pace was the bound: what was not sent could not arrive. UDP's packets
    are of any size: the payload alone has to be above, and below with the headers of full ones.
    """
    download = test.measurement.phase(PhaseKind.DOWNLOAD)
    completed = test.measurement.outcome is Outcome.COMPLETED
    if test.judgement or not completed or download is None or download.estimate is None:
        return test
    mean_bps, pace_bps = download.estimate.rate_bps, test.measurement.pace_bps
    ratio = IP_BYTES_PER_PAYLOAD if target.layer is RateLayer.IP else 1.0
    is_udp = test.measurement.protocol.endswith("-udp")
    compared_bps = round(mean_bps * (1.0 if is_udp else ratio))
    paced = pace_bps and mean_bps >= NEAR_PACE * pace_bps
    if compared_bps > target.rate_bps:
        verdict = Verdict.ABOVE
    elif round(mean_bps * ratio) < target.rate_bps and not paced:
        verdict = Verdict.BELOW
    else:
        verdict = Verdict.UNDECIDED
    judgement = Judgement(verdict, Confidence.LOW, target, compared_bps, RULE)
    return replace(test, judgement=judgement)
