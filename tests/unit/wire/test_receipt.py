"""A receipt is HQ's word about one batch, and nothing else passes for one."""

import dataclasses
import json

import pytest

from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.receipt import (
    Receipt,
    ReceiptState,
    SignedReceipt,
    receipt_from,
    receipt_from_answer,
    sign_receipt,
)
from tests.support.wire_batches import DEVICE, DEVICE_KEY, EPOCH, HQ_KEY

RECEIPT = Receipt(
    DEVICE, EPOCH, 4, "ab" * 32, 7_200, 1_760_000_000_000_000, 12, ReceiptState.LANDED
)


@pytest.fixture
def signed() -> SignedReceipt:
    return sign_receipt(RECEIPT, HQ_KEY)


def test_round_trip(signed: SignedReceipt) -> None:
    assert receipt_from(signed.to_bytes()) == signed
    receipt_from(signed.to_bytes()).verify(HQ_KEY.public_key())


def test_signature_is_over_the_leaf(signed: SignedReceipt) -> None:
    import base64

    signature = base64.urlsafe_b64decode(signed.signature + "==")
    HQ_KEY.public_key().verify(signature, b"fieldsurvey receipt v1\n" + RECEIPT.leaf())
    assert json.loads(RECEIPT.leaf()) == dataclasses.asdict(RECEIPT)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Receipt)])
def test_no_field_can_be_changed(signed: SignedReceipt, field: str) -> None:
    value = getattr(RECEIPT, field)
    other = {
        int: lambda: value + 1,
        str: lambda: value[:-1] + ("0" if value[-1] != "0" else "1"),
        ReceiptState: lambda: ReceiptState.CONFLICT,
    }[type(value)]()
    changed = dataclasses.replace(signed, receipt=dataclasses.replace(RECEIPT, **{field: other}))
    with pytest.raises(WireError, match="signature"):
        changed.verify(HQ_KEY.public_key())


def test_another_signer_or_no_signature(signed: SignedReceipt) -> None:
    with pytest.raises(WireError, match="signature"):
        signed.verify(DEVICE_KEY.public_key())
    for text in ("", "!", signed.signature[:-2], signed.signature + "="):
        with pytest.raises(WireError, match="signature"):
            dataclasses.replace(signed, signature=text).verify(HQ_KEY.public_key())


def test_every_flipped_bit_is_found(signed: SignedReceipt) -> None:
    content = signed.to_bytes()
    for at in range(len(content)):
        for bit in range(8):
            altered = bytearray(content)
            altered[at] ^= 1 << bit
            with pytest.raises(WireError):
                receipt_from(bytes(altered)).verify(HQ_KEY.public_key())


def test_an_answer_may_say_more_than_the_receipt(signed: SignedReceipt) -> None:
    document = json.loads(signed.to_bytes()) | {"replay": True}
    assert receipt_from_answer(json.dumps(document, indent=1).encode()) == signed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Log in to the network</html>",
        b"{}",
        b"[]",
        b"null",
        b'"receipt"',
        b'{"receipt":{},"signature":""}',
        b'{"receipt":null,"signature":"x"}',
        b"\xff\xfe",
    ],
)
def test_what_portals_answer_is_no_receipt(body: bytes) -> None:
    with pytest.raises(WireError, match="receipt"):
        receipt_from_answer(body)
