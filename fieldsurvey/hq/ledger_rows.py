"""What single rows of ``batch`` say, and how they change: inside a transaction of the ledger's."""

from collections.abc import Sequence

import sqlalchemy as sa

from fieldsurvey.hq.ledger_records import RECEIPT_COLUMNS, Arrival, receipt_of
from fieldsurvey.hq.ledger_tables import batch, state_digest
from fieldsurvey.wire.receipt import Receipt, ReceiptState

WAITING = ("landed", "conflict")  # to be merged
# The code of a batch that HQ no longer holds, by its own rule: receipt and leaf stay for ever.
EXPIRED = "expired"
CHUNK_ROWS = 5_000  # at a time, where many are read

# Built once: building them costs more than asking the database.
_IN_EPOCH = (batch.c.device == sa.bindparam("device")) & (batch.c.epoch == sa.bindparam("epoch"))
IS_EXPIRED = (batch.c.state == "quarantined") & (batch.c.code == EXPIRED)
_OF_NUMBER = sa.select(*(batch.c[name] for name in (*RECEIPT_COLUMNS, "receipt_state"))).where(
    _IN_EPOCH, batch.c.batch_no == sa.bindparam("batch_no")
)
_OVERLAPPING = (
    sa.select(batch.c.log_index)
    .where(
        _IN_EPOCH,
        batch.c.last_seq >= sa.bindparam("first_seq"),
        batch.c.first_seq <= sa.bindparam("last_seq"),
    )
    .limit(1)
)


def of_number(
    connection: sa.Connection, device: str, epoch: str, batch_no: int
) -> dict[str, Receipt]:
    """Return the receipts of all batches of one number, by their digest."""
    ids = {"device": device, "epoch": epoch, "batch_no": batch_no}
    return {row.sha256: receipt_of(row) for row in connection.execute(_OF_NUMBER, ids)}


def receipt_state(
    connection: sa.Connection, arrival: Arrival, *, number_taken: bool
) -> ReceiptState:
    """Say what is known of a batch before anybody has looked into it.

    It is in conflict if its number is taken by other bytes, or some of its rows by another number:
    the survey file was restored or cloned.
    """
    header = arrival.header
    range_of = {
        "device": header.device,
        "epoch": header.epoch,
        "first_seq": header.first_seq,
        "last_seq": header.last_seq,
    }
    if number_taken or connection.scalar(_OVERLAPPING, range_of) is not None:
        return ReceiptState.CONFLICT
    return ReceiptState.QUARANTINED if arrival.code else ReceiptState.LANDED


def set_states(connection: sa.Connection, log_indices: Sequence[int], **values: object) -> None:
    """Change what may change, and the digest over it."""
    for start in range(0, len(log_indices), CHUNK_ROWS):
        chosen = log_indices[start : start + CHUNK_ROWS]
        rows = connection.execute(batch.select().where(batch.c.log_index.in_(chosen))).all()
        changed = [dict(row._mapping) | values for row in rows]
        if changed:
            connection.execute(
                batch.update().where(batch.c.log_index == sa.bindparam("of")),
                [
                    {"of": row["log_index"], "state_sha256": state_digest(row)}
                    | {name: row[name] for name in values}
                    for row in changed
                ],
            )


def wait_again(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> int:
    """Let batches be merged again, as what they came."""
    numbers: dict[str, list[int]] = {"landed": [], "conflict": []}
    query = sa.select(batch.c.log_index, batch.c.receipt_state).where(chosen)
    for log_index, receipt_state in connection.execute(query):
        as_conflict = receipt_state == ReceiptState.CONFLICT
        numbers["conflict" if as_conflict else "landed"].append(log_index)
    for state, log_indices in numbers.items():
        set_states(connection, log_indices, state=state, code="", detail="")
    return sum(map(len, numbers.values()))


def ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Turn ascending numbers into ranges, both ends included."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
