"""How much one stranger may take of a measurement server.

Must not trust a client: whatever it asks for is cut to these, and whoever waits is let go.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """``loads`` counts load connections at the same time; a test uses four of them."""

    loads: int = 64
    seconds: float = 30.0
    bytes_per_load: int = 2_000_000_000
    idle_s: float = 30.0  # a connection that asks nothing for so long is closed


class Slots:
    """The load connections that are still free."""

    def __init__(self, limits: Limits) -> None:
        self._free = limits.loads

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold one slot; raises 503 with Retry-After when there is none."""
        if self._free <= 0:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(RETRY_AFTER_S)})
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


def asked_seconds(request: web.Request, limits: Limits) -> float:
    """Return the seconds a client asks for, cut to the limit; raises 400."""
    return min(_positive(request, "seconds", limits.seconds), limits.seconds)


def asked_bytes(request: web.Request, limits: Limits) -> int:
    """Return the bytes a client asks for, cut to the limit; raises 400."""
    return int(min(_positive(request, "bytes", limits.bytes_per_load), limits.bytes_per_load))


def _positive(request: web.Request, name: str, default: float) -> float:
    try:
        value = float(request.query.get(name, default))
    except ValueError:
        value = -1.0
    if not value > 0:  # also refuses nan
        raise web.HTTPBadRequest(text=f"{name} must be a positive number\n")
    return value
