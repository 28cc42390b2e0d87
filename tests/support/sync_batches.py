"""Sealed batches and receipts made by hand, for tests of what carries them."""

import hashlib

from fieldsurvey.wire.batch import NO_PREVIOUS, BatchHeader, SealedBatch, seal
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.receipt import Receipt, ReceiptState, SignedReceipt, sign_receipt

DEVICE = "00000000-0000-4000-8000-000000000001"
SURVEY = "5" * 32
EPOCH = "0123456789abcdef"


def batch(
    key: Ed25519PrivateKey,
    batch_no: int,
    payload: bytes = b"rows",
    *,
    rows: int = 1,
    epoch: str = EPOCH,
    device: str = DEVICE,
) -> SealedBatch:
    """Seal ``payload`` as if it held ``rows`` rows."""
    first = batch_no * rows + 1
    header = BatchHeader(
        device=device,
        epoch=epoch,
        survey=SURVEY,
        batch_no=batch_no,
        first_seq=first,
        last_seq=first + rows - 1,
        rows=rows,
        schema="rows/1",
        created_utc_us=1,
        prev_sha256=NO_PREVIOUS,
        payload_sha256=hashlib.sha256(payload).hexdigest(),
    )
    return seal(header, payload, key)


def receipt(
    sealed: SealedBatch,
    hq_key: Ed25519PrivateKey,
    log_index: int = 0,
    state: ReceiptState = ReceiptState.LANDED,
) -> SignedReceipt:
    """Sign for ``sealed`` as HQ would."""
    header = sealed.header
    return sign_receipt(
        Receipt(
            header.device,
            header.epoch,
            header.batch_no,
            sealed.sha256,
            header.rows,
            1_700_000_000_000_000,
            log_index,
            state,
        ),
        hq_key,
    )
