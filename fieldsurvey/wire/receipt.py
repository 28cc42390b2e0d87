"""HQ's signed word that it holds a batch for good: the surveyor's proof of delivery.

Whatever answers without one (a captive portal, a proxy) has received nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from fieldsurvey.wire.canonical import WireError, from_canonical, to_canonical
from fieldsurvey.wire.keys import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
    base64_text,
    sign,
    verify_text,
)


class ReceiptState(StrEnum):
    """What HQ could say of a batch when it came. Every one of them is held for good."""

    LANDED = "landed"
    QUARANTINED = "quarantined"  # not understood, or not yet; HQ decides, nobody sends again
    CONFLICT = "conflict"  # another batch of that number is held too: a clone or a restored file


@dataclass(frozen=True, slots=True)
class Receipt:
    """One entry of HQ's log. ``sha256`` is of the whole sealed batch."""

    device: str
    epoch: str
    batch_no: int
    sha256: str
    rows: int
    received_utc_us: int
    log_index: int
    state: ReceiptState
    v: int = 1

    def leaf(self) -> bytes:
        """Return what the log commits to, and what is signed."""
        return to_canonical(self)


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt as it travels and is kept."""

    receipt: Receipt
    signature: str  # base64url

    def to_bytes(self) -> bytes:
        """Return the canonical JSON."""
        return to_canonical(self)

    def verify(self, key: Ed25519PublicKey) -> None:
        """Raise WireError ``signature`` unless ``key``'s owner gave this receipt."""
        verify_text(key, "receipt", self.receipt.leaf(), self.signature)


def sign_receipt(receipt: Receipt, key: Ed25519PrivateKey) -> SignedReceipt:
    """Sign as HQ."""
    return SignedReceipt(receipt, base64_text(sign(key, "receipt", receipt.leaf())))


def receipt_from(data: bytes) -> SignedReceipt:
    """Read a kept receipt. Raises WireError ``receipt``."""
    return from_canonical(data, SignedReceipt, "receipt")


def receipt_from_answer(body: bytes) -> SignedReceipt:
    """Find the receipt in the body of an answer to a PUT: any JSON object with one.

    Raises WireError ``receipt`` for all that other servers answer.
    """
    try:
        document: Any = msgspec.json.decode(body)
        return msgspec.convert(
            {"receipt": document["receipt"], "signature": document["signature"]}, SignedReceipt
        )
    except (msgspec.MsgspecError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise WireError("receipt", f"no receipt: {error}") from error
