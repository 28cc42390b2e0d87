"""HTTP to one HQ, over links of 32 kbit/s that lose packets and stop answering.

There is no limit on how long a batch may take, only on how long nothing may move. Whether anything
moves, the kernel knows (Linux: what the other end has acknowledged); elsewhere a batch may wait
unseen in buffers, and patience is as long as the slowest link needs for it. Therefore each request
has a connection whose socket is known.
"""

import asyncio
import base64
import contextlib
import errno
import hashlib
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.transport import MAX_ANSWER_BYTES, Answer, TransportError
from fieldsurvey.wire.answers import EnrolRequest, RecoveryCopy

CONNECT_S = 10.0
IDLE_S = 30.0
ANSWER_S = 120.0  # from the last byte acknowledged to the end of the answer
SLOWEST_BYTES_PER_S = 500  # four at a time on 32 kbit/s with losses
SEND_BUFFER_BYTES = 64 * 1024

_NAME_AND_CONNECT_S = 2 * CONNECT_S
_LOOK_S = 0.5
_CHUNK_BYTES = 64 * 1024
_TCP_INFO_BYTES = 136  # up to bytes_received of ``struct tcp_info``: Linux 4.1
_ACKNOWLEDGED_AND_RECEIVED = struct.Struct("=QQ")
_SOCKET_OPTIONS = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", int(IDLE_S * 1000)),
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)

Moved = tuple[tuple[int, int], ...]  # acknowledged and received bytes of each socket


def trust(ca_pem: str) -> ssl.SSLContext:
    """Return whom to trust: the system's authorities and those in ``ca_pem``.

    Raises KnownError ``sync.bad_ca``.
    """
    context = ssl.create_default_context()
    if ca_pem:
        certificates = ca_pem.encode("ascii", "ignore").decode()  # comments are in any language
        try:
            context.load_verify_locations(cadata=certificates)
        except ssl.SSLError as error:
            raise KnownError("sync.bad_ca", reason=error) from error
    return context


class HttpTransport:
    """Requests to ``url``; use as an async context manager.

    Raises KnownError ``sync.bad_url`` and ``sync.bad_ca``.
    """

    def __init__(
        self, url: str, token: str = "", ca_pem: str = "", *, idle_s: float = IDLE_S
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise KnownError("sync.bad_url", url=url)
        self._url = url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._trust = trust(ca_pem)
        self._idle_s = idle_s
        self._free: list[_Lane] = []

    async def __aenter__(self) -> "HttpTransport":
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._free:
            await self._free.pop().close()

    async def hello(self) -> Answer:
        return await self._request("GET", "/v1/hello")

    async def enrol(self, request: EnrolRequest) -> Answer:
        return await self._request(
            "POST",
            "/v1/enrol",
            msgspec.json.encode(request),
            {"Content-Type": "application/json"},
        )

    async def recovery(self, device: str, token: str, copy: RecoveryCopy) -> Answer:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        path = f"/v1/devices/{device}/recovery"
        return await self._request("PUT", path, msgspec.json.encode(copy), headers)

    async def state(self, device: str, epoch: str) -> Answer:
        path = f"/v1/devices/{device}/epochs/{epoch}/state"
        return await self._request("GET", path, headers=self._authorization)

    async def put(self, device: str, epoch: str, batch_no: int, content: bytes) -> Answer:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        headers = {
            **self._authorization,
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",  # RFC 9530
        }
        path = f"/v1/devices/{device}/epochs/{epoch}/batches/{batch_no}"
        return await self._request("PUT", path, content, headers)

    async def consistency(self, first_size: int, size: int) -> Answer:
        return await self._request("GET", f"/v1/log/consistency?first={first_size}&size={size}")

    async def issued(self) -> Answer:
        return await self._request("GET", "/v1/issued", headers=self._authorization)

    async def issued_part(self, sha256: str, first_byte: int, most_bytes: int) -> Answer:
        last_byte = first_byte + min(most_bytes, MAX_ANSWER_BYTES) - 1
        headers = {**self._authorization, "Range": f"bytes={first_byte}-{last_byte}"}
        return await self._request("GET", f"/v1/issued/{sha256}", headers=headers)

    async def download(self, path: str, first_byte: int, keep: Callable[[bytes], None]) -> Answer:
        """Hand ``keep`` what is at ``path`` from ``first_byte`` on, as it comes.

        The answer to it has status 200, or 206 unless ``first_byte`` is 0, and no body; with any
        other status nothing was kept. What ``keep`` raises ends it; that must be no OSError.
        """
        kept_bytes = 0

        def count(part: bytes) -> None:
            nonlocal kept_bytes
            keep(part)
            kept_bytes += len(part)

        headers = dict(self._authorization)
        if first_byte:
            headers["Range"] = f"bytes={first_byte}-"
        wanted = _Wanted(206 if first_byte else 200, count)
        return await self._request(
            "GET", path, headers=headers, wanted=wanted, moved=lambda: ((kept_bytes, kept_bytes),)
        )

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        wanted: "_Wanted | None" = None,
        moved: Callable[[], Moved | None] | None = None,
    ) -> Answer:
        lane = self._free.pop() if self._free else _Lane(self._trust)
        try:
            sending = lane.request(method, self._url + path, body, headers or {}, wanted)
            answer = await _unless_stalled(sending, moved or lane.moved, self._idle_s, len(body))
        except BaseException:
            await lane.close()
            raise
        self._free.append(lane)
        return answer


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an answer of ``status`` brings is too much for the memory, and kept as it comes."""

    status: int
    keep: Callable[[bytes], None]


class _Lane:
    """One connection at a time, and the sockets that were opened for it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._sockets: list[socket.socket] = []
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=context, socket_factory=self._open),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=_NAME_AND_CONNECT_S, sock_connect=CONNECT_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # a portal's cookie is none of ours
            auto_decompress=False,
        )

    async def request(
        self, method: str, url: str, body: bytes, headers: dict[str, str], wanted: _Wanted | None
    ) -> Answer:
        try:
            async with self._session.request(
                method,
                url,
                data=body or None,
                headers={**headers, "Accept-Encoding": "identity"},
                allow_redirects=False,
            ) as response:
                names = {name.lower(): value for name, value in response.headers.items()}
                if wanted is not None and response.status == wanted.status:
                    async for part in response.content.iter_chunked(_CHUNK_BYTES):
                        wanted.keep(part)
                    return Answer(response.status, names, b"")
                content = await _read_at_most(response.content, MAX_ANSWER_BYTES)
                return Answer(response.status, names, content)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TransportError(_cause_of(error), str(error)) from error

    async def close(self) -> None:
        await self._session.close()

    def moved(self) -> Moved | None:
        """Return what has gone over the lane's connections; None where nobody tells."""
        self._sockets = [sock for sock in self._sockets if sock.fileno() >= 0]
        try:
            return tuple(_moved(sock) for sock in self._sockets)
        except (OSError, NotImplementedError):
            return None

    def _open(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        # What was given up must not go on filling the link, least of all during a test.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for name, value in _SOCKET_OPTIONS:
            if (option := getattr(socket, name, None)) is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)
        self._sockets.append(sock)
        return sock


def _moved(sock: socket.socket) -> tuple[int, int]:
    if sys.platform != "linux":
        raise NotImplementedError
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if len(info) < _TCP_INFO_BYTES:
        raise NotImplementedError
    acknowledged, received = _ACKNOWLEDGED_AND_RECEIVED.unpack_from(info, 120)
    return acknowledged, received


async def _unless_stalled(
    request: Coroutine[Any, Any, Answer],
    moved: Callable[[], Moved | None],
    idle_s: float,
    body_bytes: int,
) -> Answer:
    """Wait for ``request`` while anything moves. Raises TransportError ``STALLED``."""
    task = asyncio.create_task(request)
    blind_s = idle_s + body_bytes / SLOWEST_BYTES_PER_S
    changed_s = acknowledged_s = time.monotonic()
    before = acknowledged_before = None
    try:
        while not (await asyncio.wait({task}, timeout=min(_LOOK_S, idle_s / 4)))[0]:
            now_s, now = time.monotonic(), moved()
            acknowledged = now and [pair[0] for pair in now]
            if now != before:
                changed_s, before = now_s, now
            if acknowledged != acknowledged_before:
                acknowledged_s, acknowledged_before = now_s, acknowledged
            patience_s = blind_s if now is None else idle_s
            if now_s - changed_s > patience_s or now_s - acknowledged_s > blind_s + ANSWER_S:
                raise TransportError(Cause.STALLED, f"nothing moved for {patience_s:.0f} s")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _read_at_most(stream: aiohttp.StreamReader, most_bytes: int) -> bytes:
    content = b""
    while len(content) < most_bytes and (part := await stream.read(most_bytes - len(content))):
        content += part
    return content


def _cause_of(error: BaseException) -> Cause:
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return Cause.TLS
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Cause.DNS
    if isinstance(error, TimeoutError):
        return Cause.TIMED_OUT
    if isinstance(error, aiohttp.ClientResponseError):  # no HTTP
        return Cause.CAPTIVE_PORTAL
    system = getattr(error, "os_error", error)
    if isinstance(system, ConnectionRefusedError):
        return Cause.REFUSED
    if isinstance(system, OSError) and system.errno in _NO_ROUTE:
        return Cause.NO_ROUTE
    return Cause.CUT_OFF
