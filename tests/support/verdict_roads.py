"""Roads of which the truth is known, driven test by test until there is a verdict."""

from dataclasses import dataclass
from math import ceil, comb
from statistics import NormalDist

import numpy as np

from fieldsurvey.analysis.sequential import judge_counts
from fieldsurvey.analysis.targets import JudgedBy

# Share of tests above the target on a road: what the errors are stated for, further away, and in
# between, where either verdict may come.
CONDITIONS = (0.05, 0.3, 0.6, 0.75, 0.9, 0.98)
MOST_TESTS = 250
_SURE = 4.0  # standard errors


@dataclass(frozen=True)
class Driven:
    """What came of many roads of one condition. ``after_more``: shares of verdicts when somebody
    went on for as many tests again after the decision."""

    share: float
    roads: int
    above: float
    below: float
    mean_tests: float
    most_tests: int
    after_more_above: float
    after_more_below: float

    def check(self, rule: JudgedBy) -> None:
        """Assert errors within the stated ones, and a tenth fewer tests than a fixed plan with the
        same; where there is a right verdict, also fewer than the one of the books."""
        wrong, error = self._wrong(rule)
        chance = _SURE * (error * (1 - error) / self.roads) ** 0.5
        for share in wrong:
            assert share <= error + chance, self
        plan = usual_sample_size(rule) if wrong else fixed_sample_size(rule)
        assert self.mean_tests <= 0.9 * plan, self
        assert self.above + self.below > 0.995, self

    def _wrong(self, rule: JudgedBy) -> tuple[tuple[float, ...], float]:
        if self.share <= rule.share_low:
            return (self.above, self.after_more_above), rule.error_above
        if self.share >= rule.share_high:
            return (self.below, self.after_more_below), rule.error_below
        return (), 0.0


def usual_sample_size(rule: JudgedBy) -> int:
    """Return how many tests a plan of fixed size takes by the usual formula, which is a little too
    few: normal approximation of both errors."""
    low, high = rule.share_low, rule.share_high
    z_above, z_below = (NormalDist().inv_cdf(1 - e) for e in (rule.error_above, rule.error_below))
    spread = z_above * (low * (1 - low)) ** 0.5 + z_below * (high * (1 - high)) ** 0.5
    return ceil((spread / (high - low)) ** 2)


def fixed_sample_size(rule: JudgedBy) -> int:
    """Return how many it takes in truth: the least n with a bound c such that P(X >= c | low) and
    P(X < c | high) are within the errors (exact binomial)."""
    n = 1
    while True:
        at_low, at_high = _tails(n, rule.share_low), _tails(n, rule.share_high)
        for c in range(n + 1):
            if at_low[c] <= rule.error_above and 1 - at_high[c] <= rule.error_below:
                return n
        n += 1


def _tails(n: int, p: float) -> list[float]:
    """Return P(X >= c) for c = 0 to n."""
    masses = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    return [sum(masses[c:]) for c in range(n + 1)]


def drive_roads(share: float, roads: int, rule: JudgedBy, seed: int = 1) -> Driven:
    """Drive ``roads`` roads; a tenth of tests cannot tell, and costs as much as any other."""
    chance = np.random.default_rng([seed, round(share * 1000)])
    drawn = chance.random((roads, MOST_TESTS))
    tells = chance.random((roads, MOST_TESTS)) > 0.1
    above = np.cumsum(tells & (drawn < share), axis=1)
    not_above = np.cumsum(tells & (drawn >= share), axis=1)
    verdict = judge_counts(above.ravel(), not_above.ravel(), rule).verdict.reshape(roads, -1)
    decided = verdict != 0
    first = np.where(decided.any(axis=1), decided.argmax(axis=1), MOST_TESTS - 1)
    road = np.arange(roads)
    final = verdict[road, first]
    later = verdict[road, np.minimum(2 * first + 1, MOST_TESTS - 1)]
    return Driven(
        share,
        roads,
        float(np.mean(final > 0)),
        float(np.mean(final < 0)),
        float(np.mean(tells.cumsum(axis=1)[road, first])),
        int(first.max()) + 1,
        float(np.mean(later > 0)),
        float(np.mean(later < 0)),
    )
