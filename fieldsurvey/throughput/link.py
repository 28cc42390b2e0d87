"""Opens TCP and TLS connections to the measurement server, each failure with its own cause.

Must not wait longer than it was told to, and must not hide which step failed: a name that is not
found, a server that refuses and one that never answers are three different results.
"""

import asyncio
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.interface import bind_to_interface
from fieldsurvey.throughput.warm import Destination, WarmConnections

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the measurement server is: ``http[s]://HOST[:PORT][/PATH]``."""

    host: str
    port: int
    path: str
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "ServerAddress":
        """Read a server URL; raises ValueError if it is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not a server URL: {url!r}")
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        return cls(parts.hostname, port, parts.path.rstrip("/"), tls)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """One address of the server, as the socket functions want it."""

    family: int
    sockaddr: tuple[Any, ...]


class Link:
    """Opens connections to one server. The address that answered first is used for the rest."""

    def __init__(
        self,
        server: ServerAddress,
        interface: str | None,
        connect_timeout_us: int,
        stall_us: int,
        *,
        ca_pem: str = "",
        warm: WarmConnections | None = None,
    ) -> None:
        """``warm`` holds connections that may be used instead of new ones.

        Raises ValueError for a ``ca_pem`` that holds no certificates.
        """
        self.server = server
        self.mss_bytes: int | None = None
        self.connect_us: int | None = None  # of the newest connection: one round trip
        self.peer_address: str | None = None
        self._interface = interface
        self._connect_timeout_s = connect_timeout_us / 1e6
        self._stall_s = stall_us / 1e6
        self._address: SocketAddress | None = None
        self._warm = warm or WarmConnections()
        self._destination = Destination(server.host, server.port, server.tls, interface, ca_pem)
        self._reused: set[asyncio.BaseProtocol] = set()
        self._proven: set[asyncio.Transport] = set()  # have answered since this object was made
        self._tls = self._warm.tls_context(ca_pem) if server.tls else None

    @property
    def ip_version(self) -> int | None:
        if self.peer_address is None:
            return None
        return 6 if ":" in self.peer_address else 4

    @property
    def demands_token(self) -> bool:
        """Whether the server has refused a load, in this test or before, for want of a token."""
        return self._destination in self._warm.demanding

    def note_demand(self) -> None:
        self._warm.demanding.add(self._destination)

    async def open(self, protocol: _Protocol) -> _Protocol:
        """Connect ``protocol``, over a kept connection where there is a good one.

        Raises LinkError, OSError or ssl.SSLError.
        """
        transport = await self._warm.take(self._destination)
        if transport is None:
            return await self.open_fresh(protocol)
        if transport not in self._proven:
            self._reused.add(protocol)
        self._know(transport.get_extra_info("socket"), transport.get_extra_info("peername"))
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol

    async def open_fresh(self, protocol: _Protocol) -> _Protocol:
        """Connect ``protocol`` anew; raises as :meth:`open` does."""
        loop = asyncio.get_running_loop()
        sock = await self._connected_socket()
        try:
            assert self._address is not None
            self._know(sock, self._address.sockaddr)
            first = _Holder if self._tls else (lambda: protocol)
            transport, _ = await loop.create_connection(first, sock=sock)
        except BaseException:
            sock.close()
            raise
        if self._tls is None:
            return protocol
        # From here on the socket is the loop's: closing it under the loop's hands would give its
        # number to the next one while it is still watched.
        try:
            async with asyncio.timeout(self._stall_s):
                encrypted = await loop.start_tls(
                    transport, protocol, self._tls, server_hostname=self.server.host
                )
        except TimeoutError as error:
            transport.abort()
            if error.errno is not None:  # the kernel's own, not ours
                raise
            raise LinkError(Cause.STALLED, "no answer to the TLS handshake") from error
        except BaseException:
            transport.abort()
            raise
        assert encrypted is not None
        protocol.connection_made(encrypted)
        return protocol

    def is_reused(self, protocol: asyncio.BaseProtocol) -> bool:
        """Return whether ``protocol`` was put on a connection from before, not heard of since: its
        failure proves nothing."""
        return protocol in self._reused

    def keep(self, transport: asyncio.Transport | None) -> None:
        """Keep a connection that has answered all it was asked; None is one that cannot be kept."""
        if transport is not None:
            self._proven.add(transport)
            self._warm.keep(self._destination, transport)

    async def keep_ready(self, connections: int) -> None:
        """Open what is missing to ``connections`` kept ones; what fails is left."""
        missing = connections - self._warm.count(self._destination)
        opening = [asyncio.ensure_future(self._open_and_keep()) for _ in range(missing)]
        try:
            await asyncio.gather(*opening, return_exceptions=True)
        finally:
            for task in opening:
                task.cancel()
            await asyncio.gather(*opening, return_exceptions=True)  # none opens after its end

    def drop_kept(self) -> None:
        """Trust no kept connection any more."""
        self._warm.drop(self._destination)

    async def _open_and_keep(self) -> None:
        holder = await self.open_fresh(_Holder())
        self.keep(holder.transport)

    def _know(self, sock: socket.socket, peer: tuple[Any, ...]) -> None:
        self.mss_bytes = _mss_bytes(sock)
        self.peer_address = peer[0]
        if self._address is None:
            family = socket.AF_INET6 if self.ip_version == 6 else socket.AF_INET
            self._address = SocketAddress(family, peer)

    async def _connected_socket(self) -> socket.socket:
        deadline_s = time.monotonic() + self._connect_timeout_s
        if self._address is not None:
            return await self._connect(self._address, self._connect_timeout_s)
        addresses = await _resolve(self.server, self._connect_timeout_s)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                sock = await self._connect(address, (deadline_s - time.monotonic()) / left)
            except (OSError, LinkError):
                if left == 1:
                    raise
                continue
            self._address = address
            return sock
        raise LinkError(Cause.DNS, f"{self.server.host} has no address")

    async def _connect(self, address: SocketAddress, timeout_s: float) -> socket.socket:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            bind_to_interface(sock, self._interface)
            began_ns = time.perf_counter_ns()
            async with asyncio.timeout(max(timeout_s, 0)):
                await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
            self.connect_us = (time.perf_counter_ns() - began_ns) // 1000
        except TimeoutError as error:
            sock.close()
            if error.errno is not None:  # the kernel gave up before we did
                raise
            raise LinkError(Cause.TIMED_OUT, f"no answer from {address.sockaddr[0]}") from error
        except BaseException:
            sock.close()
            raise
        return sock


class _Holder(asyncio.Protocol):
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


async def _resolve(server: ServerAddress, timeout_s: float) -> list[SocketAddress]:
    """Look the server's name up without ever blocking the end of a test.

    The system's resolver cannot be cancelled, so it gets a daemon thread that nobody waits for.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[SocketAddress]] = loop.create_future()

    def deliver(result: list[SocketAddress] | BaseException) -> None:
        if found.done():
            return
        if isinstance(result, BaseException):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look_up() -> None:
        result: list[SocketAddress] | BaseException
        try:
            entries = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
            result = [SocketAddress(family, sockaddr) for family, _, _, _, sockaddr in entries]
        except (OSError, UnicodeError) as error:
            result = error
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(deliver, result)
            except RuntimeError:
                return  # the test ended meanwhile

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await found
    except TimeoutError as error:
        raise LinkError(Cause.DNS, f"no answer about the name {server.host}") from error


def _mss_bytes(sock: socket.socket) -> int | None:
    """Return the TCP payload per packet, options already taken off; None where it is not told."""
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) or None
    except (OSError, AttributeError):
        return None
