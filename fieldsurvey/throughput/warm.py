"""Connections that are kept open between two tests, so that the next one starts a load at once.

Must never spoil a result: a kept connection that is old, closed or bound to an address that the
computer no longer has is thrown away, and a test that fails on a kept one is tried on a fresh one
before anything is said about the network.
"""

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass, field

from fieldsurvey.throughput.interface import bind_to_interface
from fieldsurvey.throughput.tls import client_context

OLDEST_S = 60.0  # operators forget idle connections, some after two minutes
MOST_KEPT = 16


@dataclass(frozen=True, slots=True)
class Destination:
    """What a connection must have in common with a test to be of use to it."""

    host: str
    port: int
    tls: bool
    interface: str | None
    ca_pem: str


class WarmConnections:
    """Connections without a question on them. Belongs to one event loop.

    ``demanding``: where loads were refused for want of an access token.
    """

    def __init__(self) -> None:
        self.demanding: set[Destination] = set()
        self._kept: dict[Destination, list[_Keeper]] = {}
        self._tls_contexts: dict[str, ssl.SSLContext] = {}

    def tls_context(self, ca_pem: str) -> ssl.SSLContext:
        """Return what to trust: reading the system's certificates takes longer than a handshake."""
        context = self._tls_contexts.get(ca_pem)
        if context is None:
            context = self._tls_contexts[ca_pem] = client_context(ca_pem)
        return context

    def keep(
        self, destination: Destination, transport: asyncio.Transport, opened_s: float | None = None
    ) -> None:
        """Take over a connection; ``opened_s`` is the monotonic time of its last use."""
        kept = self._kept.setdefault(destination, [])
        if transport.is_closing() or len(kept) >= MOST_KEPT:
            transport.abort()
            return
        keeper = _Keeper(transport, time.monotonic() if opened_s is None else opened_s)
        transport.set_protocol(keeper)
        kept.append(keeper)

    def count(self, destination: Destination) -> int:
        """Return how many there are; some may turn out to be stale."""
        return len(self._kept.get(destination, ()))

    def total(self) -> int:
        """Return how many there are, wherever they lead."""
        return sum(map(len, self._kept.values()))

    async def take(self, destination: Destination) -> asyncio.Transport | None:
        """Return the newest connection that is still good, to be given its next protocol."""
        if not self._kept.get(destination):
            return None
        await asyncio.sleep(0)  # the loop sees first what came meanwhile: an end, for one
        await asyncio.sleep(0)
        kept = self._kept.get(destination, [])
        while kept:
            keeper = kept.pop()
            if keeper.is_good(destination.interface):
                return keeper.transport
            keeper.transport.abort()
        return None

    def drop(self, destination: Destination) -> None:
        """Let go of all that lead there: one of them has failed."""
        for keeper in self._kept.pop(destination, []):
            keeper.transport.abort()

    def close(self) -> None:
        for destination in list(self._kept):
            self.drop(destination)


@dataclass(eq=False)
class _Keeper(asyncio.Protocol):
    """Sits on a kept connection, and notices when it is no longer what it was."""

    transport: asyncio.Transport
    opened_s: float
    spoilt: bool = field(default=False, init=False)

    def data_received(self, data: bytes) -> None:
        self.spoilt = True  # nobody asked

    def eof_received(self) -> None:
        self.spoilt = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.spoilt = True

    def is_good(self, interface: str | None) -> bool:
        return (
            not self.spoilt
            and not self.transport.is_closing()
            and time.monotonic() - self.opened_s < OLDEST_S
            and _same_route(self.transport, interface)
        )


def _same_route(transport: asyncio.Transport, interface: str | None) -> bool:
    """Return whether the system would still send from the connection's own address."""
    local, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    if local is None or peer is None:
        return False
    family = socket.AF_INET6 if len(peer) == 4 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # connecting it sends nothing
        try:
            bind_to_interface(probe, interface)
            probe.connect(peer)
            return bool(probe.getsockname()[0] == local[0])
        except OSError:
            return False
