"""The little of the WebSocket protocol (RFC 6455) that loads need, at both ends; no sockets here.

Must count a load's bytes as they arrive, not as messages end: a message of 1 MiB takes 1.7 s at
5 Mbps. Must not keep a load's bytes, nor believe a frame that the protocol does not allow.
"""

import base64
import hashlib
import os
import struct
from collections.abc import Callable
from enum import IntEnum

MEASUREMENT_PROTOCOL = "net.measurementlab.throughput.v1"
VERSION = "13"
NORMAL_CLOSURE = 1000
LARGEST_FRAME_BYTES = 16 * 1024 * 1024
LARGEST_TEXT_BYTES = 64 * 1024
_LARGEST_CONTROL_BYTES = 125
FREE_FRAMES = 1000  # of any size; beyond them the average may not be smaller than
SMALL_FRAME_BYTES = 512
_ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Opcode(IntEnum):
    """RFC 6455, 11.8. From CLOSE on they are control frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(Exception):
    """The other end sent what RFC 6455, or our bounds, do not allow."""


class FrameReader:
    """Takes one end's frames in pieces of any size.

    ``on_payload`` gets the number of bytes of binary messages as they come; ``on_text``
    a whole text; ``on_control`` a whole CLOSE, PING or PONG.
    """

    def __init__(
        self,
        *,
        from_client: bool,
        on_payload: Callable[[int], None],
        on_text: Callable[[bytes], None],
        on_control: Callable[[Opcode, bytes], None],
    ) -> None:
        self._from_client = from_client
        self._on_payload = on_payload
        self._on_text = on_text
        self._on_control = on_control
        self._header = bytearray()
        self._mask = b""
        self._opcode = Opcode.BINARY  # of the frame that is arriving
        self._message: Opcode | None = None  # of the message that is not complete
        self._final = True
        self._left_bytes = 0  # of the frame's payload
        self._kept = bytearray()  # of that payload, unless it is a load's
        self._text = bytearray()
        self._frames = 0
        self._payload_bytes = 0

    def feed(self, data: memoryview) -> None:
        """Take what has just arrived; raises FrameError at the first byte that is not allowed."""
        at, end = 0, len(data)
        while at < end:
            if self._left_bytes == 0:
                at += self._take_header(data[at : at + 14])
                continue
            taken = min(self._left_bytes, end - at)
            self._left_bytes -= taken
            if self._is_load:
                self._on_payload(taken)  # before what follows: a CLOSE asks for the sum
            else:
                self._kept += data[at : at + taken]
            at += taken
            if self._left_bytes == 0:
                self._frame_complete()

    @property
    def _is_load(self) -> bool:
        return self._opcode < Opcode.CLOSE and self._message is Opcode.BINARY

    def _take_header(self, data: memoryview) -> int:
        """Take as many bytes as the header still lacks; return how many."""
        before = len(self._header)
        self._header += data[: max(2 - before, 0)]
        if len(self._header) == 2:
            self._check(*self._header)
        if len(self._header) >= 2:
            taken = len(self._header) - before
            size = 2 + {126: 2, 127: 8}.get(self._header[1] & 0x7F, 0) + 4 * self._from_client
            self._header += data[taken : taken + size - len(self._header)]
            if len(self._header) == size:
                header = bytes(self._header)
                self._header.clear()
                self._begin_frame(header)
                return size - before
        return len(self._header) - before

    def _check(self, first: int, second: int) -> None:
        masked = bool(second & 0x80)
        if first & 0x70 or first & 0x0F not in _OPCODES or masked != self._from_client:
            raise FrameError(f"a frame that begins with {first:02x} {second:02x}")

    def _begin_frame(self, header: bytes) -> None:
        self._opcode, self._final = Opcode(header[0] & 0x0F), bool(header[0] & 0x80)
        length = header[1] & 0x7F
        mask_at = len(header) - 4 * self._from_client
        self._mask = header[mask_at:]
        if length > _LARGEST_CONTROL_BYTES:
            length = int.from_bytes(header[2:mask_at], "big")
        if self._opcode >= Opcode.CLOSE:
            if length > _LARGEST_CONTROL_BYTES or not self._final:
                raise FrameError(f"a control frame of {length} bytes or in parts")
        elif (self._opcode is Opcode.CONTINUATION) != (self._message is not None):
            raise FrameError("frames of two messages mixed up")
        elif self._opcode is not Opcode.CONTINUATION:
            self._message = self._opcode
        self._frames += 1
        if self._frames > FREE_FRAMES + self._payload_bytes // SMALL_FRAME_BYTES:
            raise FrameError("a flood of small frames")  # reading them would be the load
        self._payload_bytes += length
        if length > LARGEST_FRAME_BYTES:
            raise FrameError(f"a frame of {length} bytes")
        if not self._is_load and len(self._text) + length > LARGEST_TEXT_BYTES:
            raise FrameError(f"a text of more than {LARGEST_TEXT_BYTES} bytes")
        self._left_bytes = length
        if length == 0:
            self._frame_complete()

    def _frame_complete(self) -> None:
        payload = _masked(self._kept, self._mask) if self._kept else b""
        self._kept.clear()
        if self._opcode >= Opcode.CLOSE:
            self._on_control(self._opcode, payload)
            return
        self._text += payload
        if self._final:
            message, self._message = self._message, None
            text = bytes(self._text)
            self._text.clear()
            if message is Opcode.TEXT:
                self._on_text(text)


def accept_of(key: str) -> str:
    """Return what a server must answer to a client's key (RFC 6455, 4.2.2)."""
    digest = hashlib.sha1(key.encode("ascii") + _ACCEPT_SALT).digest()
    return base64.b64encode(digest).decode("ascii")


def frame_header(opcode: Opcode, size: int, *, masked: bool = False) -> bytes:
    """Return the header of a whole message of ``size`` bytes.

    Masked, it ends with a random key. Random bytes under a random key are random bytes: those of a
    load are sent as they are and taken to be masked already.
    """
    first, mask_bit = 0x80 | opcode, 0x80 * masked
    if size < 126:
        header = struct.pack("!BB", first, mask_bit | size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        header = struct.pack("!BBQ", first, mask_bit | 127, size)
    return header + os.urandom(4) if masked else header


def frame(opcode: Opcode, payload: bytes, *, masked: bool) -> bytes:
    """Return a whole message of a few bytes: a text or a control frame."""
    header = frame_header(opcode, len(payload), masked=masked)
    return header + (_masked(payload, header[-4:]) if masked else payload)


def close_payload(payload: bytes) -> tuple[int | None, str]:
    """Return the code and the reason of a CLOSE; no code where none is told."""
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
    return code, payload[2:].decode("utf-8", "replace")


def _masked(payload: bytes | bytearray, key: bytes) -> bytes:
    """Mask or unmask; without a key it is as it is."""
    if not key:
        return bytes(payload)
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


_OPCODES = frozenset(Opcode)
