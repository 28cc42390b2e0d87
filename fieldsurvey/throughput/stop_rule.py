"""When a load has told enough. Every rule is bounded by the plan's seconds and bytes besides.

Must not decide the verdict: that is said once, afterwards, by ``judge``.
"""

from typing import Protocol

from fieldsurvey.model.throughput import Estimate, MeasurementPlan, Mode, PhaseKind
from fieldsurvey.model.verdict import RateLayer
from fieldsurvey.throughput.estimator import FEWEST_BATCHES, BatchMeanEstimator
from fieldsurvey.throughput.judge import header_ratio

PRECISE_ENOUGH = 0.10
PRECISE_BATCHES = 8  # 2 s: what is held back at the moment of stopping is then 2 % at most

# A link far from its target that is not decided by then varies too much to be decided soon: it may
# spend this share of the plan's bytes, the rest is for links near the target. Of 37 MB it is 11 and
# 29: a burst that is still held back may follow, and 12 and 32 are what a survey reckons with.
_SLOW, _SLOW_SHARE = 0.6, 0.30
_FAST, _FAST_SHARE = 1.2, 0.78


class StopRule(Protocol):
    """Asked again and again; the answer is stored as the measurement's ``stop_reason``."""

    def reason(self, estimate: Estimate) -> str | None:
        """Return why the load may end now, or None."""
        ...


class FixedBounds:
    """Runs to the plan's bounds: calibration."""

    def reason(self, estimate: Estimate) -> str | None:
        return None


class Precise:
    """Ends when the rate is known to ±10 %, after 2 s of it."""

    def reason(self, estimate: Estimate) -> str | None:
        if estimate.batches < PRECISE_BATCHES:
            return None
        half_bps = (estimate.high_bps - estimate.low_bps) / 2
        return "precise" if half_bps <= PRECISE_ENOUGH * estimate.rate_bps else None


class Decided:
    """Ends when the interval is clear of the target, or a far link has had its share of bytes.

    What IP is spoken is not known here: "above" must hold with the headers of IPv4, "below" with
    those of IPv6, so that the judge, who knows, finds no interval that touches the target.
    """

    def __init__(
        self, target_bps: int, layer: RateLayer, mss_bytes: int | None, max_bytes: int
    ) -> None:
        self._target_bps = target_bps
        self._max_bytes = max_bytes
        ip = layer is RateLayer.IP
        self._least_ratio = header_ratio(mss_bytes, 4) if ip else 1.0
        self._largest_ratio = header_ratio(mss_bytes, 6) if ip else 1.0

    def reason(self, estimate: Estimate) -> str | None:
        enough = estimate.batches >= FEWEST_BATCHES
        spent = self._has_had_its_share(estimate)
        if (enough or spent) and estimate.low_bps * self._least_ratio > self._target_bps:
            return "above"
        if enough and estimate.high_bps * self._largest_ratio < self._target_bps:
            return "below"
        return "share" if spent else None

    def _has_had_its_share(self, estimate: Estimate) -> bool:
        seen_s = (estimate.batches + 1) * BatchMeanEstimator.batch_us / 1e6  # at most
        spent_bytes = estimate.ramp_bytes + estimate.rate_bps / 8 * seen_s
        if estimate.rate_bps < _SLOW * self._target_bps:
            return spent_bytes >= _SLOW_SHARE * self._max_bytes
        if estimate.rate_bps > _FAST * self._target_bps:
            return spent_bytes >= _FAST_SHARE * self._max_bytes
        return False


def stop_rule_for(plan: MeasurementPlan, kind: PhaseKind, mss_bytes: int | None) -> StopRule:
    """Return the rule of the plan's mode; only the download has a target to be clear of."""
    if plan.mode is Mode.CALIBRATE:
        return FixedBounds()
    if plan.mode is Mode.CHECK and kind is PhaseKind.DOWNLOAD:
        return Decided(plan.target_bps, plan.target_layer, mss_bytes, plan.max_bytes)
    return Precise()
