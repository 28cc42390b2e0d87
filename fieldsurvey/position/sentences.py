"""Finds intact NMEA 0183 sentences in a stream of bytes.

Must not care how the bytes were cut into chunks, and must not trust anything without a checksum:
a line on a noisy cable that merely looks like a sentence is a wrong place on the map.
"""

import functools
import operator
import re

# The standard says 82 characters; RTK receivers and proprietary sentences are known to exceed it.
LONGEST_SENTENCE = 255

_PRINTABLE = rb"[\x20-\x23\x25-\x29\x2b-\x7e]"  # without $ and *
_SENTENCE = re.compile(rb"\$(" + _PRINTABLE + rb"{5,%d})\*([0-9A-Fa-f]{2})" % LONGEST_SENTENCE)
_BEGUN = re.compile(rb"\$" + _PRINTABLE + rb"{0,%d}(?:\*[0-9A-Fa-f]?)?" % LONGEST_SENTENCE)


def checksum(body: bytes) -> int:
    """Return the exclusive or of all bytes between ``$`` and ``*`` (NMEA 0183)."""
    return functools.reduce(operator.xor, body, 0)


class SentenceFinder:
    """Keeps the unfinished end of the stream between calls.

    A sentence is complete with its checksum: waiting for the line end would cost time, and some
    senders glue sentences together or send none.
    """

    def __init__(self) -> None:
        self.intact = 0
        self.broken = 0  # looked like a sentence, failed its checksum
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies (between ``$`` and ``*``) of the sentences that are now complete."""
        buffer = self._rest + data
        bodies: list[bytes] = []
        end = 0
        for match in _SENTENCE.finditer(buffer):
            end = match.end()
            body, stated = match.groups()
            if checksum(body) == int(stated, 16):
                bodies.append(body)
            else:
                self.broken += 1
        self.intact += len(bodies)
        start = buffer.rfind(b"$", end)
        self._rest = buffer[start:] if start >= 0 and _BEGUN.fullmatch(buffer, start) else b""
        return bodies
