"""Where there is no network: batches on a stick to HQ, and its receipts back.

Writing a bundle delivers nothing: the batches wait, and may go over the network as well, until a
receipt for them is here.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.sync.answers import check_receipt
from fieldsurvey.sync.reconcile import deliver
from fieldsurvey.sync.seal import seal_all
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.bundle import read_receipts, write_bundle
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Bundled:
    """What a bundle holds. ``left_out``: batches whose bytes are damaged on this laptop."""

    batches: int
    rows: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a receipts file brought: for batches that waited, for ones known to be at HQ, and for
    none of this survey. ``wrong``: of this survey, but not signed by this HQ for these bytes."""

    acknowledged: int = 0
    known: int = 0
    others: int = 0
    wrong: int = 0
    problem: str | None = None  # of the file


def bundle(
    outbox: Outbox,
    path: Path,
    device: str,
    key: Ed25519PrivateKey,
    now_utc_us: int,
    new_epoch: Callable[[], str],
) -> Bundled | None:
    """Seal all rows and write every batch without a receipt to ``path``, parked ones included.

    None, and no file, where HQ has signed for everything. Raises KnownError
    ``sync.bundle_unwritable``.
    """
    seal_all(outbox, device, key, now_utc_us, new_epoch)
    batches = _without_receipt(outbox)
    if not batches:
        return None
    rows = 0

    def whole() -> Iterator[bytes]:
        nonlocal rows
        for batch in batches:
            with contextlib.suppress(WireError):  # damaged here or dropped: the others must go
                sealed = parse_batch(outbox.content(batch) or b"")
                rows += sealed.header.rows
                yield sealed.content

    try:
        written = write_bundle(path, whole())
    except OSError as error:
        reason = error.strerror or error
        raise KnownError("sync.bundle_unwritable", path=path, reason=reason) from error
    return Bundled(written, rows, len(batches) - written)


def take_receipts(
    outbox: Outbox,
    path: Path,
    device: str,
    hq_key: Ed25519PublicKey,
    now_utc_us: int,
    new_epoch: Callable[[], str],
) -> Taken:
    """Acknowledge what the receipts in ``path`` are for. May be repeated.

    Of a damaged file, what can be read counts. Raises KnownError ``sync.receipts_unreadable``.
    """
    counts = {"acknowledged": 0, "known": 0, "others": 0, "wrong": 0}
    problem = None
    waiting = set(_without_receipt(outbox))
    epochs = {epoch.epoch for epoch in outbox.epochs()}
    try:
        for signed in read_receipts(path):
            receipt = signed.receipt
            batch = BatchId(receipt.epoch, receipt.batch_no)
            if receipt.epoch not in epochs:
                counts["others"] += 1
                continue
            if batch not in waiting:
                counts["known"] += 1
                continue
            try:
                check_receipt(signed, parse_batch(outbox.content(batch) or b""), hq_key)
            except WireError:
                counts["wrong"] += 1
                continue
            deliver(outbox, batch, signed, device, now_utc_us, new_epoch)
            waiting.discard(batch)
            counts["acknowledged"] += 1
    except OSError as error:
        reason = error.strerror or error
        raise KnownError("sync.receipts_unreadable", path=path, reason=reason) from error
    except WireError as error:
        if not any(counts.values()):
            raise KnownError("sync.receipts_unreadable", path=path, reason=error) from error
        problem = error.detail
    return Taken(**counts, problem=problem)


def _without_receipt(outbox: Outbox) -> list[BatchId]:
    """Return all batches that wait or are parked, oldest first."""
    parked = [batch for batch, _ in outbox.parked()]
    order = {epoch.epoch: number for number, epoch in enumerate(outbox.epochs())}
    waiting = outbox.waiting(outbox.progress().batches)
    return sorted((*waiting, *parked), key=lambda batch: (order[batch.epoch], batch.batch_no))
