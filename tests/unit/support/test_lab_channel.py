"""The laboratory's bookkeeping, stepped without sockets or a clock."""

import pytest

from tests.support.lab_channel import Channel, Direction

PACKET = b"x"


def channel(
    *rates_bps: float, delay_s: float = 0.01, queue_bytes: int = 10_000, loss: float = 0.0
) -> Channel:
    """Return a way whose rates hold for one second each."""
    count = len(rates_bps)
    times_s = tuple(float(second) for second in range(count))
    return Channel(Direction(times_s, rates_bps, float(count), delay_s, queue_bytes, loss))


def test_a_packet_takes_its_time_on_the_link_and_then_the_delay() -> None:
    way = channel(1e6)
    way.offer(PACKET, 1250, 0.5)  # 10 ms of the link
    assert way.next_s() == pytest.approx(0.52)
    assert way.due(0.5199) == []
    assert way.due(0.5201) == [PACKET]


def test_looking_late_does_not_slow_the_link() -> None:
    way = channel(1e6)
    for now_s in (0.0, 0.0, 0.0, 0.025):
        way.offer(PACKET, 1250, now_s)
    assert len(way.due(1.0)) == 4  # out at 10, 20, 30 and 40 ms, whoever looks when
    assert way.latest_s == pytest.approx(1.0 - 0.02)
    way.offer(PACKET, 1250, 0.03)  # behind what came before, though that has been fetched
    assert way.next_s() == pytest.approx(0.06)


def test_a_full_queue_drops_what_comes_last() -> None:
    way = channel(1e6, queue_bytes=3000)
    for _ in range(5):
        way.offer(PACKET, 1000, 0.0)
    assert (way.packets, way.dropped) == (5, 2)
    assert len(way.due(10.0)) == 3


def test_a_packet_larger_than_the_queue_passes_an_idle_link() -> None:
    way = channel(1e6, queue_bytes=500)
    way.offer(PACKET, 1000, 0.0)
    assert way.dropped == 0


def test_a_dead_second_holds_packets_until_it_is_over() -> None:
    way = channel(1e6, 0.0, delay_s=0.0)
    way.offer(PACKET, 1250, 0.995)  # half of it before the link dies, half after
    assert way.next_s() == pytest.approx(2.005)
    way.offer(PACKET, 1250, 1.5)
    assert way.next_s() == pytest.approx(2.005)
    assert len(way.due(2.016)) == 2


def test_a_link_that_is_dead_for_good_delivers_nothing() -> None:
    way = channel(0.0)
    way.offer(PACKET, 1250, 0.5)
    assert way.due(1e9) == []
    assert sum(way.report(1.0)["forwarded_bytes"]) == 0


def test_the_log_says_what_left_the_queue_and_when() -> None:
    way = channel(1e6, 2e6, queue_bytes=1_000_000)
    for _ in range(250):
        way.offer(PACKET, 1250, 0.0)
    report = way.report(2.0)
    assert report["forwarded_bytes"][:10] == pytest.approx([12_500] * 10, abs=1250)
    assert report["forwarded_bytes"][10:17] == pytest.approx([25_000] * 7, abs=1250)
    assert sum(report["forwarded_bytes"]) == 250 * 1250


def test_loss_is_drawn_anew_for_every_packet_and_the_same_for_every_run() -> None:
    lost = []
    for _ in range(2):
        way = channel(1e9, loss=0.01, queue_bytes=10_000_000)
        for turn in range(10_000):
            way.offer(PACKET, 1000, turn * 1e-5)
        lost.append(way.lost)
    assert lost[0] == lost[1]
    assert lost[0] == pytest.approx(100, abs=30)
