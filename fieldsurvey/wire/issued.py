"""HQ's signed word on a document it gives to laptops: a survey plan, a places file, targets.

Versions of one name only rise; whoever has seen one believes no older one. What a document says is
no business of this module.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from fieldsurvey.wire.canonical import WireError, from_canonical, to_canonical
from fieldsurvey.wire.keys import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
    base64_text,
    sign,
    verify_text,
)

# A file name on every system: no capitals, no points, none of the names that Windows keeps.
NAME = re.compile(r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\Z)[a-z0-9][a-z0-9_-]{0,62}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class IssuedKind(StrEnum):
    PLAN = "plan"
    PLACES = "places"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True)
class Issued:
    """One version of a document. ``sha256`` and ``size_bytes`` are of its bytes."""

    kind: IssuedKind
    name: str
    version: int
    sha256: str
    size_bytes: int
    issued_utc_us: int
    v: int = 1


@dataclass(frozen=True, slots=True)
class SignedIssued:
    """A statement as it travels and is kept."""

    issued: Issued
    signature: str  # base64url

    def to_bytes(self) -> bytes:
        """Return the canonical JSON."""
        return to_canonical(self)

    def verify(self, key: Ed25519PublicKey) -> None:
        """Raise WireError ``signature`` unless ``key``'s owner issued this, ``issued`` if its
        name or digest cannot be one."""
        verify_text(key, "issued", to_canonical(self.issued), self.signature)
        if not (NAME.fullmatch(self.issued.name) and SHA256.fullmatch(self.issued.sha256)):
            raise WireError("issued", "no name or no digest")
        if self.issued.version < 1 or self.issued.size_bytes < 0:
            raise WireError("issued", "no version or no size")


@dataclass(frozen=True, slots=True)
class IssuedList:
    """The newest version of every document."""

    issued: tuple[SignedIssued, ...]


def sign_issued(issued: Issued, key: Ed25519PrivateKey) -> SignedIssued:
    """Sign as HQ."""
    return SignedIssued(issued, base64_text(sign(key, "issued", to_canonical(issued))))


def issued_from(data: bytes) -> SignedIssued:
    """Read a kept statement. Raises WireError ``issued``."""
    return from_canonical(data, SignedIssued, "issued")
