"""Which tests run here, and who has to wait: all connections of a test share one slot.

Knows nothing of HTTP. Must not keep anything of a test that has ended, but sums.
"""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fieldsurvey.throughput.server.clients import ClientHours, Hour
from fieldsurvey.throughput.server.limits import Limits


class RunningLoad(Protocol):
    """One load connection while it runs."""

    kind: str  # "throughput1-download"
    ends_s: float  # monotonic; not later than this

    def sent_bytes(self) -> int: ...

    def received_bytes(self) -> int: ...

    def cut(self) -> None:
        """End the load now."""


class NoSlotError(Exception):
    """No slot: 503 when the server is full, 429 when this client has had its share."""

    def __init__(self, status: int, wait_s: float, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after_s = max(math.ceil(wait_s), 1)


@dataclass(eq=False, slots=True)
class Test:
    """One test: its loads so far and those that run."""

    __test__ = False  # pytest: not one of yours

    client: str
    address: str
    name: str
    began_s: float
    quiet_since_s: float  # when its last load ended
    loads: set[RunningLoad] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    past_sent_bytes: int = 0
    past_received_bytes: int = 0

    def sent_bytes(self) -> int:
        return self.past_sent_bytes + sum(load.sent_bytes() for load in self.loads)

    def received_bytes(self) -> int:
        return self.past_received_bytes + sum(load.received_bytes() for load in self.loads)

    def byte_count(self) -> int:
        return self.sent_bytes() + self.received_bytes()

    def free_s(self, pause_s: float) -> float:
        """Return when its slot will be free at the latest, if nothing is added."""
        if not self.loads:
            return self.quiet_since_s + pause_s
        return max(load.ends_s for load in self.loads) + pause_s


class TestSlots:
    """Gives slots to tests. ``ended`` is told of every test that moved bytes, when it is over."""

    __test__ = False

    def __init__(
        self,
        limits: Limits,
        ended: Callable[[Test], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._ended = ended
        self._clock = clock
        self._tests: dict[tuple[str, str], list[Test]] = defaultdict(list)
        self._running_per_client: Counter[str] = Counter()
        self._client_hours = ClientHours()
        self.hour = Hour()
        self.served_tests = 0
        self.served_bytes = 0
        self.refused: Counter[int] = Counter()  # by status

    def running(self) -> int:
        return self._running_per_client.total()

    def check(self, client: str) -> None:
        """Raises NoSlotError if ``client`` could begin no test now."""
        self.sweep()
        self._check(client)

    def enter(self, client: str, address: str, name: str, load: RunningLoad) -> Test:
        """Add ``load`` to the client's test ``name``, or begin that test; raises NoSlotError."""
        self.sweep()
        now_s = self._clock()
        test = self._with_room(client, name, now_s)
        if test is None:
            try:
                self._check(client)
            except NoSlotError as refused:
                self.refused[refused.status] += 1
                raise
            test = Test(client, address, name, now_s, now_s)
            self._tests[client, name].append(test)
            self._running_per_client[client] += 1
        test.loads.add(load)
        return test

    def leave(self, test: Test, load: RunningLoad) -> None:
        """Take ``load``, which has ended, out of its test; the slot is kept for a pause."""
        sent, received = load.sent_bytes(), load.received_bytes()
        test.loads.discard(load)
        test.past_sent_bytes += sent
        test.past_received_bytes += received
        if sent + received:
            test.kinds[load.kind] += 1
        test.quiet_since_s = now_s = self._clock()
        self.served_bytes += sent + received
        self.hour.add(now_s, byte_count=sent + received)
        self._client_hours.of(test.client).add(now_s, byte_count=sent + received)
        if not test.loads and not test.byte_count():
            self._end(test)  # refused for its bad words: it took nothing

    def sweep(self) -> None:
        """End tests that are over, and loads of tests that have moved too much."""
        now_s = self._clock()
        for test in [test for tests in self._tests.values() for test in tests]:
            if not test.loads:
                if now_s - test.quiet_since_s >= self._limits.pause_s:
                    self._end(test)
            elif test.byte_count() > self._limits.bytes_per_test:
                for load in tuple(test.loads):
                    load.cut()

    def end_all(self) -> None:
        """Count what is there as ended: the server stops."""
        for tests in list(self._tests.values()):
            for test in list(tests):
                self._end(test)

    def _with_room(self, client: str, name: str, now_s: float) -> Test | None:
        for test in reversed(self._tests.get((client, name), ())):
            if (
                len(test.loads) < self._limits.loads_per_test
                and now_s - test.began_s < self._limits.seconds_per_test
                and test.byte_count() < self._limits.bytes_per_test
            ):
                return test
        return None

    def _check(self, client: str) -> None:
        now_s, limits = self._clock(), self._limits
        running = self._running_per_client[client]
        if running >= limits.tests_per_client:
            mine = (test for (owner, _), tests in self._tests.items() if owner == client
                    for test in tests)  # fmt: skip
            wait_s = min(test.free_s(limits.pause_s) for test in mine) - now_s
            raise NoSlotError(429, wait_s, "this address runs enough tests already")
        hour_wait_s = self._client_hours.of(client).wait_s(
            now_s,
            tests=limits.tests_per_client_hour - running,
            byte_count=limits.bytes_per_client_hour,
        )
        if hour_wait_s > 0:
            raise NoSlotError(429, hour_wait_s, "this address has had its share of the hour")
        if self.running() >= limits.tests:
            every = (test for tests in self._tests.values() for test in tests)
            wait_s = min(test.free_s(limits.pause_s) for test in every) - now_s
            raise NoSlotError(503, wait_s, "all slots are taken")

    def _end(self, test: Test) -> None:
        siblings = self._tests[test.client, test.name]
        siblings.remove(test)
        if not siblings:
            del self._tests[test.client, test.name]
        self._running_per_client[test.client] -= 1
        if not self._running_per_client[test.client]:
            del self._running_per_client[test.client]
        if test.byte_count():
            now_s = self._clock()
            self.served_tests += 1
            self.hour.add(now_s, tests=1)
            self._client_hours.of(test.client).add(now_s, tests=1)
            if self._ended is not None:
                self._ended(test)
