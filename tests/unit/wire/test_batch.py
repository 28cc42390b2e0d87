"""A sealed batch is what its sender sealed, or it is refused."""

import dataclasses
import hashlib
from collections.abc import Callable

import msgspec
import pytest

from fieldsurvey.wire.batch import (
    MAGIC,
    NO_PREVIOUS,
    BatchHeader,
    SealedBatch,
    parse_batch,
    seal,
)
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import (
    SIGNATURE_BYTES,
    Ed25519PrivateKey,
    public_key_from,
    public_key_text,
    sign,
)
from tests.support.wire_batches import DEVICE, DEVICE_KEY, EPOCH, HQ_KEY, SURVEY

PAYLOAD = b"payload " * 20


def header(payload: bytes = PAYLOAD, **changes: object) -> BatchHeader:
    digest = hashlib.sha256(payload).hexdigest()
    whole = BatchHeader(DEVICE, EPOCH, SURVEY, 3, 11, 20, 10, "rows/1", 5, NO_PREVIOUS, digest)
    return dataclasses.replace(whole, **changes)


@pytest.fixture
def batch() -> SealedBatch:
    return seal(header(), PAYLOAD, DEVICE_KEY)


def test_parsing_gives_back_what_was_sealed(batch: SealedBatch) -> None:
    parsed = parse_batch(batch.content)
    assert parsed == batch
    assert parsed.payload == PAYLOAD
    assert parsed.sha256 == hashlib.sha256(batch.content).hexdigest()
    assert parsed.header_sha256 == hashlib.sha256(parsed.header_bytes).hexdigest()
    parsed.verify(DEVICE_KEY.public_key())


def test_layout_is_the_one_written_down(batch: SealedBatch) -> None:
    """By the bytes themselves, as a stranger would take them apart."""
    content = batch.content
    assert content[:4] == b"FSB1"
    length = int.from_bytes(content[4:6], "big")
    document = msgspec.json.decode(content[6 : 6 + length])
    assert document == msgspec.to_builtins(batch.header)
    assert list(document) == sorted(document)
    signature = content[6 + length : 6 + length + 64]
    DEVICE_KEY.public_key().verify(signature, b"fieldsurvey batch v1\n" + content[6 : 6 + length])
    assert content[6 + length + 64 :] == PAYLOAD


def test_every_flipped_bit_is_found(batch: SealedBatch) -> None:
    for at in range(len(batch.content)):
        for bit in range(8):
            content = bytearray(batch.content)
            content[at] ^= 1 << bit
            with pytest.raises(WireError):
                parse_batch(bytes(content)).verify(DEVICE_KEY.public_key())


def test_every_cut_is_found(batch: SealedBatch) -> None:
    for length in range(len(batch.content)):
        with pytest.raises(WireError) as refusal:
            parse_batch(batch.content[:length])
        assert refusal.value.code in ("framing", "payload")
    with pytest.raises(WireError, match="payload"):
        parse_batch(batch.content + b"\0")


def test_another_key_or_another_purpose_does_not_verify(batch: SealedBatch) -> None:
    with pytest.raises(WireError, match="signature"):
        batch.verify(HQ_KEY.public_key())
    receipt_like = sign(DEVICE_KEY, "receipt", batch.header_bytes)
    with pytest.raises(WireError, match="signature"):
        dataclasses.replace(batch, signature=receipt_like).verify(DEVICE_KEY.public_key())


def test_only_the_payload_that_the_header_names_is_sealed() -> None:
    with pytest.raises(ValueError, match="payload"):
        seal(header(), PAYLOAD + b"!", DEVICE_KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "somebody"},
        {"device": DEVICE.upper()},
        {"epoch": EPOCH[:-1]},
        {"survey": ""},
        {"batch_no": -1},
        {"first_seq": 0},
        {"first_seq": 21},
        {"rows": 9},
        {"last_seq": 2**62, "rows": 2**62 - 10},
        {"schema": "rows"},
        {"schema": "rows/0"},
        {"prev_sha256": "0"},
        {"created_utc_us": -1},
        {"v": 2},
    ],
    ids=str,
)
def test_headers_that_are_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        header(**changes)


def respelled(spell: Callable[[bytes], bytes]) -> bytes:
    """A batch with another spelling of the same header, signed as it should be."""
    data = spell(msgspec.json.encode(header(), order="sorted"))
    signature = sign(DEVICE_KEY, "batch", data)
    return MAGIC + len(data).to_bytes(2, "big") + data + signature + PAYLOAD


@pytest.mark.parametrize(
    "spell",
    [
        lambda data: data.replace(b'"rows":10', b'"rows": 10'),
        lambda data: data.replace(b'"rows":10', b'"rows":10,"rows":10'),
        lambda data: data.replace(b'"rows":10', b'"rows":10.0'),
        lambda data: data[:-1] + b',"x":1}',
        lambda data: data.replace(b"rows/1", b"rows\\/1"),
        lambda data: b"[]",
        lambda data: b"\xff",
    ],
)
def test_one_header_has_one_spelling(spell: Callable[[bytes], bytes]) -> None:
    assert parse_batch(respelled(lambda data: data)).header == header()
    with pytest.raises(WireError, match="header"):
        parse_batch(respelled(spell))


def test_a_header_longer_than_any_header() -> None:
    with pytest.raises(WireError, match="framing"):
        parse_batch(MAGIC + (5000).to_bytes(2, "big") + bytes(6000 + SIGNATURE_BYTES))


def test_keys_as_text() -> None:
    key = Ed25519PrivateKey.generate().public_key()
    text = public_key_text(key)
    assert public_key_from(text).public_bytes_raw() == key.public_bytes_raw()
    for other in ("", "ed25519:", text[:-1], text + "=", text[8:], text[:-1] + "\n", "ed25519:é"):
        with pytest.raises(WireError, match="signature"):
            public_key_from(other)
