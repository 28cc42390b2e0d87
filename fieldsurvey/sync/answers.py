"""What an answer means. Pure: the same answer about the same batch always means the same.

The rule that everything rests on: only a receipt with HQ's signature, for exactly this batch, is
success. Whoever answers otherwise has received nothing, whatever the status says; and only a
refusal in HQ's own form is HQ's, since portals and proxies refuse things too.
"""

import contextlib
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.answers import Problem
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PublicKey
from fieldsurvey.wire.receipt import SignedReceipt, receipt_from_answer

T = TypeVar("T")

MOST_RETRY_AFTER_S = 3600.0
_CANNOT_BE_STORED = (400, 411, 413, 415, 422)
_NETWORK_LOGIN = 511


@dataclass(frozen=True, slots=True)
class Delivered:
    """HQ holds the batch, whatever it thinks of it."""

    receipt: SignedReceipt


@dataclass(frozen=True, slots=True)
class NotOurServer:
    """Somebody else answered: most likely a network that wants a login first."""

    detail: str


@dataclass(frozen=True, slots=True)
class OtherHq:
    """An HQ answered, and it is not the one this laptop belongs to."""


@dataclass(frozen=True, slots=True)
class Refused:
    """HQ could not store what arrived: damaged on the way, or beyond what it takes."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Unauthorised:
    """HQ does not know the token or the key (any more)."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Busy:
    """HQ asks to come back later. ``retry_after_s`` 0: it did not say when."""

    retry_after_s: float


@dataclass(frozen=True, slots=True)
class TooOld:
    """HQ no longer speaks this protocol."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing that could be HQ's answer."""

    cause: Cause
    detail: str = ""


Trouble = NotOurServer | OtherHq | Refused | Unauthorised | Busy | TooOld | Unreachable


def meaning_of_put(
    answer: Answer, batch: SealedBatch, hq_key: Ed25519PublicKey
) -> Delivered | Trouble:
    """Say what ``answer`` to sending ``batch`` means."""
    if not _is_success(answer):
        return trouble_of(answer)
    try:
        signed = receipt_from_answer(answer.body)
        check_receipt(signed, batch, hq_key)
    except WireError as error:
        return NotOurServer(str(error))
    return Delivered(signed)


def document_of(answer: Answer, kind: type[T]) -> T | Trouble:
    """Read the JSON document ``kind`` from an answer to a question."""
    if not _is_success(answer):
        return trouble_of(answer)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return NotOurServer(str(error))


def check_receipt(signed: SignedReceipt, batch: SealedBatch, hq_key: Ed25519PublicKey) -> None:
    """Raise WireError ``signature`` or ``receipt`` unless HQ signed for exactly ``batch``."""
    signed.verify(hq_key)
    header, receipt = batch.header, signed.receipt
    expected = (header.device, header.epoch, header.batch_no, batch.sha256, header.rows)
    found = (receipt.device, receipt.epoch, receipt.batch_no, receipt.sha256, receipt.rows)
    if found != expected:
        raise WireError("receipt", "of another batch")


def trouble_of(answer: Answer) -> Trouble:
    """Say what an answer means that is no success."""
    status, problem = answer.status, problem_of(answer)
    if status in (429, 503):
        return Busy(_retry_after_s(answer))
    if _is_success(answer) or 300 <= status < 400 or status == _NETWORK_LOGIN:
        return NotOurServer(f"status {status}")
    if status == 426:
        return TooOld()
    if problem is None:
        # A proxy between us and HQ, or a portal that refuses what it does not know.
        stranger = status < 500 and "html" in answer.headers.get("content-type", "").lower()
        detail = f"status {status}"
        return NotOurServer(detail) if stranger else Unreachable(Cause.REFUSED, detail)
    if status in (401, 403):
        return Unauthorised(problem)
    if status in _CANNOT_BE_STORED:
        return Refused(problem)
    return Unreachable(Cause.REFUSED, f"status {status}: {problem.code}")


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def problem_of(answer: Answer) -> Problem | None:
    """Return what HQ says is wrong; None if the body is not in its form."""
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(answer.body, type=Problem)
    return None


def _retry_after_s(answer: Answer) -> float:
    """Read the header where it counts seconds; a date is left to the backoff."""
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MOST_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 0.0
