"""The rate of a phase and how far it can be trusted, from its bins alone.

Must not use anything that is not stored: the same bins give the same estimate in ten years.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

from fieldsurvey.model.throughput import Estimate
from fieldsurvey.throughput.ramp import ramp_bins

ALPHA = 0.05
FEWEST_BATCHES = 4  # below, an interval is not one


class Estimator(Protocol):
    """Bins in, rate out. ``name`` carries the version and is stored with every estimate."""

    name: str

    def estimate(
        self, byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int
    ) -> Estimate | None:
        """Judge complete bins counted from the start of a phase; None if nothing was counted."""
        ...


class BatchMeanEstimator:
    """Mean of 250 ms batches after the ramp, with an interval that may be looked at any time.

    The interval is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and
    Ramdas, Annals of Statistics 2024 (arXiv 2103.06476), eq. (6) with rho = 1.2: looking at it
    after every batch costs nothing. Batches of a radio link resemble their neighbours, so the
    variance is multiplied by (1 + r) / (1 - r), r being the lag-1 autocorrelation, and it is never
    taken for less than (5 % of the mean) squared.

    With fewer than four batches, ``low_bps`` is what the whole phase delivered, ramp included, and
    ``high_bps`` its fastest bin: a bound on what has been seen, not on what the link can do.
    """

    name = "batch-mean-acs/1"
    batch_us = 250_000
    rho = 1.2
    floor = 0.05
    largest_autocorrelation = 0.9

    def estimate(
        self, byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int = 0
    ) -> Estimate | None:
        if sum(byte_counts) == 0:
            return None
        ramp = ramp_bins(byte_counts, width_us, ramp_max_us, round_trip_us)
        per_batch = self.batch_us // width_us
        batches = [
            sum(byte_counts[start : start + per_batch]) * 8e6 / self.batch_us
            for start in range(ramp, len(byte_counts) - per_batch + 1, per_batch)
        ]
        if len(batches) >= FEWEST_BATCHES:
            mean_bps = sum(batches) / len(batches)
            half_bps = self.half_width(batches)
            low_bps, high_bps = max(mean_bps - half_bps, 0.0), mean_bps + half_bps
        else:
            whole_bps = _rate_bps(byte_counts, width_us)
            ramp = ramp if ramp < len(byte_counts) else 0  # nothing else is left to tell a rate
            mean_bps = _rate_bps(byte_counts[ramp:], width_us)
            low_bps = min(whole_bps, mean_bps)
            high_bps = max(max(byte_counts) * 8e6 / width_us, mean_bps)
        return Estimate(
            estimator=self.name,
            rate_bps=round(mean_bps),
            low_bps=round(low_bps),
            high_bps=round(high_bps),
            batches=len(batches),
            ramp_us=ramp * width_us,
            ramp_bytes=sum(byte_counts[:ramp]),
        )

    def half_width(self, batches: Sequence[float]) -> float:
        """Return half the interval's width, in the unit of ``batches``."""
        count = len(batches)
        mean = sum(batches) / count
        deviations = [batch - mean for batch in batches]
        squares = sum(deviation * deviation for deviation in deviations)
        products = sum(a * b for a, b in itertools.pairwise(deviations))
        r = min(max(products / squares if squares else 0.0, 0.0), self.largest_autocorrelation)
        variance = squares / (count - 1) * (1 + r) / (1 - r)
        sigma = math.sqrt(max(variance, (self.floor * mean) ** 2))
        spread = count * self.rho**2 + 1
        return sigma * math.sqrt(
            2 * spread / (count * self.rho) ** 2 * math.log(math.sqrt(spread) / ALPHA)
        )


def _rate_bps(byte_counts: Sequence[int], width_us: int) -> float:
    return sum(byte_counts) * 8e6 / (len(byte_counts) * width_us)
