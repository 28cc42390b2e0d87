"""Is what was sealed as it was sealed, and does it cover the rows without gap or overlap?

Reads, changes nothing. Whose signature a batch or a receipt carries is not asked here: that takes
keys, which a survey file has none of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fieldsurvey.model.messages import Message, message
from fieldsurvey.store.driver import Connection
from fieldsurvey.store.outbox_tables import has_outbox
from fieldsurvey.wire.batch import NO_PREVIOUS, SealedBatch, parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.receipt import receipt_from


@dataclass(frozen=True, slots=True)
class _Batch:
    """A row of table ``batch`` and whose epoch it is."""

    first_seq: int
    last_seq: int
    epoch: str
    batch_no: int
    rows: int
    sha256: str
    header_sha256: str
    bytes: int
    created_utc_us: int
    device: str
    epoch_first_seq: int


def check_outbox(connection: Connection) -> Iterator[Message]:
    """Yield one message per kind of finding."""
    if not has_outbox(connection):
        return
    batches = [
        _Batch(*row)
        for row in connection.execute(
            "SELECT b.*, e.device, e.first_seq FROM batch b JOIN epoch e USING (epoch)"
            " ORDER BY b.first_seq"
        )
    ]
    yield from _tiling(connection, batches)
    yield from _changed(connection, batches)
    yield from _deliveries(connection)
    yield from _receipts(connection, batches)


def _tiling(connection: Connection, batches: list[_Batch]) -> Iterator[Message]:
    """Sealed are rows 1 to some row, each once; numbers of batches count from 0 in each epoch."""
    (last_seq,) = connection.execute("SELECT last_seq FROM survey").fetchone()
    (count,) = connection.execute("SELECT count(*) FROM batch").fetchone()
    next_seq = 1
    next_no: dict[str, int] = {}
    tiled = count == len(batches)  # else one has no epoch
    for batch in batches:
        tiled &= batch.first_seq == next_seq and batch.epoch_first_seq <= batch.first_seq
        tiled &= batch.batch_no == next_no.get(batch.epoch, 0)
        next_seq = batch.last_seq + 1
        next_no[batch.epoch] = batch.batch_no + 1
    if not tiled or next_seq - 1 > last_seq:
        yield message("store.check_tiling", batches=count)


def _changed(connection: Connection, batches: list[_Batch]) -> Iterator[Message]:
    (survey_id,) = connection.execute("SELECT survey_id FROM survey").fetchone()
    changed = []
    previous: dict[str, str] = {}  # of the header before, by epoch
    for batch in batches:
        row = connection.execute(
            "SELECT content FROM batch_content WHERE first_seq = ?", (batch.first_seq,)
        ).fetchone()
        prev_sha256 = previous.get(batch.epoch, NO_PREVIOUS)
        if row is not None and not _is_content_of(row[0], batch, survey_id, prev_sha256):
            changed.append(batch)
        previous[batch.epoch] = batch.header_sha256
    if changed:
        first = changed[0]
        yield message(
            "store.check_batches", batches=len(changed), epoch=first.epoch, batch_no=first.batch_no
        )


def _is_content_of(content: bytes, batch: _Batch, survey_id: str, prev_sha256: str) -> bool:
    try:
        sealed = parse_batch(content)
    except WireError:
        return False
    return (prev_sha256, survey_id) == (
        sealed.header.prev_sha256,
        sealed.header.survey,
    ) and _row_of(sealed, batch.epoch_first_seq) == batch


def _row_of(sealed: SealedBatch, epoch_first_seq: int) -> _Batch:
    """Return the row that belongs to a batch."""
    header = sealed.header
    return _Batch(
        header.first_seq,
        header.last_seq,
        header.epoch,
        header.batch_no,
        header.rows,
        sealed.sha256,
        sealed.header_sha256,
        len(sealed.content),
        header.created_utc_us,
        header.device,
        epoch_first_seq,
    )


def _deliveries(connection: Connection) -> Iterator[Message]:
    """Each batch has a delivery; it has its bytes until it is durable, a receipt once it is
    acknowledged."""
    (wrong,) = connection.execute(
        "SELECT count(*) FROM batch b LEFT JOIN delivery d USING (first_seq)"
        " WHERE d.state IS NULL"
        " OR (d.durable = 0 AND NOT EXISTS"
        "  (SELECT 1 FROM batch_content c WHERE c.first_seq = b.first_seq))"
        " OR (d.state = 'acknowledged' AND NOT EXISTS"
        "  (SELECT 1 FROM receipt r WHERE r.first_seq = b.first_seq))"
    ).fetchone()
    if wrong:
        yield message("store.check_deliveries", batches=wrong)


def _receipts(connection: Connection, batches: list[_Batch]) -> Iterator[Message]:
    """Each receipt is of its batch's identity and bytes."""
    by_seq = {batch.first_seq: batch for batch in batches}
    wrong = 0
    for first_seq, text in connection.execute("SELECT first_seq, receipt FROM receipt"):
        batch = by_seq.get(first_seq)
        try:
            said = receipt_from(text.encode()).receipt
        except WireError:
            wrong += 1
            continue
        wrong += batch is None or (said.device, said.epoch, said.batch_no, said.sha256) != (
            *(batch.device, batch.epoch, batch.batch_no, batch.sha256),
        )
    if wrong:
        yield message("store.check_receipts", receipts=wrong)
