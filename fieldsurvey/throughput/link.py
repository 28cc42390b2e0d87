"""Opens TCP and TLS connections to the measurement server, each failure with its own cause.

Must not wait longer than it was told to, and must not hide which step failed: a name that is not
found, a server that refuses and one that never answers are three different results.
"""

import asyncio
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.interface import bind_to_interface

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
        self, server: ServerAddress, interface: str | None, connect_timeout_us: int, stall_us: int
    ) -> None:
        self.server = server
        self.mss_bytes: int | None = None
        self.connect_us: int | None = None  # of the newest connection: one round trip
        self._interface = interface
        self._connect_timeout_s = connect_timeout_us / 1e6
        self._stall_s = stall_us / 1e6
        self._address: SocketAddress | None = None
        self._tls = ssl.create_default_context() if server.tls else None

    async def open(self, protocol: _Protocol) -> _Protocol:
        """Connect ``protocol``; raises LinkError, OSError or ssl.SSLError."""
        sock = await self._connected_socket()
        try:
            self.mss_bytes = _mss_bytes(sock)
            async with asyncio.timeout(self._stall_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: protocol,
                    sock=sock,
                    ssl=self._tls,
                    server_hostname=self.server.host if self._tls else None,
                )
        except TimeoutError as error:
            sock.close()
            if error.errno is not None:  # the kernel's own, not ours
                raise
            raise LinkError(Cause.STALLED, "no answer to the TLS handshake") from error
        except BaseException:
            sock.close()
            raise
        return protocol

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
