"""A sender may be quick for a while, and nobody pays for another's haste."""

from fieldsurvey.hq.throttle import Throttle


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_then_one_by_one() -> None:
    clock = _Clock()
    throttle = Throttle(2.0, 5, clock)
    assert [throttle.wait_s("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert throttle.wait_s("b") == 0
    clock.now_s = 0.5
    assert [throttle.wait_s("a") for _ in range(2)] == [0, 1]
    clock.now_s = 1000.0
    assert [throttle.wait_s("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_the_wait_told_is_long_enough() -> None:
    clock = _Clock()
    throttle = Throttle(0.1, 1, clock)
    assert throttle.wait_s("a") == 0
    wait_s = throttle.wait_s("a")
    assert wait_s == 10
    clock.now_s = wait_s
    assert throttle.wait_s("a") == 0


def test_strangers_do_not_fill_the_memory() -> None:
    throttle = Throttle(1.0, 1, _Clock())
    for number in range(20_000):
        throttle.wait_s(str(number))
    assert len(throttle._buckets) <= 10_000
