"""What has reached this computer, in order or not.

An application is handed bytes in order: while one packet is missing nothing comes, then all at
once. A sender that keeps several queues full (BBR over four connections) has such holes all the
time, and when a test ends a whole window may wait behind them: 2 to 8 % of a short test that the
link did carry. Linux counts packets as they come in, so they need not be guessed.

Must not count what did not come: where the counters could mean less, less is counted. One thing
they cannot tell: a copy that comes while other packets wait looks like one of these, until the gap
closes. So much, and only of the later half of a phase, may be counted twice.
"""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from fieldsurvey.throughput.tcp_info import Received


@dataclass(slots=True)
class _Flow:
    """One connection's counters since the phase began, look by look."""

    base: Received
    in_order_bytes: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    out_of_order: list[int] = field(default_factory=list)
    segment_bytes: int = 0

    def look(self, now: Received | None) -> None:
        """Note what the kernel says; of a connection that is gone, what it said last."""
        if now is None:
            for counts in (self.in_order_bytes, self.segments, self.out_of_order):
                counts.append(counts[-1] if counts else 0)
            return
        self.in_order_bytes.append(now.in_order_bytes - self.base.in_order_bytes)
        self.segments.append(now.segments - self.base.segments)
        self.out_of_order.append(now.out_of_order_segments - self.base.out_of_order_segments)
        self.segment_bytes = max(self.segment_bytes, now.segment_bytes)

    def arrived_bytes(self, settled: int) -> list[int]:
        """Return what had arrived at each look.

        Packets times their size is more than what is in order by three things: bytes that wait for
        a missing one, bytes that came twice, and packets that were not full. Only the first is to
        be counted. It comes and goes, the others stay: so the least surplus from a look on is not
        waiting. What the latest looks show may still go: there the least surplus since look
        ``settled`` holds, and no more waits than packets came out of order since it last did not.
        """
        size = self.segment_bytes
        surplus = [
            segments * size - in_order
            for segments, in_order in zip(self.segments, self.in_order_bytes, strict=True)
        ]
        least = list(surplus)
        for index in range(len(least) - 2, -1, -1):
            least[index] = min(least[index], least[index + 1])
        floor = min(surplus[settled:])
        arrived: list[int] = []
        most = in_order_from = 0
        for index, in_order in enumerate(self.in_order_bytes):
            stays = least[index] if index < settled else floor
            if surplus[index] - stays < size:
                in_order_from = self.out_of_order[index]
            may_wait = (self.out_of_order[index] - in_order_from) * size
            most = max(most, in_order + max(min(surplus[index] - stays, may_wait), 0))
            arrived.append(most)
        return arrived


class Arrivals:
    """Bins of TCP payload by its arrival, all connections together.

    :meth:`look` has to be called at the phase's start and then at the edge of every bin.
    """

    def __init__(self, width_us: int) -> None:
        self.width_us = width_us
        self._looks_us: list[int] = []
        self._flows: list[_Flow] = []

    def look(self, at_us: int, flows: Sequence[Received | None]) -> None:
        """Take the counters of all connections, always in the same order."""
        if not self._looks_us:
            if None in flows:
                return  # this system does not tell
            self._flows = [_Flow(flow) for flow in flows if flow is not None]
        for flow, now in zip(self._flows, flows, strict=False):
            flow.look(now)
        if self._flows:
            self._looks_us.append(at_us)

    def total_bytes(self) -> int:
        """Return what had arrived at the latest look; 0 where the system does not tell."""
        return self._arrived()[-1] if self._looks_us else 0

    def counts(self, bins: int) -> tuple[int, ...] | None:
        """Return the first ``bins`` bins, None where the system does not tell.

        A look comes a little after the edge it is for, many edges after it where the computer was
        held up: what came between two looks is spread evenly over the time between them.
        """
        if len(self._looks_us) < 2:
            return None
        arrived = self._arrived()
        edges = [self._at(index * self.width_us, arrived) for index in range(bins + 1)]
        return tuple(later - earlier for earlier, later in itertools.pairwise(edges))

    def _arrived(self) -> list[int]:
        """Return what had arrived over all connections at each look."""
        settled = bisect.bisect_left(self._looks_us, self._looks_us[-1] / 2)
        flows = [flow.arrived_bytes(settled) for flow in self._flows]
        return [sum(parts) for parts in zip(*flows, strict=True)]

    def _at(self, at_us: int, arrived: Sequence[int]) -> int:
        index = bisect.bisect_left(self._looks_us, at_us)
        if index == 0:
            return arrived[0]
        if index == len(arrived):
            return arrived[-1]
        before_us, after_us = self._looks_us[index - 1], self._looks_us[index]
        share = (at_us - before_us) / (after_us - before_us)
        return arrived[index - 1] + round(share * (arrived[index] - arrived[index - 1]))
