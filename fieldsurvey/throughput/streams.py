"""Standard streams that nobody can spoil: what a library prints must not end up among our lines.

Windowed applications on Windows start with no streams at all, and some libraries fail on import
then; so there is always a real file behind ``sys.stdout`` and ``sys.stderr``.
"""

import os
import sys
from typing import BinaryIO, TextIO


def guard_standard_streams() -> BinaryIO:
    """Return the real standard output for our lines alone; everything else goes to stderr.

    Where there is no stderr either, it goes nowhere. Raises OSError if there is no output at all.
    """
    lines = os.fdopen(os.dup(1), "wb", buffering=0)
    if not _is_open(2):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != 2:
            os.dup2(nowhere, 2)
            os.close(nowhere)
    os.dup2(2, 1)
    sys.stdout = _text(1)
    sys.stderr = _text(2)
    return lines


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _text(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
