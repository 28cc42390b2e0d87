"""The rate of a phase and how far it can be trusted, from its bins alone.

Must not use anything that is not stored: the same bins give the same estimate in ten years.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Protocol

from fieldsurvey.model.throughput import Estimate
from fieldsurvey.throughput.ramp import GROWTH, ramp_bins

ALPHA = 0.05
FEWEST_BATCHES = 4  # below, an interval is not one

# A sender that keeps to its pace is seen as bins in a row that are all alike.
PACE_LOW, PACE_HIGH = 0.9, 1.15
PACE_BINS = 2

HOLE = 0.25  # of the mean; less is a hole

# Even bins are three in a row within ±3 % of each other; a packet is 2 % of a bin at 10 Mbps.
EVEN_BINS, FEWEST_EVEN_RUNS = 3, 6
ALIKE, SAME_LEVEL, ARTEFACT = 0.03, 0.8, 0.10


class Estimator(Protocol):
    """Bins in, rate out. ``name`` carries the version and is stored with every estimate."""

    name: str

    def estimate(
        self, byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int
    ) -> Estimate | None:
        """Judge complete bins counted from the start of a phase; None if nothing was counted."""
        ...


def met_pace(byte_counts: Sequence[int], width_us: int, pace_bps: int) -> bool:
    """Tell whether the sender's pace, not the link, was the bound anywhere. Pace 0 is no bound.

    A burst after a hole is as fast, but not two bins long and even.
    """
    pace_bytes = pace_bps * width_us / 8e6
    even = 0
    for count in byte_counts:
        even = even + 1 if 0 < PACE_LOW * pace_bytes <= count <= PACE_HIGH * pace_bytes else 0
        if even == PACE_BINS:
            return True
    return False


def fill_holes(byte_counts: Sequence[int]) -> tuple[list[float], float]:
    """Return the bins as the link carried them, and how many bins' worth was never made up for.

    A receiver hands on bytes in order: while one is missing nothing comes, then all at once. So the
    burst after a hole passed the link during the hole, and both together tell its rate. A hole that
    no burst follows was a slow link, or a sender that held back: it stays as low as it was.
    """
    mean = sum(byte_counts) / max(len(byte_counts), 1)
    filled: list[float] = []
    lost = 0.0
    index = 0
    while index < len(byte_counts):
        end, total = index, 0
        while end < len(byte_counts) and byte_counts[end] < HOLE * mean:
            total += byte_counts[end]
            end += 1
        if end > index:
            while (
                end < len(byte_counts)
                and byte_counts[end] > GROWTH * mean
                and total < mean * (end - index)
            ):
                total += byte_counts[end]
                end += 1
            lost += max(end - index - total / mean, 0.0)
        else:
            total = byte_counts[end]
            end += 1
        filled += [total / (end - index)] * (end - index)
        index = end
    return filled, lost


def plateau(byte_counts: Sequence[int]) -> float:
    """Return the level of a steady link's full pipe; of another link the mean of its bins.

    While the pipe of a steady link is full its bins are even, and even at the same level again and
    again. The others are what TCP did: a hole, the burst after it, a hole cut by the window's edge,
    a sender that held back. They would move the mean by up to 10 %, and no more is mended here. On
    a link of its own variation even stretches are rare and each has a level of its own.
    """
    mean = sum(byte_counts) / len(byte_counts)
    even: list[int] = []
    for start in range(len(byte_counts) - EVEN_BINS + 1):
        run = byte_counts[start : start + EVEN_BINS]
        if max(run) - min(run) <= 2 * ALIKE * min(run) and min(run) > 0:
            even.append(run[EVEN_BINS // 2])
    if len(even) < FEWEST_EVEN_RUNS:
        return mean
    median = statistics.median_low(even)
    alike = [count for count in even if abs(count - median) <= ALIKE * median]
    level = sum(alike) / len(alike)
    steady = len(alike) >= SAME_LEVEL * len(even)
    return level if steady and abs(level - mean) <= ARTEFACT * mean else mean


class BatchMeanEstimator:
    """Mean of the bins after the ramp, with an interval for the capacity of the test's own stretch.

    **What is covered.** The mean of what the link could have carried from the phase's start to the
    moment of looking, both ends included. It is not the rate of the next ten seconds, nor of the
    place on another day: the road goes on, and no test knows how.

    **Why it can be narrow.** Where the sender filled the link, the bins *are* the capacity: nothing
    is left to chance. Unknown is only the part of the stretch in which it was not filled: the ramp,
    a silence at the end (bytes that wait for a lost one, or a dead link: nobody can tell yet) and
    half a round trip. With ``f`` for that part's share,

        capacity - rate = f * (mean capacity of the unseen part - mean of the seen part),

    which is the finite-population correction of survey sampling (Cochran, *Sampling Techniques*,
    ch. 2). Both means scatter about the link's level with the spread ``sigma`` of 250 ms batches:

    - the unseen part is one draw that looking again does not change: 2.24 sigma (two-sided 2.5 %);
    - the seen part is looked at again and again: the asymptotic confidence sequence of
      Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024 (arXiv 2103.06476),
      eq. (6) with rho = 1.2, for the other 2.5 %, is valid at all looks at once.

    So the interval may be looked at after every bin. Neighbouring batches resemble each other and
    show too little of the spread: therefore sigma is pooled with a road's usual one (a fifth of the
    mean, worth three batches), and four batches that happen to agree do not promise what the ramp
    hid. Autocorrelation costs no more than that here, because the unseen part is a neighbour too.
    Asymptotic, hence calibrated: see ``tests/benchmarks/test_verdicts_bench.py``.

    **What the bins are.** Arrivals where the receiver's system counts them, else what was handed
    over in order: then holes are mended as far as their bursts tell, and the rest is "unseen".

    **Errors of the measuring itself** are one-sided. A link cannot carry more than its capacity: so
    what arrived in all, divided by the whole time, is a lower bound without any statistics. But TCP
    may carry less: after losses it holds back what has arrived out of order, and sends less for a
    while. Holes that no burst made up for are added to the unseen part of the upper bound, and a
    link whose latest batch is a quarter above the mean may be as fast as that. Bins at the pace of
    the sender say "at least that": then ``high_bps`` is no less than the pace. 2 % of the rate are
    added for the edges of bins.

    **Not covered:** a link that became faster and that TCP did not fill again within the test. A
    sender may need seconds for it after a loss; then the capacity is higher than is said here.

    With less than one batch, ``low_bps`` is what the whole phase delivered, ramp included, and
    ``high_bps`` its fastest bin: a bound on what has been seen, not on what the link can do.
    """

    name = "batch-mean-acs/3"
    batch_us = 250_000
    rho = 1.2
    unseen_deviations = 2.24
    usual_spread = 0.2
    usual_weight = 3
    edges = 0.02

    def __init__(self, pace_bps: int = 0) -> None:
        self._pace_bps = pace_bps

    def estimate(
        self, byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int = 0
    ) -> Estimate | None:
        if sum(byte_counts) == 0:
            return None
        ramp = ramp_bins(byte_counts, width_us, ramp_max_us, round_trip_us)
        seen = self._without_last_hole(byte_counts[ramp:])
        per_batch = self.batch_us // width_us
        count = len(seen) // per_batch if per_batch else 0
        if not count:
            return self._bounds_only(byte_counts, width_us, ramp)
        whole = sum(byte_counts) / len(byte_counts)
        mean = max(plateau(seen), whole)
        level, lost_bins = fill_holes(seen)
        batches = [
            sum(level[i * per_batch : (i + 1) * per_batch]) / per_batch for i in range(count)
        ]
        edge_bins = round_trip_us / 2 / width_us
        unseen = len(byte_counts) - len(seen) + edge_bins
        spread = self._spread(batches, mean) / (len(byte_counts) + edge_bins)
        low = mean - unseen * spread - self.edges * mean
        high = mean + (unseen + lost_bins) * spread + self.edges * mean
        to_bps = 8e6 / width_us
        high_bps = high * to_bps
        latest = sum(level[-per_batch:]) / per_batch
        if latest > GROWTH * mean:
            high_bps = max(high_bps, latest * to_bps)
        if met_pace(byte_counts, width_us, self._pace_bps):
            high_bps = max(high_bps, self._pace_bps)
        return Estimate(
            estimator=self.name,
            rate_bps=round(mean * to_bps),
            low_bps=round(max(low, whole) * to_bps),
            high_bps=round(high_bps),
            batches=count,
            ramp_us=ramp * width_us,
            ramp_bytes=sum(byte_counts[:ramp]),
        )

    def _without_last_hole(self, seen: Sequence[int]) -> Sequence[int]:
        least = HOLE * sum(seen) / max(len(seen), 1)
        end = len(seen)
        while end and seen[end - 1] < least:
            end -= 1
        return seen[:end]

    def _spread(self, batches: Sequence[float], mean: float) -> float:
        """Return how far unseen and seen mean may lie apart, in the unit of ``batches``."""
        count = len(batches)
        middle = sum(batches) / count
        squares = sum((batch - middle) ** 2 for batch in batches)
        usual = self.usual_weight * (self.usual_spread * mean) ** 2
        sigma = math.sqrt((squares + usual) / (count - 1 + self.usual_weight))
        information = count * self.rho**2 + 1
        looked_at = math.sqrt(
            2 * information / (count * self.rho) ** 2 * math.log(math.sqrt(information) * 2 / ALPHA)
        )
        return sigma * (self.unseen_deviations + looked_at)

    def _bounds_only(self, byte_counts: Sequence[int], width_us: int, ramp: int) -> Estimate:
        ramp = ramp if ramp < len(byte_counts) else 0  # nothing else is left to tell a rate
        whole_bps = _rate_bps(byte_counts, width_us)
        mean_bps = _rate_bps(byte_counts[ramp:], width_us)
        return Estimate(
            estimator=self.name,
            rate_bps=round(mean_bps),
            low_bps=round(min(whole_bps, mean_bps)),
            high_bps=round(max(max(byte_counts) * 8e6 / width_us, mean_bps)),
            batches=0,
            ramp_us=ramp * width_us,
            ramp_bytes=sum(byte_counts[:ramp]),
        )


def _rate_bps(byte_counts: Sequence[int], width_us: int) -> float:
    return sum(byte_counts) * 8e6 / (len(byte_counts) * width_us)
