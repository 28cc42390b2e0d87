"""A file of another program, opened as bytes or as text, whatever its packing and encoding.

Knows nothing of formats. Must not hold the file: it may be larger than memory.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from fieldsurvey.model.errors import KnownError

HEAD_BYTES = 65_536
_BLOCK_BYTES = 1_000_000
_GZIP_MAGIC = b"\x1f\x8b"
# Longest first: UTF-32 begins like UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A file that is there, with its first bytes read. Raises ``KnownError`` ``import.missing``,
    ``import.unreadable`` (not a file, or damaged gzip)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.opened() as (stream, _share):
            self.head = stream.read(HEAD_BYTES)
        self.encoding = _encoding_of(self.head)

    @property
    def head_text(self) -> str:
        """The beginning as text; a character that is cut off at its end is left out."""
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        return decoder.decode(self.head)

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, Callable[[], float]]]:
        """Open the content, unpacked; also yields what tells the share read so far, 0 to 1."""
        try:
            with self.path.open("rb") as file:
                packed = file.read(2) == _GZIP_MAGIC
                size = max(1, file.seek(0, io.SEEK_END))
                file.seek(0)
                stream = cast(BinaryIO, gzip.GzipFile(fileobj=file) if packed else file)
                yield stream, lambda: min(1.0, file.tell() / size)
        except (gzip.BadGzipFile, EOFError) as error:
            raise KnownError("import.unreadable", path=self.path, reason=error) from error
        except FileNotFoundError as error:
            raise KnownError("import.missing", path=self.path) from error
        except OSError as error:
            reason = error.strerror or error
            raise KnownError("import.unreadable", path=self.path, reason=reason) from error

    @contextlib.contextmanager
    def opened_text(self) -> Iterator[tuple[TextIO, Callable[[], float]]]:
        """Open it as text; what is no text of its encoding comes as U+FFFD."""
        with self.opened() as (stream, share):
            # Whoever opened the bytes closes them.
            text = io.TextIOWrapper(stream, self.encoding, errors="replace", newline="")
            try:
                yield text, share
            finally:
                text.detach()

    def digest(self) -> str:
        """Return what tells this content from any other (BLAKE2b, as hex), whatever its name."""
        digest = hashlib.blake2b(digest_size=16)
        with self.opened() as (stream, _share):
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()


def _encoding_of(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # Latin text in UTF-16 has a NUL in every second place.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) / 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1251"  # what Windows in Kazakhstan writes where it does not write Unicode
    return "utf-8"
