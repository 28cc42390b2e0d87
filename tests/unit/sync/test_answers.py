"""What an answer means, case by case; and that nobody can pretend to be HQ."""

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.answers import (
    Busy,
    Delivered,
    NotOurServer,
    Refused,
    TooOld,
    Trouble,
    Unauthorised,
    Unreachable,
    document_of,
    meaning_of_put,
)
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.answers import EpochState, Problem
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.receipt import ReceiptState, sign_receipt
from tests.support.sync_batches import batch, receipt

KEY = Ed25519PrivateKey.generate()
HQ_KEY = Ed25519PrivateKey.generate()
BATCH = batch(KEY, 3, rows=5)
SIGNED = receipt(BATCH, HQ_KEY)
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
PROBLEM = msgspec.json.encode(Problem("digest", "damaged"))


def meaning(status: int, body: bytes, headers: dict[str, str] | None = None) -> Delivered | Trouble:
    return meaning_of_put(Answer(status, headers or JSON, body), BATCH, HQ_KEY.public_key())


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("state", ReceiptState)
def test_a_receipt_for_this_batch_is_success(status: int, state: ReceiptState) -> None:
    signed = receipt(BATCH, HQ_KEY, state=state)
    document = {**msgspec.to_builtins(signed), "replay": True}
    assert meaning(status, msgspec.json.encode(document)) == Delivered(signed)


@pytest.mark.parametrize(
    "change",
    [
        {"device": "00000000-0000-4000-8000-00000000000f"},
        {"epoch": "f" * 16},
        {"batch_no": 4},
        {"sha256": "0" * 64},
        {"rows": 4},
    ],
)
def test_a_receipt_for_something_else_is_none(change: dict[str, Any]) -> None:
    other = sign_receipt(dataclasses.replace(SIGNED.receipt, **change), HQ_KEY)
    assert isinstance(meaning(201, other.to_bytes()), NotOurServer)


def test_a_receipt_of_another_key_is_none() -> None:
    assert isinstance(meaning(201, receipt(BATCH, KEY).to_bytes()), NotOurServer)


@given(position=st.integers(0, len(SIGNED.to_bytes()) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_makes_a_receipt_count(position: int, bit: int) -> None:
    body = bytearray(SIGNED.to_bytes())
    body[position] ^= 1 << bit
    found = meaning(201, bytes(body))
    assert found == Delivered(SIGNED) or isinstance(found, NotOurServer)


@given(status=st.integers(100, 599), body=st.binary(max_size=200), html=st.booleans())
def test_no_other_answer_is_success(status: int, body: bytes, html: bool) -> None:
    assert not isinstance(meaning(status, body, HTML if html else JSON), Delivered)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, HTML, b"<html>", NotOurServer),
        (201, JSON, b"{}", NotOurServer),
        (204, JSON, b"", NotOurServer),
        (302, HTML, b"", NotOurServer),
        (511, HTML, b"<html>", NotOurServer),
        (403, HTML, b"<html>", NotOurServer),
        (401, JSON, PROBLEM, Unauthorised),
        (403, JSON, PROBLEM, Unauthorised),
        (400, JSON, PROBLEM, Refused),
        (411, JSON, PROBLEM, Refused),
        (413, JSON, PROBLEM, Refused),
        (415, JSON, PROBLEM, Refused),
        (422, JSON, PROBLEM, Refused),
        (413, HTML, b"<html>", NotOurServer),
        (404, JSON, PROBLEM, Unreachable),
        (405, JSON, b"", Unreachable),
        (426, JSON, b"", TooOld),
        (500, JSON, PROBLEM, Unreachable),
        (502, HTML, b"<html>", Unreachable),
        (429, JSON, b"", Busy),
        (503, HTML, b"<html>", Busy),
    ],
)
def test_the_table(status: int, headers: dict[str, str], body: bytes, expected: type) -> None:
    assert type(meaning(status, body, headers)) is expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("999999999", 3600.0)],
)
def test_how_long_hq_asks_to_wait(header: str, seconds: float) -> None:
    assert meaning(503, b"", {"retry-after": header}) == Busy(seconds)


def test_documents_are_read_or_are_not_ours() -> None:
    state = EpochState(((0, 3),), 2)
    assert document_of(Answer(200, JSON, msgspec.json.encode(state)), EpochState) == state
    assert isinstance(document_of(Answer(200, HTML, b"<html>"), EpochState), NotOurServer)
    failed = document_of(Answer(500, JSON, PROBLEM), EpochState)
    assert failed == Unreachable(Cause.REFUSED, "status 500: digest")
