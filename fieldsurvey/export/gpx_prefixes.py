"""Declares the prefixes that a GPX file uses and does not declare itself.

XML with names is broken without, and yet programs leave it out (tracks from Strava have
``<gpxtpx:…>`` so): a drive would be lost for want of a name. Must not change anything else, nor
hold the file: its first bytes tell, since each point is written like the one before.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from fieldsurvey.export.source import HEAD_BYTES

_USED = re.compile(rb"<([A-Za-z_][\w.-]*):[A-Za-z_]|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=")
_DECLARED = re.compile(rb"\sxmlns:([A-Za-z_][\w.-]*)\s*=")
_ROOT = re.compile(rb"<(?:[\w.-]+:)?gpx(?=[\s>])")
_NEVER = {b"xml", b"xmlns"}  # XML's own


class WithPrefixes:
    """The content of ``stream``, with a declaration in its root for each prefix that lacks one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._head = _declared(stream.read(HEAD_BYTES))

    def read(self, size: int = HEAD_BYTES, /) -> bytes:
        """Return the next bytes, at most ``size``."""
        taken, self._head = self._head[:size], self._head[size:]
        return taken or self._stream.read(size)


def _declared(head: bytes) -> bytes:
    root = _ROOT.search(head)
    used = {prefix for found in _USED.findall(head) for prefix in found if prefix}
    lacking = sorted(used - set(_DECLARED.findall(head)) - _NEVER)
    if root is None or not lacking:
        return head
    said = b"".join(b' xmlns:%b="urn:undeclared:%b"' % (prefix, prefix) for prefix in lacking)
    return head[: root.end()] + said + head[root.end() :]
