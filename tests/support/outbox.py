"""Keys, sealing and receipts for the tests of the outbox, and a reader that trusts nothing."""

import itertools
from collections.abc import Callable

from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.seal import MAX_ROWS, seal_all, seal_next
from fieldsurvey.wire.batch import NO_PREVIOUS, SealedBatch, parse_batch
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.receipt import Receipt, ReceiptState, SignedReceipt, sign_receipt
from fieldsurvey.wire.rows import Row, decode_rows

DEVICE = "4f1c2d3e-0a1b-4c2d-8e3f-001122334455"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HQ_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
NOW_UTC_US = 1_770_000_000_000_000


def epoch_names() -> Callable[[], str]:
    """Return a source of epochs: "0000000000000001" and so on."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):016x}"


def seal_one(
    outbox: Outbox, max_rows: int = MAX_ROWS, new_epoch: Callable[[], str] | None = None
) -> SealedBatch:
    """Seal the next rows, which must be there."""
    batch = seal_next(outbox, DEVICE, KEY, NOW_UTC_US, new_epoch or epoch_names(), max_rows)
    assert batch is not None
    return batch


def seal_rest(outbox: Outbox, max_rows: int = MAX_ROWS) -> list[BatchId]:
    """Seal all there is; return what waits."""
    seal_all(outbox, DEVICE, KEY, NOW_UTC_US, epoch_names(), max_rows)
    return outbox.waiting(10_000)


def receipt_for(outbox: Outbox, batch: BatchId, log_index: int = 0) -> SignedReceipt:
    """Sign for a batch as HQ does."""
    content = outbox.content(batch)
    assert content is not None
    sealed = parse_batch(content)
    header = sealed.header
    return sign_receipt(
        Receipt(
            *(header.device, header.epoch, header.batch_no, sealed.sha256, header.rows),
            *(NOW_UTC_US, log_index, ReceiptState.LANDED),
        ),
        HQ_KEY,
    )


def acknowledge(outbox: Outbox, batch: BatchId, log_index: int = 0) -> None:
    """Deliver a batch."""
    outbox.acknowledge(batch, receipt_for(outbox, batch, log_index), NOW_UTC_US)


def sealed_rows(survey: SurveyFile) -> list[Row]:
    """Return the rows of all batches of the file, in order; fail unless they are numbered 1, 2, 3
    and so on, and each batch is signed and tied to the one before it."""
    rows: list[Row] = []
    previous: dict[str, SealedBatch] = {}
    for (content,) in survey.connection.execute(
        "SELECT content FROM batch_content ORDER BY first_seq"
    ).fetchall():
        batch = parse_batch(content)
        batch.verify(KEY.public_key())
        before = previous.get(batch.header.epoch)
        if before is None:
            assert (batch.header.batch_no, batch.header.prev_sha256) == (0, NO_PREVIOUS)
        else:
            assert batch.header.batch_no == before.header.batch_no + 1
            assert batch.header.prev_sha256 == before.header_sha256
        previous[batch.header.epoch] = batch
        decoded = decode_rows(batch.payload)
        assert len(decoded) == batch.header.rows
        assert decoded[0].seq == batch.header.first_seq
        rows += decoded
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return rows
