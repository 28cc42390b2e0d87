"""Does the measurement server answer, in each second of a drive? "No service" is a result too.

Asks twice a second over one warm connection, so that a second of normal jitter still holds an
answer. When answers are overdue, TCP's own back-off would hide the return of the network for many
seconds: fresh connections are tried meanwhile, and whichever answers first is the warm one.

A second is judged by the silence around it: answers that come late because a queue filled up are
not "no service", a silence of more than two seconds is, from its first full second on. So a second
without an answer is settled only when the silence has ended or has lasted. Must never raise.
"""

import asyncio
import socket
from collections import deque
from dataclasses import dataclass

from fieldsurvey.model.clock import US_PER_S, Clock
from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.ping_connection import Address, PingConnection
from fieldsurvey.throughput.tls import client_context

ASK_EVERY_S = 0.5
# Times of the drive, but never less in real time: however fast a replay runs, answers take as long
# as the link and the computer take.
SILENCE_S, SILENCE_REAL_S = 2.0, 0.25
OVERDUE_S, OVERDUE_REAL_S = 1.5, 0.25
GIVE_UP_S, GIVE_UP_REAL_S = 3.0, 0.75
RECONNECT_EVERY_S = 1.0
MOST_CONNECTIONS = 3
TROUBLES_KEPT = 1000
RESOLVE_AGAIN_REAL_S = 30.0


@dataclass(frozen=True, slots=True)
class _Proof:
    """Something came from the server at ``mono_us`` of the drive's clock."""

    mono_us: int
    round_trip_us: int | None


class ReachabilityProbe:
    """Asks ``server_url`` while :meth:`run` runs; :meth:`settle` says what came of a second.

    Everything happens in one event loop; seconds are settled in order. Raises KnownError
    ``link.bad_server_url`` when built. ``ca_pem`` as in the measurement plan.
    """

    def __init__(
        self, server_url: str, clock: Clock, *, interface: str | None = None, ca_pem: str = ""
    ) -> None:
        try:
            self._server = ServerAddress.parse(server_url)
        except ValueError as error:
            raise KnownError("link.bad_server_url", url=server_url) from error
        self._tls = client_context(ca_pem) if self._server.tls else None
        self.clock = clock
        self._interface = interface
        self._warm: PingConnection | None = None
        self._carriers: dict[PingConnection, asyncio.Task[None]] = {}
        self._spent_bytes = 0  # by connections that are gone
        self._addresses: list[Address] = []
        self._resolved_s = 0.0
        self._resolving: asyncio.Task[None] | None = None
        self._last_opened_s = float("-inf")
        self._started_us = clock.mono_us()
        self._proofs: deque[_Proof] = deque()  # of service, by time of arrival
        self._latest_trip_s = 0.0
        self._troubles: deque[tuple[int, Cause]] = deque(maxlen=TROUBLES_KEPT)
        self._trouble_s = float("-inf")

    @property
    def wire_bytes(self) -> int:
        """What asking has cost so far: payload and an estimate of the headers."""
        return self._spent_bytes + sum(connection.wire_bytes for connection in self._carriers)

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                self._ask()
                await self.clock.sleep(ASK_EVERY_S)
        finally:
            tasks = [*self._carriers.values()]
            if self._resolving is not None:
                tasks.append(self._resolving)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def settle(self, start_us: int, end_us: int, *, final: bool = False) -> Reachability | None:
        """Judge the time from ``start_us`` to ``end_us`` (monotonic clock of the drive).

        Reachable if a proof of service arrived in it, or the silence that covers it was short; None
        if that is not known yet. ``final`` asks for an answer all the same.
        """
        while len(self._proofs) > 1 and self._proofs[1].mono_us < start_us:
            self._proofs.popleft()
        inside = [proof for proof in self._proofs if start_us <= proof.mono_us < end_us]
        if inside:
            trips_us = [proof.round_trip_us for proof in inside if proof.round_trip_us is not None]
            return Reachability(True, trips_us[-1] if trips_us else None)
        before_us = max((p.mono_us for p in self._proofs if p.mono_us < start_us), default=None)
        after_us = min((p.mono_us for p in self._proofs if p.mono_us >= end_us), default=None)
        silent_from_us = self._started_us if before_us is None else before_us
        silent_to_us = self.clock.mono_us() if after_us is None else after_us
        limit_us = self._real_s(SILENCE_S, SILENCE_REAL_S) * self.clock.speed * US_PER_S
        if silent_to_us - silent_from_us > limit_us or final:
            return Reachability(False, None, self._cause_between(silent_from_us, silent_to_us))
        return None if after_us is None else Reachability(True)

    def note_traffic(self) -> None:
        """Bytes of a running test have arrived: proof of service as well."""
        self._proofs.append(_Proof(self.clock.mono_us(), None))

    def _real_s(self, drive_s: float, least_real_s: float = 0.0) -> float:
        return max(drive_s / self.clock.speed, least_real_s)

    def _ask(self) -> None:
        """Send the next question; try new connections while the warm one keeps silent."""
        now_s = asyncio.get_running_loop().time()
        overdue_s = now_s - self._patience_s()
        warm = False
        for connection in self._carriers:
            since_s = connection.waiting_since_s
            if since_s is None or since_s >= overdue_s:
                connection.ask()
                warm = warm or connection is self._warm
            elif since_s >= self._trouble_s:
                self._note_trouble(Cause.TIMED_OUT if self._addresses else Cause.DNS)
        if not warm and now_s - self._last_opened_s >= self._real_s(RECONNECT_EVERY_S):
            self._connect(now_s)

    def _patience_s(self) -> float:
        """Return after how long a silence is overdue; on a slow link later than on a fast one."""
        usual_s = self._real_s(OVERDUE_S, OVERDUE_REAL_S)
        longest_s = self._real_s(GIVE_UP_S, GIVE_UP_REAL_S)
        return min(longest_s, max(usual_s, 2 * self._latest_trip_s))

    def _connect(self, now_s: float) -> None:
        if len(self._carriers) >= MOST_CONNECTIONS:
            oldest = min(self._carriers, key=lambda connection: connection.opened_s)
            patience_s = self._real_s(GIVE_UP_S, GIVE_UP_REAL_S)
            if now_s - (oldest.waiting_since_s or now_s) < patience_s:
                return
            self._drop(oldest)
        self._last_opened_s = now_s
        connection = PingConnection(self._server, self._tls)
        self._carriers[connection] = asyncio.create_task(self._carry(connection))

    async def _carry(self, connection: PingConnection) -> None:
        """Open a connection and listen to its answers for as long as it lives."""
        try:
            await connection.open(await self._address(), self._interface)
            connection.ask()
            while True:
                self._prove(connection, await connection.answer())
        except LinkError as trouble:
            self._note_trouble(trouble.cause)
        finally:
            connection.close()
            self._forget(connection)

    def _prove(self, connection: PingConnection, round_trip_us: int) -> None:
        self._proofs.append(_Proof(self.clock.mono_us(), round_trip_us))
        self._latest_trip_s = round_trip_us / 1e6
        self._warm = connection
        for other in [other for other in self._carriers if other is not connection]:
            self._drop(other)

    def _note_trouble(self, cause: Cause) -> None:
        self._troubles.append((self.clock.mono_us(), cause))
        self._trouble_s = asyncio.get_running_loop().time()

    def _cause_between(self, from_us: int, to_us: int) -> Cause:
        """Return the last thing that went wrong in a silence; mere silence is TIMED_OUT."""
        causes = [cause for at_us, cause in self._troubles if from_us <= at_us <= to_us]
        return causes[-1] if causes else Cause.TIMED_OUT

    def _drop(self, connection: PingConnection) -> None:
        self._carriers[connection].cancel()
        self._forget(connection)

    def _forget(self, connection: PingConnection) -> None:
        if self._carriers.pop(connection, None) is not None:
            self._spent_bytes += connection.wire_bytes
        if self._warm is connection:
            self._warm = None

    async def _address(self) -> Address:
        """Return where to connect: the known address at once, and in turn if there are several.

        Raises LinkError if there never was one.
        """
        now_s = asyncio.get_running_loop().time()
        stale = not self._addresses or now_s - self._resolved_s > RESOLVE_AGAIN_REAL_S
        if stale and (self._resolving is None or self._resolving.done()):
            self._resolving = asyncio.create_task(self._resolve())
        if not self._addresses and self._resolving is not None:
            await asyncio.shield(self._resolving)
        if not self._addresses:
            raise LinkError(Cause.DNS, self._server.host)
        self._addresses.append(self._addresses.pop(0))
        return self._addresses[-1]

    async def _resolve(self) -> None:
        """Look the name up; a failure leaves the addresses that are known."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self._server.host, self._server.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError):  # the latter for what cannot be a host name
            return
        self._addresses = [(family, address) for family, _, _, _, address in found]
        self._resolved_s = loop.time()
