"""A server that says what a transcript says it says, to whoever asks what the transcript has asked.

A transcript is a text file of exchanges, separated by ``---``. In each, ``> LINE`` are lines that
the request must have (``*`` stands for anything), and then, in their order:

| ``< LINE``    | a line of the answer's head; ``< `` alone ends it. ``{accept}`` is the handshake's
| ``body N``    | N bytes
| ``chunk N``   | N bytes as a chunk; ``chunk 0`` ends the body
| ``text JSON`` | a WebSocket text; ``{received}`` is the payload that has come so far
| ``binary N``  | a WebSocket binary message of N bytes
| ``ping``      | a WebSocket ping; the pong must come back
| ``close N``   | a WebSocket close with code N
| ``take N``    | read N bytes of load from the client (frames or body)
| ``wait S``    | wait S seconds
| ``repeat N``  | the rest of the exchange comes N times
| ``end``       | close the connection
| ``drain``     | read until the client has closed it
"""

import fnmatch
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fieldsurvey.throughput.websocket import FrameReader, Opcode, accept_of, frame

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "contract" / "transcripts"
_PIECE = bytes(range(256)) * 256


@dataclass(slots=True)
class Exchange:
    """What is asked, and what is done then."""

    asked: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)

    def fits(self, request: list[str]) -> bool:
        return all(
            any(fnmatch.fnmatchcase(line, asked) for line in request) for asked in self.asked
        )


def read_transcript(name: str) -> list[Exchange]:
    exchanges = [Exchange()]
    for line in (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if line == "---":
            exchanges.append(Exchange())
        elif word == ">":
            exchanges[-1].asked.append(rest)
        elif word and not word.startswith("#"):
            exchanges[-1].steps.append((word, rest))
    return exchanges


class TranscriptServer:
    """``unexpected`` holds requests that the transcript does not know, and what else went wrong."""

    def __init__(self, name: str) -> None:
        self.unexpected: list[str] = []
        self.asked: list[str] = []
        self._exchanges = read_transcript(name)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "TranscriptServer":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            buffer = bytearray()
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = sock.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
                request = head.decode("latin-1").split("\r\n")
                self.asked.append(request[0])
                exchange = next((one for one in self._exchanges if one.fits(request)), None)
                if exchange is None:
                    self.unexpected.append(request[0])
                    return
                buffer = bytearray(_Play(sock, request, rest).steps(exchange.steps))


class _Play:
    """One exchange on one connection."""

    def __init__(self, sock: socket.socket, request: list[str], rest: bytes) -> None:
        self._sock = sock
        self._rest = rest
        self._received = 0
        self._framed = any(line.lower() == "upgrade: websocket" for line in request)
        key = next(
            (line.partition(": ")[2] for line in request if line.startswith("Sec-WebSocket-Key")),
            "",
        )
        self._accept = accept_of(key) if key else ""
        self._ponged = False
        self._frames = FrameReader(
            from_client=True,
            on_payload=self._count,
            on_text=lambda _: None,
            on_control=self._control,
        )

    def steps(self, steps: list[tuple[str, str]]) -> bytes:
        """Do all; return what the client has sent beyond."""
        for index, (word, rest) in enumerate(steps):
            if word == "repeat":
                for _ in range(int(rest)):
                    self.steps(steps[index + 1 :])
                break
            self._step(word, rest)
        return b"" if self._framed else self._rest

    def _step(self, word: str, rest: str) -> None:
        send = self._sock.sendall
        if word == "<":
            send(rest.replace("{accept}", self._accept).encode("latin-1") + b"\r\n")
        elif word == "body":
            self._send_bytes(int(rest))
        elif word == "chunk":
            send(b"%x\r\n" % int(rest))
            self._send_bytes(int(rest))
            send(b"\r\n")
        elif word == "text":
            text = rest.replace("{received}", str(self._received))
            send(frame(Opcode.TEXT, text.encode(), masked=False))
        elif word == "binary":
            send(
                frame(
                    Opcode.BINARY,
                    (_PIECE * (int(rest) // len(_PIECE) + 1))[: int(rest)],
                    masked=False,
                )
            )
        elif word == "ping":
            send(frame(Opcode.PING, b"still there", masked=False))
            while not self._ponged:
                self._read()
        elif word == "close":
            send(frame(Opcode.CLOSE, int(rest).to_bytes(2, "big"), masked=False))
        elif word == "take":
            until = self._received + int(rest)
            while self._received < until:
                self._read()
        elif word == "wait":
            time.sleep(float(rest))
        elif word == "end":
            self._sock.close()
        elif word == "drain":
            while self._sock.recv(65536):
                pass
        else:
            raise ValueError(f"no such step: {word}")

    def _send_bytes(self, count: int) -> None:
        while count > 0:
            self._sock.sendall(_PIECE[: min(count, len(_PIECE))])
            count -= len(_PIECE)

    def _read(self) -> None:
        data, self._rest = self._rest or self._sock.recv(65536), b""
        if not data:
            raise ConnectionResetError
        if self._framed:
            self._frames.feed(data)
        else:
            self._count(len(data))

    def _count(self, nbytes: int) -> None:
        self._received += nbytes

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        self._ponged = self._ponged or (opcode is Opcode.PONG and payload == b"still there")
