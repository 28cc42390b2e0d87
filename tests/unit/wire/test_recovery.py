"""The recovery copy of a file key: HQ alone opens it, for one laptop, and every change shows."""

import dataclasses

import msgspec
import pytest

from fieldsurvey.wire.answers import Enrolled, RecoveryCopy
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import base64_text, bytes_of
from fieldsurvey.wire.recovery import (
    X25519PrivateKey,
    key_id_of,
    recovery_key_from,
    recovery_key_text,
    unwrap,
    wrap,
)

DEVICE = "0b8e6a52-4c3f-4c39-9d0e-5a4ec5b1f7d1"
FILE_KEY = bytes(range(32))
HQ = X25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
GOLDEN = msgspec.json.encode(
    {
        "v": 1,
        "key_id": "e1f54365f640800a",
        "ephemeral": "DhJMMTFb-tusiQkESo6E4XkAatQvNNFucXILe8LHAQs",
        "sealed": "ZLUYGKELPmhDo6n3aL1PLm4MBJVcOvOT4-BQssLpqYVmYhZdIuqjgkoM7F3FzyvV",
    }
)


def copy() -> RecoveryCopy:
    return wrap(FILE_KEY, HQ.public_key(), DEVICE)


def test_hq_opens_it() -> None:
    assert unwrap(copy(), HQ, DEVICE) == FILE_KEY
    assert copy() != copy()  # nobody can tell two copies of one key
    assert copy().key_id == key_id_of(FILE_KEY)


def test_a_copy_of_the_first_release_still_opens() -> None:
    kept = msgspec.json.decode(GOLDEN, type=RecoveryCopy)
    assert unwrap(kept, HQ, DEVICE) == FILE_KEY


def test_nobody_else_and_for_no_other_laptop() -> None:
    for key, device in ((X25519PrivateKey.generate(), DEVICE), (HQ, DEVICE[:-1] + "2")):
        with pytest.raises(WireError):
            unwrap(copy(), key, device)


@pytest.mark.parametrize("name", ["ephemeral", "sealed"])
def test_every_changed_byte_shows(name: str) -> None:
    one = copy()
    content = bytes_of(getattr(one, name))
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 0x80
        with pytest.raises(WireError):
            unwrap(dataclasses.replace(one, **{name: base64_text(bytes(changed))}), HQ, DEVICE)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"key_id": "0" * 16},
        {"ephemeral": ""},
        {"ephemeral": base64_text(bytes(32))},  # a point that gives away the secret
        {"sealed": ""},
        {"sealed": "no base64!"},
    ],
)
def test_what_is_no_copy(changes: dict[str, object]) -> None:
    with pytest.raises(WireError):
        unwrap(dataclasses.replace(copy(), **changes), HQ, DEVICE)  # type: ignore[arg-type]


def test_keys_as_text() -> None:
    text = recovery_key_text(HQ.public_key())
    assert recovery_key_from(text).public_bytes_raw() == HQ.public_key().public_bytes_raw()
    for wrong in ("", "x25519:AA", text.replace("x25519", "ed25519"), text + "="):
        with pytest.raises(WireError):
            recovery_key_from(wrong)
    with pytest.raises(WireError):  # the point of which every shared secret is zero
        wrap(FILE_KEY, recovery_key_from("x25519:" + "A" * 43), DEVICE)


def test_old_and_new_laptops_understand_old_and_new_headquarters() -> None:
    old = {"device": DEVICE, "token": "t", "receipt_key": "r", "log_origin": "o"}
    assert msgspec.convert(old, Enrolled).encrypt is False

    @dataclasses.dataclass
    class EnrolledOfOld:
        device: str
        token: str
        receipt_key: str
        log_origin: str

    new = Enrolled(DEVICE, "t", "r", "o", True, recovery_key_text(HQ.public_key()))
    assert msgspec.json.decode(msgspec.json.encode(new), type=EnrolledOfOld).token == "t"
