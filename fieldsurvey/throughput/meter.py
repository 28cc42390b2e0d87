"""Counts bytes into bins of 50 ms, by the time at which they were received.

Must not smooth: what is stored is what was counted. Where the counting itself came late, what it
found is spread over the time since it last looked, as :mod:`fieldsurvey.throughput.arrivals` does.
"""

import time

from fieldsurvey.model.throughput import BIN_WIDTH_US, Bins

_READING_BINS = 5  # a live reading covers 250 ms


class Meter:
    """The bytes of one phase, all connections together, up to ``limit_bytes``."""

    def __init__(self, limit_bytes: int, width_us: int = BIN_WIDTH_US) -> None:
        self.width_us = width_us
        self.limit_bytes = limit_bytes
        self.total_bytes = 0
        self.byte_counts: list[int] = []
        self.start_ns = time.perf_counter_ns()
        self.last_ns = self.start_ns  # when bytes came last

    def start(self) -> None:
        """Begin bin 0 now."""
        self.start_ns = self.last_ns = time.perf_counter_ns()

    @property
    def full(self) -> bool:
        return self.total_bytes >= self.limit_bytes

    def elapsed_us(self) -> int:
        return (time.perf_counter_ns() - self.start_ns) // 1000

    def silent_us(self) -> int:
        """Return for how long nothing has come."""
        return (time.perf_counter_ns() - self.last_ns) // 1000

    def count(self, received_bytes: int) -> None:
        """Count bytes received just now; what is beyond the limit is not counted."""
        now_ns = time.perf_counter_ns()
        self.add(self._bin_of(now_ns), received_bytes, now_ns)

    def count_since(self, last_ns: int, received_bytes: int) -> None:
        """Count bytes that came at some time after ``last_ns`` and before now.

        After a look that came late, all of them in the bin of now would be a burst that the link
        never carried; and where the hole before it fell into the ramp, a rate that it never had.
        """
        now_ns = time.perf_counter_ns()
        width_ns = self.width_us * 1000
        before_ns, counted = max(last_ns, self.start_ns), 0
        for bin_index in range((before_ns - self.start_ns) // width_ns, self._bin_of(now_ns) + 1):
            until_ns = min(self.start_ns + (bin_index + 1) * width_ns, now_ns)
            share = (until_ns - before_ns) / max(now_ns - before_ns, 1)
            due = received_bytes if until_ns == now_ns else round(share * received_bytes)
            self.add(bin_index, due - counted, now_ns)
            counted = due

    def _bin_of(self, now_ns: int) -> int:
        return (now_ns - self.start_ns) // 1000 // self.width_us

    def add(self, bin_index: int, received_bytes: int, now_ns: int | None = None) -> None:
        """Count bytes that a receiver elsewhere saw in bin ``bin_index``."""
        counted = min(received_bytes, self.limit_bytes - self.total_bytes)
        missing = bin_index + 1 - len(self.byte_counts)
        if missing > 0:
            self.byte_counts.extend([0] * missing)
        if counted <= 0:
            return
        self.byte_counts[bin_index] += counted
        self.total_bytes += counted
        self.last_ns = time.perf_counter_ns() if now_ns is None else now_ns

    def bins(self, duration_us: int) -> Bins:
        """Return all bins; those of a silence before the end are there, and zero."""
        missing = -(-duration_us // self.width_us) - len(self.byte_counts)
        return Bins(tuple(self.byte_counts) + (0,) * max(missing, 0), self.width_us)

    def complete_counts(self, duration_us: int) -> tuple[int, ...]:
        """Return the bins that lie wholly before ``duration_us``."""
        return complete_counts(self.bins(duration_us), duration_us)

    def reading_bps(self, duration_us: int) -> int | None:
        """Return the rate of the last 250 ms: a reading, not a result."""
        latest = self.complete_counts(duration_us)[-_READING_BINS:]
        if len(latest) < _READING_BINS:
            return None
        return sum(latest) * 8_000_000 // (len(latest) * self.width_us)


def complete_counts(bins: Bins, duration_us: int) -> tuple[int, ...]:
    """Return the bins of a phase that lie wholly within its duration; the last is often cut."""
    return bins.byte_counts[: duration_us // bins.width_us]
