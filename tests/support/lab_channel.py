"""One direction of an emulated link: a rate, a byte queue that drops its tail, loss, a delay.

Pure bookkeeping in seconds and bits: knows no sockets and no clock. Every packet's way out is
computed from the bits the link could carry, never from when somebody looked, so that a process that
wakes late delays packets but doesn't change the rate.
"""

import bisect
import itertools
import math
import random
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from fieldsurvey.throughput.link_trace import LinkTrace

SLOT_S = 0.1
PAYLOAD_BYTES, PACKET_BYTES = 1448, 1500  # of a full IPv4 packet with TCP time stamps
PAYLOAD_RATIO = PAYLOAD_BYTES / PACKET_BYTES
IP_RATIO = PACKET_BYTES / PAYLOAD_BYTES


@dataclass(frozen=True, slots=True)
class Direction:
    """What one direction of a link is like. Rates are bit/s of IP packets.

    ``times_s`` and ``rates_bps`` as in :class:`LinkTrace`, which starts over after ``duration_s``;
    ``loss`` is the share of packets that vanish, drawn from ``seed`` packet by packet.
    """

    times_s: tuple[float, ...]
    rates_bps: tuple[float, ...]
    duration_s: float
    delay_s: float
    queue_bytes: int
    loss: float = 0.0
    seed: int = 2

    def schedule(self) -> "Schedule":
        return Schedule(LinkTrace(self.times_s, self.rates_bps, self.duration_s))


class Schedule:
    """Bits a link could carry since its start, and the way back from bits to seconds."""

    def __init__(self, trace: LinkTrace) -> None:
        self.bits_until = trace.bits_until
        self._trace = trace
        self._times_s = [*trace.times_s, trace.duration_s]
        spans = itertools.pairwise(self._times_s)
        self._bits = [0.0, *itertools.accumulate(
            rate_bps * (end_s - start_s)
            for rate_bps, (start_s, end_s) in zip(trace.rates_bps, spans, strict=True)
        )]  # fmt: skip

    def second_of(self, bits: float) -> float:
        """Return when the link has carried ``bits``; never, if it is dead for good."""
        whole_bits = self._bits[-1]
        if whole_bits <= 0:
            return math.inf
        rounds, rest = divmod(bits, whole_bits)
        index = bisect.bisect_right(self._bits, rest) - 1
        rate_bps = self._trace.rates_bps[index] if index < len(self._trace.rates_bps) else 0.0
        within_s = (rest - self._bits[index]) / rate_bps if rate_bps else 0.0
        return rounds * self._trace.duration_s + self._times_s[index] + within_s


class Channel:
    """Packets on their way in one direction. Seconds count from the start of the link."""

    def __init__(self, direction: Direction) -> None:
        self._schedule = direction.schedule()
        self._delay_s = direction.delay_s
        self._queue_bits = direction.queue_bytes * 8
        self._loss = direction.loss
        self._random = random.Random(direction.seed)
        self._carried_bits = 0.0  # the point in the schedule up to which the link is taken
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self._forwarded: Counter[int] = Counter()
        self.packets = self.lost = self.dropped = 0
        self.latest_s = 0.0

    def offer(self, packet: bytes, wire_bytes: int, now_s: float) -> None:
        """Take a packet that the sender put on the link."""
        self.packets += 1
        now_bits = self._schedule.bits_until(now_s)
        start_bits = max(self._carried_bits, now_bits)
        end_bits = start_bits + wire_bytes * 8
        if end_bits - now_bits > self._queue_bits and start_bits > now_bits:
            self.dropped += 1
            return
        self._carried_bits = end_bits
        out_s = self._schedule.second_of(end_bits)
        # What is lost on the air has used the air.
        if out_s < math.inf:
            self._forwarded[int(out_s / SLOT_S)] += wire_bytes
        if self._loss and self._random.random() < self._loss:
            self.lost += 1
            return
        self._on_the_way.append((out_s + self._delay_s, packet))

    def due(self, now_s: float) -> list[bytes]:
        """Return what has arrived at the far end."""
        arrived = []
        while self._on_the_way and self._on_the_way[0][0] <= now_s:
            due_s, packet = self._on_the_way.popleft()
            self.latest_s = max(self.latest_s, now_s - due_s)
            arrived.append(packet)
        return arrived

    def next_s(self) -> float:
        """Return when the next packet arrives."""
        return self._on_the_way[0][0] if self._on_the_way else math.inf

    def report(self, now_s: float) -> dict[str, Any]:
        """Return the ground truth so far; bytes are those of IP packets, per 100 ms."""
        slots = range(int(now_s / SLOT_S) + 1)
        return {
            "packets": self.packets,
            "lost": self.lost,
            "dropped": self.dropped,
            "latest_s": self.latest_s,
            "forwarded_bytes": [self._forwarded[slot] for slot in slots],
        }
