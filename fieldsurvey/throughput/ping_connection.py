"""One keep-alive connection that asks the measurement server for tiny answers.

Speaks the few lines of HTTP/1.1 that this needs, so that each failure keeps its own cause. Must
not believe anybody but our server: an answer without its header and our nonce is a portal's.
"""

import asyncio
import itertools
import json
import os
import socket
import ssl
from collections import deque
from typing import Any

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError, cause_of, detail_of
from fieldsurvey.throughput.http_head import PING_PATH, Head, request_head
from fieldsurvey.throughput.interface import bind_to_interface
from fieldsurvey.throughput.link import ServerAddress

LARGEST_ANSWER_BYTES = 4096
# IPv4 and TCP headers with timestamps: question, answer and the answer's acknowledgement.
HEADERS_PER_PING_BYTES = 3 * 52
HANDSHAKE_BYTES = 3 * 60
TLS_HANDSHAKE_BYTES = 5_000

Address = tuple[socket.AddressFamily, Any]  # as socket.connect() takes it


class PingConnection:
    """A connection and the questions that wait for an answer on it, oldest first.

    ``waiting_since_s`` is the event loop's time since when it waits without a sign of life: for
    the connection, or for the next answer; None when it waits for nothing. ``wire_bytes`` is
    estimated, headers included.
    """

    _serials = itertools.count(int.from_bytes(os.urandom(4), "big"))

    def __init__(self, server: ServerAddress, tls: ssl.SSLContext | None) -> None:
        self.opened_s = asyncio.get_running_loop().time()
        self.waiting_since_s: float | None = self.opened_s
        self.wire_bytes = 0
        self._server = server
        self._tls = tls
        self._asked: deque[tuple[str, float]] = deque()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, address: Address, interface: str | None) -> None:
        """Connect; raises LinkError."""
        self.wire_bytes += HANDSHAKE_BYTES + (TLS_HANDSHAKE_BYTES if self._tls else 0)
        try:
            sock = await _connected(address, interface)
            self._reader, self._writer = await asyncio.open_connection(
                sock=sock,
                ssl=self._tls,
                server_hostname=self._server.host if self._tls else None,
                limit=LARGEST_ANSWER_BYTES,
            )
        except OSError as error:
            raise LinkError(cause_of(error), detail_of(error)) from error

    def ask(self) -> None:
        """Send one question; does nothing while the connection is not open yet."""
        if self._writer is None:
            return
        nonce = f"{next(self._serials):08x}"
        question = request_head(self._server, f"GET {PING_PATH}?nonce={nonce}")
        now_s = asyncio.get_running_loop().time()
        if not self._asked:
            self.waiting_since_s = now_s
        self._asked.append((nonce, now_s))
        self._writer.write(question)
        self.wire_bytes += len(question) + HEADERS_PER_PING_BYTES

    async def answer(self) -> int:
        """Return the round trip of the oldest question in µs; raises LinkError."""
        if self._reader is None:
            raise LinkError(Cause.ENGINE, "not open")
        try:
            received = await self._reader.readuntil(b"\r\n\r\n")
            nonce = self._asked[0][0] if self._asked else ""
            head = Head(nonce)
            head.feed(received)
            body = await self._reader.readexactly(_body_bytes(head))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise LinkError(cause_of(error), detail_of(error)) from error
        except asyncio.LimitOverrunError as error:
            raise LinkError(Cause.CAPTIVE_PORTAL, detail_of(error)) from error
        self.wire_bytes += len(received) + len(body)
        if not _echoes(body, nonce):
            raise LinkError(Cause.CAPTIVE_PORTAL, "not the answer to our question")
        _, asked_s = self._asked.popleft()
        now_s = asyncio.get_running_loop().time()
        self.waiting_since_s = now_s if self._asked else None
        return round((now_s - asked_s) * 1e6)

    def close(self) -> None:
        """Let go of the socket at once, whatever is under way."""
        if self._writer is not None:
            self._writer.transport.abort()


async def _connected(address: Address, interface: str | None) -> socket.socket:
    family, target = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        bind_to_interface(sock, interface)
        await asyncio.get_running_loop().sock_connect(sock, target)
    except BaseException:  # cancelled as well
        sock.close()
        raise
    return sock


def _body_bytes(head: Head) -> int:
    length = head.header("content-length") or ""
    if not length.isdecimal() or int(length) > LARGEST_ANSWER_BYTES:
        raise LinkError(Cause.CAPTIVE_PORTAL, f"an answer of {length or 'unknown'} bytes")
    return int(length)


def _echoes(body: bytes, nonce: str) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("nonce") == nonce
