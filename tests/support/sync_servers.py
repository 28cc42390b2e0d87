"""Servers that are not HQ, or HQ on a bad day: real sockets, one behaviour each."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PORTAL = b"<!doctype html><html><body>Please log in to the network</body></html>"


@dataclass(frozen=True)
class Request:
    """What arrived of one request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request with a body of known length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer as bytes; ``retry_after`` becomes Retry-After."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answering(answer: bytes | Callable[[Request], bytes], seen: list[Request]) -> Handler:
    """Read every request to its end, note it, and answer."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            seen.append(request)
            writer.write(answer if isinstance(answer, bytes) else answer(request))
            await writer.drain()

    return handle


async def resets_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a few kilobytes and drop the connection."""
    await reader.readexactly(4096)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.close()


async def reads_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and never read: the window closes, the connection stays."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read everything and say nothing: half-open."""
    await read_request(reader)
    await asyncio.sleep(3600)


def reads_slowly(bytes_per_s: int, answer: bytes) -> Handler:
    """Read like a slow link, then answer."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        left = int(head.split("content-length:")[1].split("\r\n")[0])
        while left:
            part = await reader.read(min(left, max(1, bytes_per_s // 10)))
            left -= len(part)
            await asyncio.sleep(len(part) / bytes_per_s)
        writer.write(answer)
        await writer.drain()

    return handle


def trickles(answer: bytes, pause_s: float) -> Handler:
    """Answer byte by byte."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in answer:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause_s)

    return handle


def says(words: bytes) -> Handler:
    """Speak something that is no HTTP."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()

    return handle


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None
) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1 and yield the URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listener = socket.create_server(("127.0.0.1", 0))
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    # A small limit: this end reads no further ahead than it says.
    server = await asyncio.start_server(connected, sock=listener, ssl=tls, limit=8192)
    scheme = "http" if tls is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await server.wait_closed()
