"""Who gets a slot, who shares one, and when somebody else may come back."""

import itertools
from dataclasses import dataclass, replace

import pytest

from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.slots import NoSlotError, Test, TestSlots

LIMITS = Limits(tests=3, tests_per_client=2, loads_per_test=4, pause_s=2.0)


@dataclass(eq=False)
class Load:
    ends_s: float = 10.0
    kind: str = "throughput1-download"
    sent: int = 1
    received: int = 0
    was_cut: bool = False

    def sent_bytes(self) -> int:
        return self.sent

    def received_bytes(self) -> int:
        return self.received

    def cut(self) -> None:
        self.was_cut = True


class Desk:
    """Slots with a clock of their own."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now_s = 0.0
        self.ended: list[Test] = []
        self.slots = TestSlots(limits, self.ended.append, lambda: self.now_s)

    def enter(self, client: str, name: str, load: Load | None = None) -> tuple[Test, Load]:
        load = load or Load(self.now_s + 10)
        return self.slots.enter(client, client, name, load), load

    def refused(self, client: str, name: str = "new") -> tuple[int, int]:
        with pytest.raises(NoSlotError) as caught:
            self.enter(client, name)
        return caught.value.status, caught.value.retry_after_s


def test_the_connections_of_a_test_share_a_slot() -> None:
    desk = Desk()
    tests = {desk.enter("a", "one")[0] for _ in range(4)}
    assert len(tests) == 1
    assert desk.slots.running() == 1
    assert desk.enter("a", "two")[0] not in tests
    assert desk.enter("b", "one")[0] not in tests
    assert desk.slots.running() == 3


def test_more_connections_than_a_test_has_are_another_test() -> None:
    desk = Desk()
    for _ in range(5):
        desk.enter("a", "one")
    assert desk.slots.running() == 2


def test_a_full_server_says_when_its_first_slot_comes_free() -> None:
    desk = Desk()
    for client, ends_s in (("a", 9.0), ("b", 4.2), ("c", 7.0)):
        desk.enter(client, "one", Load(ends_s))
    desk.now_s = 1.0
    assert desk.refused("d") == (503, 6)  # 4.2 + 2.0 of pause - 1.0, rounded up
    assert desk.slots.refused[503] == 1


def test_who_comes_back_when_told_gets_the_slot() -> None:
    desk = Desk()
    entered = [desk.enter(client, "one", Load(5.0)) for client in "abc"]
    desk.now_s = 5.0
    desk.slots.leave(*entered[0])
    status, wait_s = desk.refused("d")
    assert (status, wait_s) == (503, 2)
    desk.now_s += wait_s
    desk.enter("d", "one")


def test_a_slot_is_kept_between_two_phases_and_freed_after_the_pause() -> None:
    desk = Desk()
    test, load = desk.enter("a", "one")
    desk.now_s = 3.0
    desk.slots.leave(test, load)
    desk.now_s = 4.9
    again, load = desk.enter("a", "one", Load(12.0, kind="throughput1-upload", sent=0, received=5))
    assert again is test
    desk.slots.leave(test, load)
    desk.now_s = 6.9
    desk.slots.sweep()
    assert desk.slots.running() == 0
    assert desk.ended == [test]
    assert dict(test.kinds) == {"throughput1-download": 1, "throughput1-upload": 1}
    assert (test.sent_bytes(), test.received_bytes()) == (1, 5)
    assert desk.slots.served_bytes == 6


def test_one_client_does_not_get_all_slots() -> None:
    desk = Desk()
    desk.enter("a", "one", Load(5.0))
    desk.enter("a", "two", Load(8.0))
    assert desk.refused("a") == (429, 7)
    desk.enter("b", "one")


def test_tests_per_hour() -> None:
    desk = Desk(replace(LIMITS, tests_per_client_hour=2))
    for name in ("one", "two"):
        desk.slots.leave(*desk.enter("a", name))
        desk.now_s += 3
        desk.slots.sweep()
    status, wait_s = desk.refused("a")
    assert status == 429
    assert 3500 < wait_s <= 3660
    desk.enter("b", "one")
    desk.now_s += wait_s
    desk.enter("a", "three")


def test_bytes_per_hour() -> None:
    desk = Desk(replace(LIMITS, bytes_per_client_hour=1000))
    desk.slots.leave(*desk.enter("a", "one", Load(5.0, sent=600, received=400)))
    desk.now_s += 3
    assert desk.refused("a")[0] == 429
    desk.enter("b", "one")


def test_a_test_that_moves_too_much_is_cut_and_gets_no_more_connections() -> None:
    desk = Desk(replace(LIMITS, bytes_per_test=100))
    test, load = desk.enter("a", "one", Load(sent=60))
    _, other = desk.enter("a", "one", Load(sent=41))
    desk.slots.sweep()
    assert load.was_cut
    assert other.was_cut
    assert desk.enter("a", "one")[0] is not test


def test_a_test_does_not_go_on_for_ever() -> None:
    desk = Desk(replace(LIMITS, seconds_per_test=60.0))
    test, _ = desk.enter("a", "one")
    desk.now_s = 59.0
    assert desk.enter("a", "one")[0] is test
    desk.now_s = 60.0
    assert desk.enter("a", "one")[0] is not test


def test_what_moved_nothing_is_no_test() -> None:
    desk = Desk()
    for number in range(10):
        desk.slots.leave(*desk.enter("a", f"{number}", Load(sent=0)))
    assert desk.slots.running() == 0
    assert desk.ended == []
    assert desk.slots.hour.tests(0.0) == 0


def test_a_year_leaves_nothing_in_memory() -> None:
    desk = Desk(replace(LIMITS, tests_per_client_hour=10_000))
    for number in itertools.islice(itertools.count(), 5_000):
        desk.slots.leave(*desk.enter(f"client {number % 7}", f"{number}"))
        desk.now_s += 6_000
        desk.slots.sweep()
    assert desk.slots.running() == 0
    assert not desk.slots._tests
    assert len(desk.slots._client_hours) == 7
    assert desk.slots.hour.tests(desk.now_s) <= 1
