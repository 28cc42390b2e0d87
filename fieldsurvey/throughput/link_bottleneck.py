"""One direction of an emulated link: a queue of bytes, a rate that empties it, a delay after it.

Pure bookkeeping in seconds and bytes: knows no sockets and no clock, so that a test can step it.
Must not lose, reorder or merge bytes: TCP has been promised every one of them.
"""

from collections import deque
from enum import Enum, auto
from typing import Protocol

SEGMENT_BYTES = 1448  # the least that passes at once, and what an idle link may pass unannounced
LARGEST_READ_BYTES = 65_536
TICK_S = 0.005
DEAD_TICK_S = 0.01


class Ending(Enum):
    """Ways a connection ends; they cross the link behind its bytes."""

    CLOSED = auto()
    RESET = auto()


Content = memoryview | Ending


class Receiver(Protocol):
    """Where content leaves the link."""

    def deliver(self, content: Content) -> None: ...


class Source(Protocol):
    """What may have bytes to send."""

    def fetch(self, most_bytes: int) -> bool:
        """Put at most ``most_bytes`` into the queue; False if there is nothing more for now."""
        ...


class Bottleneck:
    """First in, first out for all connections of one direction, as in a modem.

    A full queue stops the reading, which stops the senders; a small message waits behind the
    bulk. Sources that have something to send wait in line, one read each.
    """

    def __init__(self, delay_s: float, queue_s: float) -> None:
        self._delay_s = delay_s
        self._queue_s = queue_s
        self._queue: deque[tuple[Receiver, Content]] = deque()
        self._queued_bytes = 0
        self._credit_bytes = 0.0
        self._on_the_way: deque[tuple[float, Receiver, Content]] = deque()
        self._waiting: deque[Source] = deque()

    def announce(self, source: Source) -> None:
        """Put a source that may have bytes at the end of the line."""
        self._waiting.append(source)

    def put(self, receiver: Receiver, content: Content) -> None:
        """Queue content, whether or not there is room: only :meth:`step` minds the room."""
        self._queue.append((receiver, content))
        self._queued_bytes += _size(content)

    def step(self, now_s: float, earned_bytes: float, rate_bps: float) -> None:
        """Pass on what the link could carry since the last step (``earned_bytes``), and refill.

        While the queue is never empty no credit is lost, however late a step comes: the mean rate
        is exact. An idle link saves up no more than one segment, a dead one nothing.
        """
        self._credit_bytes += earned_bytes
        if not self._queue:
            self._credit_bytes = min(self._credit_bytes, SEGMENT_BYTES)
        self._refill(rate_bps)
        while self._pass_on(now_s):
            self._refill(rate_bps)
        if rate_bps <= 0:
            self._credit_bytes = 0.0

    def deliver_due(self, now_s: float) -> None:
        """Hand over what has arrived at the far end."""
        while self._on_the_way and self._on_the_way[0][0] <= now_s:
            _, receiver, content = self._on_the_way.popleft()
            receiver.deliver(content)

    def wakeup_s(self, now_s: float, rate_bps: float) -> float | None:
        """Return in how many seconds something is to do; None if only a new byte changes that."""
        waits_s = []
        if self._queue or self._waiting:
            waits_s.append(TICK_S if rate_bps > 0 else DEAD_TICK_S)
        if self._on_the_way:
            waits_s.append(max(0.0, self._on_the_way[0][0] - now_s))
        return min(waits_s, default=None)

    def clear(self) -> None:
        """Forget everything on the link."""
        for pending in (self._queue, self._on_the_way, self._waiting):
            pending.clear()
        self._queued_bytes = 0

    def _refill(self, rate_bps: float) -> None:
        room_bytes = max(rate_bps / 8 * self._queue_s, 2 * SEGMENT_BYTES) if rate_bps > 0 else 0
        read_bytes = int(min(max(rate_bps / 8 * TICK_S, SEGMENT_BYTES), LARGEST_READ_BYTES))
        while self._waiting and self._queued_bytes < room_bytes:
            source = self._waiting.popleft()
            if source.fetch(read_bytes):
                self._waiting.append(source)

    def _pass_on(self, now_s: float) -> bool:
        """Move what the credit pays for onto the way; True if anything moved."""
        due_s = now_s + self._delay_s
        moved = False
        while self._queue and self._credit_bytes > 0:
            receiver, content = self._queue[0]
            size = _size(content)
            if isinstance(content, memoryview) and size > self._credit_bytes:
                size = int(self._credit_bytes // SEGMENT_BYTES) * SEGMENT_BYTES
                if not size:
                    break
                self._queue[0] = (receiver, content[size:])
                content = content[:size]
            else:
                self._queue.popleft()
            self._queued_bytes -= size
            self._credit_bytes -= size
            self._on_the_way.append((due_s, receiver, content))
            moved = True
        return moved


def _size(content: Content) -> int:
    return len(content) if isinstance(content, memoryview) else 0
