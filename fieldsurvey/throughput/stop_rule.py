"""When a load has told enough. Every rule is bounded by the plan's seconds and bytes besides.

Must not decide the verdict: that is said once, afterwards, by ``judge``.
"""

from typing import Protocol

from fieldsurvey.model.throughput import Estimate, MeasurementPlan, Mode, PhaseKind
from fieldsurvey.throughput.estimator import FEWEST_BATCHES
from fieldsurvey.throughput.judge import header_ratio

PRECISE_ENOUGH = 0.10


class StopRule(Protocol):
    """Asked after every batch; the answer is stored as the measurement's ``stop_reason``."""

    def reason(self, estimate: Estimate) -> str | None:
        """Return why the load may end now, or None."""
        ...


class FixedBounds:
    """Runs to the plan's bounds: calibration."""

    def reason(self, estimate: Estimate) -> str | None:
        return None


class Precise:
    """Ends when the rate is known to ±10 %."""

    def reason(self, estimate: Estimate) -> str | None:
        if estimate.batches < FEWEST_BATCHES:
            return None
        half_bps = (estimate.high_bps - estimate.low_bps) / 2
        return "precise" if half_bps <= PRECISE_ENOUGH * estimate.rate_bps else None


class Decided:
    """Ends when the interval is clear of the target, whichever layer the target counts.

    The plan does not name the layer, so "above" must hold for payload and "below" for IP packets.
    """

    def __init__(self, target_bps: int, mss_bytes: int | None) -> None:
        self._target_bps = target_bps
        self._ratio = header_ratio(mss_bytes)

    def reason(self, estimate: Estimate) -> str | None:
        if estimate.batches < FEWEST_BATCHES:
            return None
        if estimate.low_bps > self._target_bps:
            return "above"
        if estimate.high_bps * self._ratio < self._target_bps:
            return "below"
        return None


def stop_rule_for(plan: MeasurementPlan, kind: PhaseKind, mss_bytes: int | None) -> StopRule:
    """Return the rule of the plan's mode; only the download has a target to be clear of."""
    if plan.mode is Mode.CALIBRATE:
        return FixedBounds()
    if plan.mode is Mode.CHECK and kind is PhaseKind.DOWNLOAD:
        return Decided(plan.target_bps, mss_bytes)
    return Precise()
