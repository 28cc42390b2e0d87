"""How a share is told in whole per cent, alike in window, report and command line."""

import math


def whole_percent(share: float) -> int:
    """Return a share of 1 rounded to whole per cent; but 100 is said of all of them only."""
    whole = round(100 * share)
    return whole if share >= 1 else min(whole, 99)


def whole_interval(low: float, high: float) -> tuple[int, int]:
    """Return an interval of shares in whole per cent, the ends never further in than they are."""
    first = min(math.floor(100 * low + 1e-9), whole_percent(low))
    return first, math.ceil(100 * high - 1e-9)
