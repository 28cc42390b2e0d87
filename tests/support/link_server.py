"""A minimal stand-in for the measurement server: answers pings, sends bytes without end."""

import asyncio
import functools
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import ParamSpec
from urllib.parse import parse_qs, urlsplit

P = ParamSpec("P")

BULK = bytes(65_536)


def in_event_loop(test: Callable[P, Coroutine[object, object, None]]) -> Callable[P, None]:
    """Let pytest call a coroutine function."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class LinkServer:
    """Serves on 127.0.0.1; can be told to be a portal, and be killed and started again."""

    def __init__(self) -> None:
        self.port = 0
        self.portal = False
        self.nonce: str | None = None  # answered instead of the one asked
        self.greeting = b""
        self.pings = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Refuse from now on; reset what is connected."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            writer.write(self.greeting)
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = urlsplit(head.split()[1].decode())
                if target.path == "/bulk":
                    while True:
                        writer.write(BULK)
                        await writer.drain()
                self._answer(writer, parse_qs(target.query)["nonce"][0])
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    def _answer(self, writer: asyncio.StreamWriter, nonce: str) -> None:
        self.pings += 1
        if self.portal:
            body = b"<html>Please log in</html>"
            ours = b""
        else:
            nonce = self.nonce or nonce
            body = json.dumps({"nonce": nonce}).encode()
            ours = b"X-FieldSurvey-Server: stand-in\r\nX-FieldSurvey-Nonce: %s\r\n" % nonce.encode()
        length = b"Content-Length: %d\r\n" % len(body)
        writer.write(b"HTTP/1.1 200 OK\r\n" + ours + length + b"\r\n" + body)


@asynccontextmanager
async def link_server() -> AsyncIterator[LinkServer]:
    server = LinkServer()
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def download_for_ever(port: int) -> None:
    """Keep the link to ``port`` full until cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /bulk HTTP/1.1\r\n\r\n")
        while await reader.read(1_000_000):
            pass
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def running(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run ``work`` beside the body, and cancel it at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
