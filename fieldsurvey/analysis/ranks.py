"""Percentiles, medians and pairs by rank: no rate is assumed to be distributed in any way.

Pure arithmetic on sorted arrays and counts.
"""

import numpy as np
import numpy.typing as npt

INTERVAL_ERROR = 0.05

_LOG_2 = float(np.log(2.0))


def ranked(ordered: npt.NDArray[np.float64], percent: int) -> float:
    """Return the smallest of n sorted values that at least ``percent`` in a hundred of them do not
    exceed: one that was measured. n is 1 or more."""
    rank = (len(ordered) * percent + 99) // 100
    return float(ordered[max(rank, 1) - 1])


def median_ranks(n: int, error: float = INTERVAL_ERROR) -> tuple[int, int] | None:
    """Return the places, from 0, of the sorted values between which the median lies, except with
    probability ``error`` at most; None where n values are too few for any.

    Exact for any distribution (Conover 1999, section 3.2): P(X_(k) > median) = P(B(n, 1/2) < k).
    """
    below = np.cumsum(_binomial(n))[: (n + 1) // 2]  # P(B <= k)
    k = int(np.searchsorted(below, error / 2, side="right"))
    return None if k == 0 else (k - 1, n - k)


def sign_test(more: int, less: int) -> float:
    """Return the probability of so unequal numbers of signs, or more so, where either is as likely
    (two-sided, exact; ties are left out before). 1 without any sign."""
    n = more + less
    if n == 0:
        return 1.0
    return min(1.0, 2.0 * float(np.sum(_binomial(n)[: min(more, less) + 1])))


def _binomial(n: int) -> npt.NDArray[np.float64]:
    """Return P(B(n, 1/2) = k) for k = 0 to n."""
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    masses: npt.NDArray[np.float64] = np.exp(
        log_factorial[n] - log_factorial - log_factorial[::-1] - n * _LOG_2
    )
    return masses
