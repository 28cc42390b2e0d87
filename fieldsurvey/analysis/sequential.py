"""Is a place above or below a target? A sequential test over its throughput tests, and an interval.

The unit is one test, never a second. Each is above (1) or not (0; a test that met no service is
not above); undecided ones say nothing either way. Wald's sequential probability ratio test for the
share p of tests above (Wald 1945; Bernoulli case): with s above and f not above, the logarithm of
the likelihood ratio of ``share_high`` against ``share_low`` is

    s ln(p1/p0) + f ln((1-p1)/(1-p0))

"above" from ln(1/error_above) on, "below" down to ln(error_below), else undecided. At these bounds
the errors hold however often somebody looks, and however long tests go on after a decision (Ville's
inequality), where Wald's own would be approximate. So the verdict is a function of counts: the
order of tests does not matter, and a place whose later tests contradict the earlier ones is open
again.

Pure: arrays in, arrays out, one element per place.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.model.verdict import Verdict

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

INTERVAL_ERROR = 0.05
_BISECTIONS = 40  # an interval's ends are right to 1e-12
_NO_DRIFT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Of n places: ``verdict`` (-1 below, 0 undecided, 1 above); the share of tests above with its
    interval, NaN without tests; and for open places how many more tests will probably decide if
    the share stays what it is, and how many it takes at least (both 0 for decided ones)."""

    verdict: npt.NDArray[np.int8]
    share: Floats
    share_low: Floats
    share_high: Floats
    tests_needed: Counts
    tests_at_least: Counts


WORDS = {-1: Verdict.BELOW.value, 0: Verdict.UNDECIDED.value, 1: Verdict.ABOVE.value}


def judge_counts(above: Counts, not_above: Counts, rule: JudgedBy) -> Judged:
    """Judge n places by their numbers of tests above and not above."""
    s, f = np.asarray(above, np.int64), np.asarray(not_above, np.int64)
    up, down = _steps(rule)
    top, bottom = log(1 / rule.error_above), log(rule.error_below)
    ratio = s * up + f * down
    verdict = (ratio >= top).astype(np.int8) - (ratio <= bottom).astype(np.int8)
    at_least = np.minimum(np.ceil((top - ratio) / up), np.ceil((bottom - ratio) / down))
    # Half a test each way, so that a place without tests has a share to go on by.
    expected = _expected_tests(ratio, (s + 0.5) / (s + f + 1.0), rule)
    needed = np.maximum(np.ceil(expected), at_least)
    is_open = verdict == 0
    total = s + f
    share = np.divide(s, total, out=np.full(len(s), np.nan), where=total > 0)
    low, high = share_interval(s, f)
    return Judged(
        verdict,
        share,
        low,
        high,
        np.where(is_open, needed, 0).astype(np.int64),
        np.where(is_open, at_least, 0).astype(np.int64),
    )


def share_interval(
    above: Counts, not_above: Counts, error: float = INTERVAL_ERROR
) -> tuple[Floats, Floats]:
    """Return lower and upper end of the share of tests above; NaN without tests.

    It holds with probability 1 - ``error`` at all times together, so it may be looked at after
    every test: the shares p that a beta-binomial mixture with uniform prior does not rule out,
    B(s+1, f+1) / (p^s (1-p)^f) < 1/error (Robbins 1970).
    """
    # Few pairs of counts occur, however many places there are.
    base = 1 + np.max(not_above, initial=0)
    pairs, place = np.unique(above * base + not_above, return_inverse=True)
    s, f = np.divmod(pairs, base)
    log_factorial = np.concatenate(
        ([0.0], np.cumsum(np.log(np.arange(1, 2 + (s + f).max(initial=0)))))
    )
    least = log_factorial[s] + log_factorial[f] - log_factorial[s + f + 1] + log(error)
    total = s + f
    share = np.divide(s, total, out=np.full(len(s), np.nan), where=total > 0)
    low = _edge(s, f, least, outside=np.zeros(len(s)), inside=share)
    high = _edge(s, f, least, outside=np.ones(len(s)), inside=share)
    return low[place], high[place]


def _steps(rule: JudgedBy) -> tuple[float, float]:
    """Return what a test above and one not above add to the logarithm of the ratio."""
    return (
        log(rule.share_high / rule.share_low),
        log((1 - rule.share_high) / (1 - rule.share_low)),
    )


def _expected_tests(ratio: Floats, share: Floats, rule: JudgedBy) -> Floats:
    """Return the mean number of tests until a bound is met, from ``ratio`` on, if ``share`` of them
    are above: exit time of a Brownian motion with the walk's drift and variance (Cox and Miller
    1965, section 5.7). It leaves out the step over the bound, so rather too few than too many."""
    up, down = _steps(rule)
    top, bottom = log(1 / rule.error_above), log(rule.error_below)
    drift = share * up + (1 - share) * down
    variance = share * (1 - share) * (up - down) ** 2
    inside = np.clip(ratio, bottom, top)
    to_top, to_bottom, width = top - inside, inside - bottom, top - bottom
    straight = np.abs(drift) < _NO_DRIFT
    safe = np.where(straight, 1.0, drift)
    k = 2 * safe / variance
    # P(top first) = (1 - exp(-k to_bottom)) / (1 - exp(-k width)); signs so that no exp overflows.
    rising = -np.expm1(-np.abs(k) * to_bottom) / -np.expm1(-np.abs(k) * width)
    falling = -np.expm1(-np.abs(k) * to_top) / -np.expm1(-np.abs(k) * width)
    at_top = np.where(k > 0, rising, 1 - falling)
    drifting = (at_top * to_top - (1 - at_top) * to_bottom) / safe
    return np.where(straight, to_top * to_bottom / variance, drifting)


def _edge(s: Counts, f: Counts, least: Floats, outside: Floats, inside: Floats) -> Floats:
    """Bisect for where the likelihood of p falls to ``least``, between p = 0 or 1 and the share."""
    out, within = outside.copy(), inside.copy()
    for _ in range(_BISECTIONS):
        middle = (out + within) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = np.where(s > 0, s * np.log(middle), 0.0) + np.where(
                f > 0, f * np.log1p(-middle), 0.0
            )
        holds = likelihood > least
        within = np.where(holds, middle, within)
        out = np.where(holds, out, middle)
    # A share of exactly 0 or 1 is its own edge.
    return np.where(inside == outside, outside, within)
