"""Values that SQLite cannot hold as they are, to and from what it can.

Must stay as it is for files already written: a new form is a new function and a new migration.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from fieldsurvey.wire.message_json import message_from_json, message_to_json

__all__ = [
    "Row",
    "message_from_json",
    "message_to_json",
    "real",
    "row_key",
    "to_json",
    "u32_blob",
    "u32_values",
]

Row = tuple[Any, ...]

ROW_KEY_BYTES = 16
_FIRST_BEYOND_INTEGER = 2**63


def row_key(table: str, values: Row) -> bytes:
    """Return the digest of a row's content (BLAKE2b over MessagePack), the same when read back.

    2.0 and True count as 2 and 1: an INTEGER column gives them back like that.
    """
    # Written out: a second has forty values, and a call for each would count.
    stored = [
        int(value)
        if isinstance(value, bool)
        or (isinstance(value, float) and value.is_integer() and abs(value) < _FIRST_BEYOND_INTEGER)
        else value
        for value in values
    ]
    packed = msgspec.msgpack.encode((table, *stored))
    return hashlib.blake2b(packed, digest_size=ROW_KEY_BYTES).digest()


def real(value: float | None) -> float | None:
    """Return ``value`` as SQLite will give it back: a float, never -0.0; NaN is "not known"."""
    if value is None or math.isnan(value):
        return None
    return float(value) + 0.0


def u32_blob(values: Sequence[int]) -> bytes:
    """Pack integers. Raises OverflowError outside 0 to 2**32 - 1."""
    return np.asarray(values, dtype="<u4").tobytes()


def u32_values(blob: bytes) -> tuple[int, ...]:
    """Unpack what :func:`u32_blob` packed."""
    return tuple(np.frombuffer(blob, dtype="<u4").tolist())


def to_json(value: object) -> str:
    """Encode a dataclass, mapping or enum."""
    return msgspec.json.encode(value).decode()
