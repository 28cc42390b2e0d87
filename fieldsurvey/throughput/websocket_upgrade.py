"""A client's request to speak WebSocket, and whether the answer to it is the right server's.

Must not take a captive portal or a cache for our server, nor our server for one that understood.
"""

import base64
import os

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import Head, request_head
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.websocket import VERSION, accept_of


class Upgrade:
    """One handshake. Without a ``nonce`` any server may answer: public ones know nothing of it."""

    def __init__(self, subprotocol: str, nonce: str | None) -> None:
        self.head = Head(nonce, 101)
        self._subprotocol = subprotocol
        self._key = base64.b64encode(os.urandom(16)).decode("ascii")

    def request(self, server: ServerAddress, target: str, *headers: str) -> bytes:
        """Return what to send to ask for ``target``, a path with its query."""
        return request_head(
            server,
            f"GET {target}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key}",
            f"Sec-WebSocket-Version: {VERSION}",
            f"Sec-WebSocket-Protocol: {self._subprotocol}",
            *headers,
        )

    def feed(self, data: bytes | memoryview) -> bytes | None:
        """Take the next bytes of the answer; return what follows its head, None until then.

        Raises LinkError as :meth:`Head.feed` does, and ENGINE where it is no proper upgrade.
        """
        rest = self.head.feed(data)
        if rest is None:
            return None
        if self.head.header("Sec-WebSocket-Accept") != accept_of(self._key):
            raise LinkError(Cause.ENGINE, "the server does not accept our WebSocket key")
        if self.head.header("Sec-WebSocket-Protocol") != self._subprotocol:
            raise LinkError(Cause.ENGINE, f"the server does not speak {self._subprotocol}")
        if self.head.header("Sec-WebSocket-Extensions"):
            raise LinkError(Cause.ENGINE, "the server uses an extension nobody asked for")
        return rest
