"""How long to leave HQ alone after a failure: longer each time, at random, and never for good.

One for all batches: it is the link or the server that fails. Waits are "full jitter", so that 500
laptops that lost the same server do not come back together.
"""

from collections.abc import Callable

from fieldsurvey.model.clock import US_PER_S, Clock

BASE_S = 2.0
CAP_S = 900.0
_MOST_DOUBLINGS = 9  # 2 s * 2**9 is above the cap


class Backoff:
    """``random``: a number from 0 to its argument, evenly."""

    def __init__(self, clock: Clock, random: Callable[[float], float]) -> None:
        self._clock = clock
        self._random = random
        self._failures = 0
        self._until_us = clock.mono_us()

    def fail(self, at_least_s: float = 0.0) -> None:
        """Wait for random(0, min(900 s, 2 s * 2**n)) on top of what the server asked for."""
        ceiling_s = min(CAP_S, BASE_S * 2**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        wait_s = at_least_s + self._random(ceiling_s)
        self._until_us = self._clock.mono_us() + int(wait_s * US_PER_S)

    def reset(self) -> None:
        """HQ answered, or the network came back: try at once, and count from the beginning."""
        self._failures = 0
        self._until_us = self._clock.mono_us()

    @property
    def wait_s(self) -> float:
        """Seconds until the next try."""
        return max(0, self._until_us - self._clock.mono_us()) / US_PER_S
