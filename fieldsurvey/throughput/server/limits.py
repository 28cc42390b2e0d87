"""How much strangers may take of a measurement server, one by one and together.

Must not trust a client: whatever it asks for is cut to these, and whoever waits is let go. The
defaults are wide, since behind one address of a mobile operator there may be a thousand people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # options are read from here before anybody knows that a server is wanted
    from aiohttp import web

RETRY_AFTER_S = 10


def _limit(default: float, says: str) -> float:
    """``says`` is the help of the command's option of the same name."""
    value: float = field(default=default, metadata={"help": says})
    return value


def _count(default: int, says: str) -> int:
    value: int = field(default=default, metadata={"help": says})
    return value


@dataclass(frozen=True, slots=True)
class Limits:
    """A test is all connections of one measurement; a load is one of them. A client is an IPv4
    address or an IPv6 /64."""

    tests: int = _count(50, "Tests at the same time; who comes then is told when to come back.")
    loads: int = _count(400, "Load connections at the same time, all tests together.")
    loads_per_test: int = _count(16, "Load connections of one test; one more begins another test.")
    seconds: float = _limit(30.0, "Longest load.")
    bytes_per_load: int = _count(2_000_000_000, "Largest load.")
    seconds_per_test: float = _limit(90.0, "After so long, what comes is another test.")
    bytes_per_test: int = _count(4_000_000_000, "A test that moves more is ended.")
    pause_s: float = _limit(3.0, "A test keeps its slot so long between two loads.")
    tests_per_client: int = _count(25, "Tests of one client at the same time.")
    tests_per_client_hour: int = _count(3_600, "Tests of one client within an hour.")
    bytes_per_client_hour: int = _count(250_000_000_000, "Bytes of one client within an hour.")
    connections: int = _count(4_096, "Open connections.")
    connections_per_client: int = _count(1_024, "Open connections of one client.")
    head_s: float = _limit(10.0, "From a request's first byte to the end of its head.")
    idle_s: float = _limit(75.0, "A connection that asks nothing for so long is closed.")


class Slots:
    """The load connections that are still free. Who may begin a test at all is told by
    :mod:`fieldsurvey.throughput.server.slots`."""

    def __init__(self, limits: Limits) -> None:
        self._free = limits.loads

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold one slot; raises 503 with Retry-After when there is none."""
        if self._free <= 0:
            from aiohttp import web

            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(RETRY_AFTER_S)})
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


def asked_seconds(request: "web.Request", limits: Limits) -> float:
    """Return the seconds a client asks for, cut to the limit; raises 400."""
    return min(_positive(request, "seconds", limits.seconds), limits.seconds)


def _positive(request: "web.Request", name: str, default: float) -> float:
    try:
        value = float(request.query.get(name, default))
    except ValueError:
        value = -1.0
    if not value > 0:  # also refuses nan
        from aiohttp import web

        raise web.HTTPBadRequest(text=f"{name} must be a positive number\n")
    return value
