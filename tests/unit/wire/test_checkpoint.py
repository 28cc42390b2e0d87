"""HQ's statement of its log: a signed note that cannot be altered or read in two ways."""

import base64
import hashlib

import pytest

from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, checkpoint_from, sign_checkpoint
from tests.support.wire_batches import DEVICE_KEY, HQ_KEY

CHECKPOINT = Checkpoint("hq.example/log/1", 12_345, bytes(range(32)))


@pytest.fixture
def note() -> str:
    return sign_checkpoint(CHECKPOINT, HQ_KEY)


def test_round_trip(note: str) -> None:
    assert checkpoint_from(note, HQ_KEY.public_key()) == CHECKPOINT


def test_the_text_is_that_of_c2sp(note: str) -> None:
    """tlog-checkpoint and signed-note, taken apart by hand."""
    body, signature_line = note.split("\n\n")
    origin, size, root = body.split("\n")
    assert (origin, size) == ("hq.example/log/1", "12345")
    assert base64.b64decode(root) == bytes(range(32))
    dash, name, signature_text = signature_line.rstrip("\n").split(" ")
    assert (dash, name) == ("\u2014", origin)
    signature = base64.b64decode(signature_text)
    key = HQ_KEY.public_key()
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + key.public_bytes_raw()).digest()[:4]
    assert signature[:4] == key_id
    key.verify(signature[4:], body.encode() + b"\n")


def test_every_altered_letter_is_found(note: str) -> None:
    for at in range(len(note)):
        for letter in {"0", "1", "A", "\n", " ", "\u2014", chr(ord(note[at]) ^ 1)} - {note[at]}:
            with pytest.raises(WireError):
                checkpoint_from(note[:at] + letter + note[at + 1 :], HQ_KEY.public_key())


def test_every_cut_and_every_addition_is_found(note: str) -> None:
    for length in range(len(note)):
        with pytest.raises(WireError):
            checkpoint_from(note[:length], HQ_KEY.public_key())
    for more in ("\n", " ", note, "\n\n" + note):
        with pytest.raises(WireError):
            checkpoint_from(note + more, HQ_KEY.public_key())


def test_another_log_or_another_key(note: str) -> None:
    with pytest.raises(WireError, match="another log or key"):
        checkpoint_from(note, DEVICE_KEY.public_key())
    forged = sign_checkpoint(CHECKPOINT, DEVICE_KEY)
    with pytest.raises(WireError, match="another log or key"):
        checkpoint_from(forged, HQ_KEY.public_key())


@pytest.mark.parametrize("size", ["-1", "+5", "05", " 5", "5 ", "1_000", "\u0665"])
def test_one_size_has_one_spelling(size: str) -> None:
    """Signed as it stands, and still not a checkpoint."""
    root = base64.b64encode(bytes(32)).decode()
    body = f"hq.example/log/1\n{size}\n{root}\n".encode()
    key = HQ_KEY.public_key()
    key_id = hashlib.sha256(b"hq.example/log/1\n\x01" + key.public_bytes_raw()).digest()[:4]
    signature = base64.b64encode(key_id + HQ_KEY.sign(body)).decode()
    with pytest.raises(WireError, match="checkpoint"):
        checkpoint_from(f"{body.decode()}\n\u2014 hq.example/log/1 {signature}\n", key)
