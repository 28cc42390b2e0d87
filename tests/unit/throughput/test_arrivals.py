"""Packets that came out of order are counted when they came; nothing is counted that did not."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.throughput.arrivals import Arrivals
from fieldsurvey.throughput.tcp_info import Received

WIDTH_US = 50_000
SIZE = 1448
EARLIER = Received(7, 900, 1, 536)  # what a connection has had before the phase


class Receiver:
    """A connection's counters as Linux keeps them. Packets have numbers; all but some are full."""

    def __init__(self) -> None:
        self._next = self._segments = self._out_of_order = self._in_order = 0
        self._waiting: set[int] = set()
        self.arrived_bytes = 0  # each packet once

    def take(self, number: int, size: int = SIZE) -> None:
        self._segments += 1
        if number < self._next or number in self._waiting:
            return
        self.arrived_bytes += size
        if number > self._next:
            self._out_of_order += 1
            self._waiting.add(number)
            return
        self._in_order += size
        self._next += 1
        while self._next in self._waiting:
            self._waiting.remove(self._next)
            self._in_order += SIZE
            self._next += 1

    def told(self) -> Received:
        return Received(
            EARLIER.segments + self._segments,
            EARLIER.in_order_bytes + self._in_order,
            EARLIER.out_of_order_segments + self._out_of_order,
            SIZE if self._segments else EARLIER.segment_bytes,
        )


def counted(per_bin: Sequence[Sequence[tuple[int, int]]]) -> tuple[list[int], list[int], list[int]]:
    """Let packets (number, size) come bin by bin; return what was counted, what came, and what was
    in order, each summed up from the start to the end of each bin."""
    receiver, arrivals = Receiver(), Arrivals(WIDTH_US)
    arrivals.look(0, [receiver.told()])
    came, in_order = [], []
    for index, packets in enumerate(per_bin, start=1):
        for number, size in packets:
            receiver.take(number, size)
        arrivals.look(index * WIDTH_US, [receiver.told()])
        came.append(receiver.arrived_bytes)
        in_order.append(receiver.told().in_order_bytes - EARLIER.in_order_bytes)
    counts = arrivals.counts(len(per_bin)) or ()
    return [sum(counts[: index + 1]) for index in range(len(counts))], came, in_order


def test_a_window_that_waits_behind_a_hole_has_arrived() -> None:
    """Packet 40 is lost and comes again 300 ms later; 50 packets wait at the end behind 190."""
    packets = [[(10 * n + k, SIZE) for k in range(10)] for n in range(24)]
    packets[4].remove((40, SIZE))
    packets[10].append((40, SIZE))
    packets[19].remove((190, SIZE))
    seen, came, in_order = counted(packets)
    assert seen == came
    assert in_order[9] == 40 * SIZE
    assert in_order[-1] == 190 * SIZE


def test_copies_and_packets_that_are_not_full_are_not_waiting() -> None:
    """A time-out sends a window once more; or a relay on the way cuts packets of its own."""
    packets = [[(10 * n + k, SIZE) for k in range(10)] for n in range(20)]
    packets[15] += [(n, SIZE) for n in range(100, 150)]
    assert counted(packets)[0] == counted(packets)[1] == counted(packets)[2]
    short = [[(10 * n + k, SIZE if k else 700) for k in range(10)] for n in range(20)]
    seen, came, _ = counted(short)
    assert seen == came


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=40),
    st.sets(st.integers(0, 400), max_size=60),
    st.integers(1, 6),
)
def test_never_less_than_is_in_order_and_never_more_than_came(
    per_bin: list[int], lost: set[int], comes_again_after_bins: int
) -> None:
    packets: list[list[tuple[int, int]]] = [[] for _ in per_bin]
    number = 0
    for index, count in enumerate(per_bin):
        for _ in range(count):
            late = index + comes_again_after_bins if number in lost else index
            if late < len(packets):
                packets[late].append((number, SIZE))
            number += 1
    seen, came, in_order = counted(packets)
    for at, most, least in zip(seen, came, in_order, strict=True):
        assert least <= at <= most


@given(
    st.lists(st.integers(1, 30), min_size=4, max_size=40),
    st.sets(st.integers(0, 400), max_size=60),
    st.dictionaries(st.integers(0, 39), st.integers(1, 20), max_size=6),
)
def test_copies_can_deceive_in_the_later_half_alone_and_by_no_more_than_they_are(
    per_bin: list[int], lost: set[int], copies: dict[int, int]
) -> None:
    packets: list[list[tuple[int, int]]] = [[] for _ in per_bin]
    number = 0
    for index, count in enumerate(per_bin):
        for _ in range(count):
            late = index + 2 if number in lost else index
            if late < len(packets):
                packets[late].append((number, SIZE))
            number += 1
        packets[index] += [(0, SIZE)] * (copies.get(index, 0) if 0 not in lost else 0)
    seen, came, in_order = counted(packets)
    settled = len(per_bin) // 2
    deceiving = sum(count for index, count in copies.items() if index >= settled - 1)
    for at, most, least in zip(seen, came, in_order, strict=True):
        assert least <= at <= most + deceiving * SIZE


def test_a_look_that_came_late_is_spread_over_the_bins_it_is_for() -> None:
    arrivals = Arrivals(WIDTH_US)
    for at_us, segments in ((0, 0), (50_000, 10), (200_000, 70)):
        arrivals.look(at_us, [Received(segments, segments * SIZE, 0, SIZE)])
    assert arrivals.counts(4) == tuple(n * SIZE for n in (10, 20, 20, 20))


def test_a_connection_that_broke_keeps_what_it_had() -> None:
    arrivals = Arrivals(WIDTH_US)
    one = [Received(n, n * SIZE, 0, SIZE) for n in (0, 5, 10)]
    for index, other in enumerate((one[0], one[1], None)):
        arrivals.look(index * WIDTH_US, [one[index], other])
    assert arrivals.counts(2) == (10 * SIZE, 5 * SIZE)


def test_a_system_that_does_not_tell_is_not_guessed() -> None:
    arrivals = Arrivals(WIDTH_US)
    for at_us in (0, 50_000):
        arrivals.look(at_us, [None, None])
    assert arrivals.counts(1) is None
