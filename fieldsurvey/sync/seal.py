"""Recorded rows into sealed batches: contiguous, signed, kept in one transaction with the cursor.

What is signed is read back first: a payload that does not give the very rows again is not sealed.
Rows are never judged here and none is left out; a row that cannot be encoded travels as text. Who
the surveyor is stays here (:mod:`fieldsurvey.sync.private`).
"""

import hashlib
from collections.abc import Callable, Sequence

from fieldsurvey.store.outbox import Outbox
from fieldsurvey.sync.private import without_private
from fieldsurvey.wire.batch import MAX_BATCH_BYTES, BatchHeader, SealedBatch, seal
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.rows import SCHEMA, RefusedRow, Row, decode_rows, encode_rows

MAX_ROWS = 8192


def seal_next(
    outbox: Outbox,
    device: str,
    key: Ed25519PrivateKey,
    now_utc_us: int,
    new_epoch: Callable[[], str],
    max_rows: int = MAX_ROWS,
) -> SealedBatch | None:
    """Seal the next rows of the file and keep the batch; None if no row waits.

    The batch has at most ``MAX_BATCH_BYTES``, but for one row that is larger alone. ``new_epoch``
    is asked for 16 hexadecimal digits where the file has no epoch of this device yet. Raises
    KnownError ``store.*`` with nothing sealed; the call may simply be made again.
    """
    rows = [without_private(row) for row in outbox.unsealed(max_rows)]
    if not rows:
        return None
    created_utc_us = max(0, now_utc_us)
    epoch = outbox.epoch()
    if epoch is None or epoch.device != device:
        reason = "first" if epoch is None else "device"
        outbox.open_epoch(new_epoch(), device, created_utc_us, reason)
    while (batch := _sealed(outbox, device, key, created_utc_us, rows)) is None:
        rows = rows[: len(rows) // 2] if len(rows) > 1 else [_as_text(rows[0])]
    outbox.add_sealed(batch)
    return batch


def seal_all(
    outbox: Outbox,
    device: str,
    key: Ed25519PrivateKey,
    now_utc_us: int,
    new_epoch: Callable[[], str],
    max_rows: int = MAX_ROWS,
) -> int:
    """Seal until no row waits. Returns the number of batches."""
    batches = 0
    while seal_next(outbox, device, key, now_utc_us, new_epoch, max_rows) is not None:
        batches += 1
    return batches


def _sealed(
    outbox: Outbox,
    device: str,
    key: Ed25519PrivateKey,
    created_utc_us: int,
    rows: Sequence[Row],
) -> SealedBatch | None:
    """Return the batch of these rows, or None if they are too many or cannot be encoded."""
    payload = _payload(rows)
    if payload is None:
        return None
    place = outbox.next_batch()
    header = BatchHeader(
        device,
        place.epoch,
        outbox.survey_id,
        place.batch_no,
        rows[0].seq,
        rows[-1].seq,
        len(rows),
        SCHEMA,
        created_utc_us,
        place.prev_sha256,
        hashlib.sha256(payload).hexdigest(),
    )
    batch = seal(header, payload, key)
    return batch if len(batch.content) <= MAX_BATCH_BYTES or len(rows) == 1 else None


def _payload(rows: Sequence[Row]) -> bytes | None:
    """Return the encoded rows, or None if they do not come back as they are."""
    try:
        payload = encode_rows(rows)
        return payload if decode_rows(payload) == list(rows) else None
    except (WireError, ValueError, OverflowError, TypeError):
        return None


def _as_text(row: Row) -> Row:
    if isinstance(row.value, RefusedRow):
        raise ValueError(f"row {row.seq} cannot be encoded, not even as text")
    kind = type(row.value).__name__
    return Row(row.seq, row.drive_id, RefusedRow(kind, repr(row.value), "cannot be encoded"))
