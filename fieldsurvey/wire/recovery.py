"""The recovery copy of a laptop's file key: only headquarters can open it.

X25519 with a key pair made for this one copy, HKDF-SHA-256, ChaCha20-Poly1305. The device's id is
bound to it, so that one laptop's copy cannot be taken for another's.
"""

import hashlib
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldsurvey.wire.answers import RecoveryCopy
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import base64_text, bytes_of

__all__ = ["X25519PrivateKey", "X25519PublicKey"]

VERSION = 1
PREFIX = "x25519:"
KEY_BYTES = 32
KEY_ID_DIGITS = 16
_PURPOSE = b"fieldsurvey recovery v1\n"
_NONCE = bytes(12)  # every copy has a key of its own, used once


def recovery_key_text(key: X25519PublicKey) -> str:
    """Return "x25519:" and base64url of the 32 bytes, without padding."""
    return PREFIX + base64_text(key.public_bytes_raw())


def recovery_key_from(text: str) -> X25519PublicKey:
    """Read what :func:`recovery_key_text` wrote. Raises WireError ``recovery``."""
    if not text.startswith(PREFIX):
        raise WireError("recovery", "not an x25519 key")
    return _public_key(text.removeprefix(PREFIX))


def key_id_of(file_key: bytes) -> str:
    """Return the name of a file key; it says nothing of the key."""
    return hashlib.sha256(b"fieldsurvey file key id\n" + file_key).hexdigest()[:KEY_ID_DIGITS]


def is_key_id(text: str) -> bool:
    """True if :func:`key_id_of` could have said it."""
    return re.fullmatch(f"[0-9a-f]{{{KEY_ID_DIGITS}}}", text) is not None


def wrap(file_key: bytes, hq_key: X25519PublicKey, device: str) -> RecoveryCopy:
    """Make the copy of ``device``'s file key that the holder of ``hq_key`` can open.

    Raises WireError ``recovery`` where ``hq_key`` is no key that keeps a secret.
    """
    once = X25519PrivateKey.generate()
    try:
        shared = once.exchange(hq_key)
    except ValueError as error:
        raise WireError("recovery", str(error)) from error
    cipher = _cipher(shared, once.public_key(), hq_key)
    return RecoveryCopy(
        VERSION,
        key_id_of(file_key),
        base64_text(once.public_key().public_bytes_raw()),
        base64_text(cipher.encrypt(_NONCE, file_key, _bound_to(device))),
    )


def unwrap(copy: RecoveryCopy, hq_key: X25519PrivateKey, device: str) -> bytes:
    """Return ``device``'s file key. Raises WireError ``recovery`` unless all of it fits."""
    if copy.v != VERSION:
        raise WireError("recovery", f"version {copy.v}")
    once = _public_key(copy.ephemeral)
    try:
        cipher = _cipher(hq_key.exchange(once), once, hq_key.public_key())
        file_key = cipher.decrypt(_NONCE, bytes_of(copy.sealed), _bound_to(device))
    except ValueError as error:
        raise WireError("recovery", str(error)) from error
    except InvalidTag as error:
        raise WireError("recovery", "made for another key or device, or changed") from error
    if len(file_key) != KEY_BYTES or key_id_of(file_key) != copy.key_id:
        raise WireError("recovery", "not the key of its name")
    return file_key


def _cipher(shared: bytes, once: X25519PublicKey, hq_key: X25519PublicKey) -> ChaCha20Poly1305:
    salt = once.public_bytes_raw() + hq_key.public_bytes_raw()
    return ChaCha20Poly1305(HKDF(SHA256(), KEY_BYTES, salt, _PURPOSE).derive(shared))


def _bound_to(device: str) -> bytes:
    return _PURPOSE + device.encode()


def _public_key(text: str) -> X25519PublicKey:
    try:
        return X25519PublicKey.from_public_bytes(bytes_of(text))
    except ValueError as error:
        raise WireError("recovery", f"not an x25519 key: {error}") from error
