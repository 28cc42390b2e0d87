"""HQ's signed statement of how large its log is and what is in it, as a signed note.

The text is that of C2SP's tlog-checkpoint: origin, number of leaves, root in base64; the signature
line carries four bytes that tell the key. Laptops keep the newest one and compare the next with it.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature

from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_DASH = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log; it has neither spaces nor plus signs."""

    origin: str
    size: int
    root: bytes  # 32

    def body(self) -> bytes:
        """Return the signed text."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\n".encode()


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the note, which is text."""
    body = checkpoint.body()
    signature = _key_id(checkpoint.origin, key.public_key()) + key.sign(body)
    line = f"{_DASH}{checkpoint.origin} {base64.b64encode(signature).decode()}\n"
    return f"{body.decode()}\n{line}"


def checkpoint_from(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """Read a note and check its signature. Raises WireError ``checkpoint`` or ``signature``."""
    try:
        body, _, line = note.partition("\n\n")
        origin, size, root = body.split("\n")
        dash_and_name, _, signature_text = line.removesuffix("\n").rpartition(" ")
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
        signature = base64.b64decode(signature_text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise WireError("checkpoint", f"not a checkpoint: {error}") from error
    expected = f"{checkpoint.body().decode()}\n{_DASH}{origin} {_text(signature)}\n"
    if note != expected or dash_and_name != _DASH + origin or checkpoint.size < 0:
        raise WireError("checkpoint", "not a checkpoint in its usual spelling")
    if len(checkpoint.root) != 32 or signature[:4] != _key_id(origin, key):
        raise WireError("checkpoint", "of another log or key")
    try:
        key.verify(signature[4:], checkpoint.body())
    except InvalidSignature as error:
        raise WireError("signature", "wrong signature of a checkpoint") from error
    return checkpoint


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    digest = hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw())
    return digest.digest()[:4]
