"""Sealed batches of given rows, by keys that are the same in every run."""

import hashlib
from collections.abc import Sequence

from fieldsurvey.wire.batch import NO_PREVIOUS, BatchHeader, SealedBatch, seal
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.rows import SCHEMA, Row, encode_rows
from tests.support.store_values import START_UTC_US

# For tests only: everybody can read them.
DEVICE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HQ_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
DEVICE = "0b5cf6e4-8a4e-4b3c-9d53-3f5b6d1c2a10"
EPOCH = "00112233445566ff"
SURVEY = "0123456789abcdef0123456789abcdef"


def sealed(
    rows: Sequence[Row],
    payload: bytes | None = None,
    *,
    device: str = DEVICE,
    epoch: str = EPOCH,
    batch_no: int = 0,
    prev_sha256: str = NO_PREVIOUS,
    schema: str = SCHEMA,
    survey: str = SURVEY,
) -> SealedBatch:
    """Seal ``rows``, or ``payload`` under a header that says it is them."""
    content = encode_rows(rows) if payload is None else payload
    header = BatchHeader(
        device,
        epoch,
        survey,
        batch_no,
        rows[0].seq,
        rows[-1].seq,
        len(rows),
        schema,
        START_UTC_US,
        prev_sha256,
        hashlib.sha256(content).hexdigest(),
    )
    return seal(header, content, DEVICE_KEY)
