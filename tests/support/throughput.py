"""Measurement servers for tests: the real one, and ones that misbehave in one chosen way."""

import asyncio
import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

from fieldsurvey.model.throughput import BIN_WIDTH_US, Measurement, MeasurementPlan, PhaseKind
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.protocols.native import NativeDialect
from fieldsurvey.throughput.protocols.protocol import Cancel, Progress
from fieldsurvey.throughput.protocols.session import SessionProtocol
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL, Opcode, accept_of, frame

Behaviour = Callable[["Visit"], None]

# For loads over loopback that time has to end: a test's usual 4 GB may be over in two seconds.
NO_BYTE_LIMIT = Limits(bytes_per_load=1 << 40, bytes_per_test=1 << 40)


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
    plan: MeasurementPlan,
    progress: list[Progress] | None = None,
    cancel: Cancel | None = None,
    home: Home | None = None,
) -> Measurement:
    """Run the native protocol here, without the child process."""

    def note(one: Progress, wire_bytes: int) -> None:
        if progress is not None:
            progress.append(one)

    return SessionProtocol(NativeDialect(), home).run(plan, note, cancel or Cancel())


def assert_bound_reached(measurement: Measurement, max_bytes: int) -> None:
    """The download took every byte of its plan and none more, or was let go of a round trip before.

    Only what lasts longer than a bin has an estimate to say what will still come in a round trip.
    """
    download = measurement.phase(PhaseKind.DOWNLOAD)
    assert download is not None
    assert download.payload_bytes <= max_bytes
    if download.payload_bytes < max_bytes:
        assert download.duration_us > BIN_WIDTH_US // 2
        assert download.estimate is not None
        round_trip_us = max(us for phase in measurement.phases for us in phase.round_trips_us)
        on_its_way = download.estimate.rate_bps * round_trip_us / 8e6
        unread = sum(download.arrivals.byte_counts) if download.arrivals else 0
        # The last bin may have made the estimate less than it was then.
        assert max(download.payload_bytes, unread) + 1.5 * on_its_way >= max_bytes


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what takes a moment; fail when it takes 3 s."""
    until_s = time.monotonic() + 3
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def certificate(folder: Path, address: str = "127.0.0.1") -> Path:
    """Return a file with a key and a certificate for ``address`` that vouches for itself."""
    path = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{address}",
         "-keyout", str(path), "-out", str(path.with_suffix(".crt"))],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


class Visit:
    """One request at a misbehaving server."""

    def __init__(
        self, sock: socket.socket, target: str, headers: dict[str, str], stopped: threading.Event
    ) -> None:
        self.sock = sock
        self.stopped = stopped
        self.headers = headers
        parts = urlsplit(target)
        self.path = parts.path
        self.query = parse_qs(parts.query)
        self.nonce = self.query.get("nonce", [""])[0]

    def head(self, status: str = "200 OK", *headers: str) -> None:
        """Send the head our own server would send."""
        ours = ("X-FieldSurvey-Server: odd", f"X-FieldSurvey-Nonce: {self.nonce}")
        self.sock.sendall("\r\n".join([f"HTTP/1.1 {status}", *ours, *headers, "", ""]).encode())

    def upgrade(self, *headers: str) -> None:
        """Agree to speak WebSocket, as our own server would."""
        self.head(
            "101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_of(self.headers['sec-websocket-key'])}",
            f"Sec-WebSocket-Protocol: {MEASUREMENT_PROTOCOL}",
            *headers,
        )

    def binary(self, payload: bytes) -> None:
        self.sock.sendall(frame(Opcode.BINARY, payload, masked=False))

    def text(self, report: object) -> None:
        self.sock.sendall(frame(Opcode.TEXT, json.dumps(report).encode(), masked=False))

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
    """Answers pings like ours; ``behaviour`` has every other request to itself.

    With ``keep_alive`` it gets the connection's next request as well.
    """

    def __init__(
        self, behaviour: Behaviour, *, answer_pings: bool = True, keep_alive: bool = False
    ) -> None:
        self._behaviour = behaviour
        self._keep_alive = keep_alive
        self._answer_pings = answer_pings
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        self._deaf: set[socket.socket] = set()
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

    @property
    def accepted(self) -> int:
        """Return how many connections there have been."""
        return len(self._sockets)

    def go_deaf(self) -> None:
        """Answer nothing more on the connections that are open: they are lost, and nobody says."""
        self._deaf.update(self._sockets)

    def cut_all(self) -> None:
        """End every connection, as a server does with idle ones."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), sock, sock.makefile("rb") as requests:
            while line := requests.readline():
                headers = dict(_headers(requests))
                if sock in self._deaf:
                    self._stopped.wait()
                visit = Visit(sock, line.decode().split(" ")[1], headers, self._stopped)
                if self._answer_pings and visit.path.endswith("/ping"):
                    visit.pong()
                else:
                    self._behaviour(visit)
                    if not self._keep_alive:
                        return


def _headers(requests: BinaryIO) -> Iterator[tuple[str, str]]:
    while line := requests.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


class Pace:
    """Behaviour: downloads at a known rate, all connections together, on a fixed schedule that
    begins with the first of them."""

    piece = bytes(8192)

    def __init__(self, rate_bps: float) -> None:
        self._piece_s = len(self.piece) * 8 / rate_bps
        self._lock = threading.Lock()
        self._visits = 0
        self._next_s = 0.0

    def __call__(self, visit: Visit) -> None:
        visit.upgrade()
        with self._lock:
            if self._visits == 0:
                self._next_s = time.monotonic()
            self._visits += 1
        try:
            while not visit.stopped.is_set():
                with self._lock:
                    due_s = self._next_s = self._next_s + self._piece_s
                time.sleep(max(due_s - time.monotonic(), 0))
                visit.binary(self.piece)
        finally:
            with self._lock:
                self._visits -= 1
