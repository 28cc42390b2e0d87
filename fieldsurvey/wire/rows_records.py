"""The rows that are few as canonical JSON: drives and their ends, events, tests, refused rows.

The document is the model's own dataclass, field by field; only a message is spelled out, and of a
plan what it names to drive stays in the survey file.
"""

from typing import Any

import msgspec

from fieldsurvey.model.drive import Drive, Event, EventKind
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.message_json import message_document, message_from_document
from fieldsurvey.wire.rows_model import DriveEnd, RefusedRow

Record = Drive | DriveEnd | Event | ThroughputTest | RefusedRow

_TYPES: dict[str, type[Any]] = {
    "drive": Drive,
    "drive_end": DriveEnd,
    "event": Event,
    "test": ThroughputTest,
    "refused": RefusedRow,
}
_KINDS = {kind: name for name, kind in _TYPES.items()}
RECORD_KINDS = frozenset(_TYPES)

# What HQ asked to be driven says nothing of what was measured, and may be long.
PLAN_LEFT_AT_HOME = ("stretches", "settlements")


def record_kind(value: Record) -> str:
    """Return the word for it in column ``kind``."""
    return _KINDS[type(value)]


def record_to_json(value: Record) -> str:
    """Encode one row's content."""
    document: object = value
    if isinstance(value, Event):
        document = {
            "kind": value.kind,
            "utc_us": value.utc_us,
            "mono_us": value.mono_us,
            "message": message_document(value.message),
        }
    elif isinstance(value, Drive):
        document = _drive_document(value)
    return msgspec.json.encode(document, order="sorted", enc_hook=str).decode()


def _drive_document(drive: Drive) -> dict[str, Any]:
    if drive.ended_utc_us is not None:
        raise ValueError("a drive's end is a row of its own")
    document: dict[str, Any] = msgspec.to_builtins(drive)
    for name in PLAN_LEFT_AT_HOME:
        del document["plan"][name]
    return document


def record_from_json(kind: str, json: str) -> Record:
    """Decode what :func:`record_to_json` encoded. Raises WireError ``payload``."""
    try:
        if kind == "event":
            return _event_from(msgspec.json.decode(json))
        value: Record = msgspec.json.decode(json, type=_TYPES[kind])
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError("payload", f"no {kind}: {error}") from error
    if isinstance(value, Drive) and value.ended_utc_us is not None:
        raise WireError("payload", "a drive's end is a row of its own")
    return value


class _EventDocument(msgspec.Struct):
    kind: EventKind
    utc_us: int
    mono_us: int
    message: dict[str, Any]


def _event_from(decoded: object) -> Event:
    document = msgspec.convert(decoded, _EventDocument)
    message = message_from_document(document.message)
    if not isinstance(message.id, str):
        raise TypeError("a message's id is a word")
    return Event(document.kind, document.utc_us, document.mono_us, message)
