"""Rows of the ledger as the rest of HQ sees them: values, not rows."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldsurvey.wire.batch import BatchHeader
from fieldsurvey.wire.receipt import Receipt, ReceiptState


@dataclass(frozen=True, slots=True)
class LandedBatch:
    """A batch as the merge needs it. ``path`` is relative to ``raw``."""

    log_index: int
    device: str
    epoch: str
    batch_no: int
    sha256: str
    path: str
    rows: int
    first_seq: int
    last_seq: int
    schema: str
    survey: str
    received_utc_us: int
    state: str  # "landed", "conflict", "merged", "quarantined"
    bytes: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of the archive. ``path`` is relative to ``archive``."""

    path: str
    table: str
    day: str
    rows: int
    bytes: int
    sha256: str
    min_ts_utc_us: int | None
    max_ts_utc_us: int | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch whose bytes lie at ``path`` for good; ``code``: why it cannot be used, or ""."""

    header: BatchHeader
    sha256: str
    path: str
    bytes: int
    code: str = ""
    detail: str = ""


RECEIPT_COLUMNS = (
    "device",
    "epoch",
    "batch_no",
    "sha256",
    "rows",
    "received_utc_us",
    "log_index",
)


def receipt_of(row: sa.Row[Any]) -> Receipt:
    """Return the receipt that was given for a row of ``batch``, to the byte."""
    values = row._mapping
    return Receipt(
        **{name: values[name] for name in RECEIPT_COLUMNS},
        state=ReceiptState(values["receipt_state"]),
    )
