"""One way to write a document as bytes, so that what is signed can be compared byte by byte.

Sorted keys, no spaces, UTF-8; only text, integers, booleans and objects of them (never floats).
"""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class WireError(ValueError):
    """What arrived is not what its sender sealed. ``code`` is a word for machines and logs:
    "framing", "header", "signature", "payload", "receipt", "checkpoint", "proof", "bundle",
    "issued"."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def to_canonical(document: object) -> bytes:
    """Encode a dataclass or mapping."""
    return msgspec.json.encode(document, order="sorted")


def from_canonical(data: bytes, kind: type[T], code: str) -> T:
    """Decode what :func:`to_canonical` encoded. Raises WireError ``code`` for anything else,
    other spellings of the same document included."""
    try:
        document = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(code, str(error)) from error
    if to_canonical(document) != data:
        raise WireError(code, "not in canonical form")
    return document
