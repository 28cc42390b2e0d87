"""Ed25519 keys as text, and signatures that cannot be taken for those of another kind of document.

The curve's own library does the work; nothing here stores a key.
"""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fieldsurvey.wire.canonical import WireError

__all__ = ["Ed25519PrivateKey", "Ed25519PublicKey"]

PUBLIC_KEY_PREFIX = "ed25519:"
SIGNATURE_BYTES = 64


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return "ed25519:" and base64url of the 32 bytes, without padding."""
    return PUBLIC_KEY_PREFIX + base64_text(key.public_bytes_raw())


def public_key_from(text: str) -> Ed25519PublicKey:
    """Read what :func:`public_key_text` wrote. Raises WireError ``signature``."""
    if not text.startswith(PUBLIC_KEY_PREFIX):
        raise WireError("signature", "not an ed25519 key")
    try:
        return Ed25519PublicKey.from_public_bytes(bytes_of(text.removeprefix(PUBLIC_KEY_PREFIX)))
    except ValueError as error:
        raise WireError("signature", f"not an ed25519 key: {error}") from error


def sign(key: Ed25519PrivateKey, purpose: str, data: bytes) -> bytes:
    """Sign ``data`` for ``purpose`` ("batch", "receipt", ...)."""
    return key.sign(_bound(purpose, data))


def verify(key: Ed25519PublicKey, purpose: str, data: bytes, signature: bytes) -> None:
    """Raise WireError ``signature`` unless ``signature`` was made for ``purpose`` over ``data``."""
    try:
        key.verify(signature, _bound(purpose, data))
    except InvalidSignature as error:
        raise WireError("signature", f"wrong signature of a {purpose}") from error


def verify_text(key: Ed25519PublicKey, purpose: str, data: bytes, signature: str) -> None:
    """As :func:`verify`, of a signature in base64url."""
    try:
        decoded = bytes_of(signature)
    except ValueError as error:
        raise WireError("signature", str(error)) from error
    verify(key, purpose, data, decoded)


def _bound(purpose: str, data: bytes) -> bytes:
    return b"fieldsurvey " + purpose.encode() + b" v1\n" + data


def base64_text(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """Read what :func:`base64_text` wrote, in that one spelling. Raises ValueError."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from error
    if base64_text(data) != text:
        raise ValueError("not base64 in its usual spelling")
    return data
