"""Measurement servers for tests: the real one, and ones that misbehave in one chosen way."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from fieldsurvey.model.throughput import Measurement, MeasurementPlan
from fieldsurvey.throughput.protocols.native import NativeDialect
from fieldsurvey.throughput.protocols.protocol import Cancel, Progress
from fieldsurvey.throughput.protocols.session import SessionProtocol
from fieldsurvey.throughput.server.app import MeasurementServer

Behaviour = Callable[["Visit"], None]


@contextmanager
def running(server: MeasurementServer) -> Iterator[int]:
    """Run the real server on its own thread and loop; yield the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
        try:
            yield port
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def measure(
    plan: MeasurementPlan, progress: list[Progress] | None = None, cancel: Cancel | None = None
) -> Measurement:
    """Run the native protocol here, without the child process."""

    def note(one: Progress, wire_bytes: int) -> None:
        if progress is not None:
            progress.append(one)

    return SessionProtocol(NativeDialect()).run(plan, note, cancel or Cancel())


class Visit:
    """One request at a misbehaving server."""

    def __init__(self, sock: socket.socket, target: str, stopped: threading.Event) -> None:
        self.sock = sock
        self.stopped = stopped
        parts = urlsplit(target)
        self.path = parts.path
        self.nonce = parse_qs(parts.query).get("nonce", [""])[0]

    def head(self, status: str = "200 OK", *headers: str) -> None:
        """Send the head our own server would send."""
        ours = ("X-FieldSurvey-Server: odd", f"X-FieldSurvey-Nonce: {self.nonce}")
        self.sock.sendall("\r\n".join([f"HTTP/1.1 {status}", *ours, *headers, "", ""]).encode())

    def pong(self) -> None:
        self.head("200 OK", "Content-Length: 2")
        self.sock.sendall(b"{}")

    def hang(self) -> None:
        self.stopped.wait()

    def reset(self) -> None:
        """Close with RST, as a middlebox does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class OddServer:
    """Answers pings like ours; ``behaviour`` has every other request to itself."""

    def __init__(self, behaviour: Behaviour, *, answer_pings: bool = True) -> None:
        self._behaviour = behaviour
        self._answer_pings = answer_pings
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "OddServer":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), sock, sock.makefile("rb") as requests:
            while line := requests.readline():
                while requests.readline().strip():
                    pass
                visit = Visit(sock, line.decode().split(" ")[1], self._stopped)
                if self._answer_pings and visit.path.endswith("/ping"):
                    visit.pong()
                else:
                    self._behaviour(visit)
                    return


class Pace:
    """Behaviour: downloads at a known rate, all connections together, on a fixed schedule."""

    piece = bytes(8192)

    def __init__(self, rate_bps: float) -> None:
        self._piece_s = len(self.piece) * 8 / rate_bps
        self._lock = threading.Lock()
        self._next_s: float | None = None

    def __call__(self, visit: Visit) -> None:
        visit.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        visit.head()
        while not visit.stopped.is_set():
            with self._lock:
                due_s = self._next_s = (self._next_s or time.monotonic()) + self._piece_s
            time.sleep(max(due_s - time.monotonic(), 0))
            visit.sock.sendall(self.piece)
