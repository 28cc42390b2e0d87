"""Asks a server for leave to measure: one question, one token.

Must not keep a token: it is good for one test, and soon for none.
"""

import asyncio

import msgspec

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import TOKEN_PATH, Head, new_nonce, request_head
from fieldsurvey.throughput.link import Link

LARGEST_ANSWER_BYTES = 8192


class _Answer(msgspec.Struct):
    access_token: str


async def fetch_access_token(link: Link, timeout_us: int) -> str:
    """Return a token; raises LinkError or OSError."""
    question = await link.open(_Question())
    try:
        return await _answer(link, question, timeout_us)
    except (LinkError, OSError, EOFError):
        if not link.is_reused(question):
            raise
    link.drop_kept()
    return await _answer(link, await link.open(_Question()), timeout_us)


async def _answer(link: Link, question: "_Question", timeout_us: int) -> str:
    transport = question.transport
    assert transport is not None
    transport.write(request_head(link.server, f"GET {TOKEN_PATH}?nonce={question.nonce}"))
    try:
        async with asyncio.timeout(timeout_us / 1e6):
            body = await question.body
    except TimeoutError as error:
        transport.abort()
        raise LinkError(Cause.STALLED, "connected, but no answer about a token") from error
    except BaseException:
        transport.abort()
        raise
    link.keep(transport)
    try:
        token = msgspec.json.decode(body, type=_Answer).access_token
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LinkError(Cause.ENGINE, f"the server's token cannot be read: {error}") from error
    if not token.isascii() or not token.isprintable():
        raise LinkError(Cause.ENGINE, "the server's token has characters that none has")
    return token


class _Question(asyncio.Protocol):
    """Collects one answer."""

    def __init__(self) -> None:
        self.nonce = new_nonce()
        self.body: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._head = Head(self.nonce)
        self._received: bytes | None = None  # of the body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.body.done():
            return
        try:
            if self._received is None:
                self._received = self._head.feed(data)
            else:
                self._received += data
            if self._received is None:
                return
            length = self._head.number("Content-Length", LARGEST_ANSWER_BYTES)
            if length is None:
                raise LinkError(Cause.CAPTIVE_PORTAL, "an answer about a token without a length")
            if len(self._received) >= length:
                self.body.set_result(self._received[:length])
        except LinkError as trouble:
            self.body.set_exception(trouble)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.body.done():
            self.body.set_exception(exc or EOFError("the server closed the connection"))
            self.body.exception()  # it may be that nobody waits any more
