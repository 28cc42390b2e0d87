"""The bookkeeping of one direction, stepped by hand: no bytes lost, none in a dead second."""

import pytest

from fieldsurvey.throughput.link_bottleneck import (
    LARGEST_READ_BYTES,
    SEGMENT_BYTES,
    Bottleneck,
    Content,
    Ending,
)

ZEROS = memoryview(bytes(LARGEST_READ_BYTES))


class Far:
    """Remembers what arrived, and when."""

    def __init__(self) -> None:
        self.content: list[Content] = []
        self.now_s = 0.0
        self.times_s: list[float] = []

    def deliver(self, content: Content) -> None:
        self.content.append(content)
        self.times_s.append(self.now_s)

    @property
    def data(self) -> bytes:
        return b"".join(bytes(part) for part in self.content if isinstance(part, memoryview))

    @property
    def size(self) -> int:
        return sum(len(part) for part in self.content if isinstance(part, memoryview))


class Sender:
    """Has ``left`` bytes to send, all counted."""

    def __init__(self, bottleneck: Bottleneck, far: Far, left: int) -> None:
        self.bottleneck, self.far, self.left = bottleneck, far, left
        self.largest_read = 0

    def fetch(self, most_bytes: int) -> bool:
        size = min(most_bytes, self.left)
        self.left -= size
        self.largest_read = max(self.largest_read, size)
        if size:
            self.bottleneck.put(self.far, ZEROS[:size])
        return self.left > 0


def run(
    bottleneck: Bottleneck, far: Far, start_s: float, end_s: float, rate_bps: float, tick_s: float
) -> None:
    for i in range(round((end_s - start_s) / tick_s) + 1):
        far.now_s = start_s + i * tick_s
        bottleneck.step(far.now_s, rate_bps / 8 * tick_s if i else 0.0, rate_bps)
        bottleneck.deliver_due(far.now_s)


@pytest.mark.parametrize("rate_bps", [1e6, 10e6, 400e6])
@pytest.mark.parametrize("tick_s", [0.005, 0.05])
def test_the_mean_rate_is_exact_however_late_the_steps(rate_bps: float, tick_s: float) -> None:
    bottleneck, far = Bottleneck(0.0, 0.1), Far()
    sender = Sender(bottleneck, far, 10**12)
    bottleneck.announce(sender)
    run(bottleneck, far, 0.0, 2.0, rate_bps, tick_s)
    assert far.size == pytest.approx(2.0 * rate_bps / 8, rel=0.01)
    assert sender.largest_read <= LARGEST_READ_BYTES


def test_bytes_come_whole_in_order_and_the_end_behind_them() -> None:
    bottleneck, far = Bottleneck(0.01, 0.1), Far()
    sent = bytes(i % 251 for i in range(20_000))
    for start in range(0, len(sent), 700):
        bottleneck.put(far, memoryview(sent[start : start + 700]))
    bottleneck.put(far, Ending.CLOSED)
    run(bottleneck, far, 0.0, 0.5, 1e6, 0.004)
    assert far.data == sent
    assert far.content[-1] is Ending.CLOSED
    assert bottleneck.wakeup_s(0.5, 1e6) is None


def test_nothing_passes_a_dead_link_not_even_an_ending() -> None:
    bottleneck, far = Bottleneck(0.0, 0.1), Far()
    run(bottleneck, far, 0.0, 1.0, 10e6, 0.01)  # idle: could save up credit
    run(bottleneck, far, 1.0, 1.1, 0.0, 0.01)
    bottleneck.put(far, memoryview(b"ping"))
    bottleneck.put(far, Ending.RESET)
    run(bottleneck, far, 1.1, 5.0, 0.0, 0.01)
    assert far.content == []
    run(bottleneck, far, 5.0, 5.01, 10e6, 0.01)
    assert far.content == [b"ping", Ending.RESET]


def test_an_idle_link_saves_up_one_segment_only() -> None:
    bottleneck, far = Bottleneck(0.0, 0.1), Far()
    run(bottleneck, far, 0.0, 1.0, 100e6, 0.01)
    bottleneck.put(far, memoryview(bytes(1_000_000)))
    bottleneck.step(1.0, 0.0, 100e6)
    bottleneck.deliver_due(1.0)
    assert 0 < far.size <= SEGMENT_BYTES


def test_what_passes_arrives_after_the_delay() -> None:
    bottleneck, far = Bottleneck(0.045, 0.1), Far()
    bottleneck.put(far, memoryview(b"ping"))
    run(bottleneck, far, 0.0, 0.2, 10e6, 0.01)
    assert far.times_s == [pytest.approx(0.06)]


def test_the_queue_is_bounded_and_everybody_gets_a_turn() -> None:
    bottleneck, bulk_far, small_far = Bottleneck(0.0, 0.1), Far(), Far()
    bulk = [Sender(bottleneck, bulk_far, 10**9) for _ in range(8)]
    for sender in bulk:
        bottleneck.announce(sender)
    run(bottleneck, bulk_far, 0.0, 1.0, 10e6, 0.005)
    taken = sum(10**9 - sender.left for sender in bulk) - bulk_far.size
    assert 0.09 < taken / (10e6 / 8) < 0.12  # seconds of queue
    shares = [10**9 - sender.left for sender in bulk]
    assert max(shares) < 1.2 * min(shares)
    small = Sender(bottleneck, small_far, 100)
    bottleneck.announce(small)
    run(bottleneck, small_far, 1.0, 1.3, 10e6, 0.005)
    assert small_far.times_s[0] - 1.0 == pytest.approx(0.13, abs=0.03)  # the queue, and its turn
