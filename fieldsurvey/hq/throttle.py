"""Token buckets: nobody can keep HQ from listening to the others. In memory; a restart forgives."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_BUCKETS = 10_000


class Throttle:
    """``rate_per_s`` requests of each sender, ``burst`` of them at once. Event loop only."""

    def __init__(
        self, rate_per_s: float, burst: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock_s = clock_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, as of

    def wait_s(self, sender: str) -> int:
        """Take one request of ``sender``'s; return 0, or in how many seconds to come again."""
        now_s = self._clock_s()
        left, as_of_s = self._buckets.pop(sender, (self._burst, now_s))
        left = min(self._burst, left + (now_s - as_of_s) * self._rate_per_s)
        allowed = left >= 1
        self._buckets[sender] = (left - 1 if allowed else left, now_s)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / self._rate_per_s))
