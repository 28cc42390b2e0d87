"""A sealed batch: contiguous rows of one device and epoch as one immutable run of bytes.

    "FSB1"  length of the header (u16, big-endian)  header  signature (64 bytes)  payload

The same bytes lie on the laptop, go over the network, onto a USB stick and into HQ's raw store. The
header is canonical JSON; its signature covers the payload through ``payload_sha256`` and all
earlier batches of the epoch through ``prev_sha256``. What the payload means is the business of
:mod:`fieldsurvey.wire.rows`; here it is opaque.
"""

import hashlib
import re
from dataclasses import dataclass

from fieldsurvey.wire.canonical import WireError, from_canonical, to_canonical
from fieldsurvey.wire.keys import (
    SIGNATURE_BYTES,
    Ed25519PrivateKey,
    Ed25519PublicKey,
    sign,
    verify,
)

MAGIC = b"FSB1"
MAX_BATCH_BYTES = 256 * 1024  # sealed; receivers take at least MIN_ACCEPTED_BYTES
MIN_ACCEPTED_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 4096
NO_PREVIOUS = "0" * 64

_DEVICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HIGHEST = 2**62  # numbers of rows and batches, µs


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What is signed. ``created_utc_us`` is the laptop's clock, for information only.

    ``prev_sha256``: digest of the header before it in the epoch; zeros in batch 0.
    """

    device: str  # UUID
    epoch: str  # 16 hexadecimal digits, new with every file, restore and clone
    survey: str  # survey_id of the file, 32 hexadecimal digits
    batch_no: int
    first_seq: int
    last_seq: int
    rows: int
    schema: str  # of the payload, "rows/1"
    created_utc_us: int
    prev_sha256: str
    payload_sha256: str
    v: int = 1

    def __post_init__(self) -> None:
        if not is_device(self.device) or not is_epoch(self.epoch):
            raise ValueError("device or epoch is not well-formed")
        if not re.fullmatch(r"[0-9a-f]{32}", self.survey):
            raise ValueError("survey is not well-formed")
        if not (_SHA256.fullmatch(self.prev_sha256) and _SHA256.fullmatch(self.payload_sha256)):
            raise ValueError("not a SHA-256")
        if not 0 <= self.batch_no < _HIGHEST or not 0 <= self.created_utc_us < _HIGHEST:
            raise ValueError("batch_no or created_utc_us out of range")
        if not 1 <= self.first_seq <= self.last_seq < _HIGHEST:
            raise ValueError("first_seq and last_seq are no range")
        if self.rows != self.last_seq - self.first_seq + 1:
            raise ValueError("rows is not what the range holds")
        if not re.fullmatch(r"[a-z_]{1,32}/[1-9][0-9]{0,5}", self.schema):
            raise ValueError("schema is not well-formed")
        if self.v != 1:
            raise ValueError(f"header version {self.v}")


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch as parsed; ``content`` are its bytes, which never change."""

    header: BatchHeader
    signature: bytes
    content: bytes

    @property
    def header_bytes(self) -> bytes:
        """Return what the signature covers."""
        return to_canonical(self.header)

    @property
    def header_sha256(self) -> str:
        """Return what the next batch of the epoch refers to."""
        return hashlib.sha256(self.header_bytes).hexdigest()

    @property
    def payload(self) -> bytes:
        """Return the rows, in the form that ``header.schema`` names."""
        return self.content[len(MAGIC) + 2 + len(self.header_bytes) + SIGNATURE_BYTES :]

    @property
    def sha256(self) -> str:
        """Return the digest of the whole: what a receipt refers to."""
        return hashlib.sha256(self.content).hexdigest()

    def verify(self, key: Ed25519PublicKey) -> None:
        """Raise WireError ``signature`` unless ``key``'s owner sealed this."""
        verify(key, "batch", self.header_bytes, self.signature)


def seal(header: BatchHeader, payload: bytes, key: Ed25519PrivateKey) -> SealedBatch:
    """Sign. Raises ValueError if the header is not this payload's, or the batch gets too large."""
    if header.payload_sha256 != hashlib.sha256(payload).hexdigest():
        raise ValueError("header is not of this payload")
    data = to_canonical(header)
    signature = sign(key, "batch", data)
    content = b"".join((MAGIC, len(data).to_bytes(2, "big"), data, signature, payload))
    return SealedBatch(header, signature, content)


def parse_batch(content: bytes) -> SealedBatch:
    """Take sealed bytes apart and check all but the signature.

    Raises WireError ``framing``, ``header`` or ``payload``.
    """
    header_at = len(MAGIC) + 2
    if content[: len(MAGIC)] != MAGIC or len(content) < header_at:
        raise WireError("framing", "not a sealed batch")
    header_end = header_at + int.from_bytes(content[len(MAGIC) : header_at], "big")
    payload_at = header_end + SIGNATURE_BYTES
    if header_end - header_at > MAX_HEADER_BYTES or payload_at > len(content):
        raise WireError("framing", "cut off or not a sealed batch")
    header = from_canonical(content[header_at:header_end], BatchHeader, "header")
    if hashlib.sha256(memoryview(content)[payload_at:]).hexdigest() != header.payload_sha256:
        raise WireError("payload", "payload is not the one that was sealed")
    return SealedBatch(header, content[header_end:payload_at], content)


def is_device(text: str) -> bool:
    """True for a UUID in its usual spelling."""
    return _DEVICE.fullmatch(text) is not None


def is_epoch(text: str) -> bool:
    """True for 16 hexadecimal digits."""
    return _EPOCH.fullmatch(text) is not None
