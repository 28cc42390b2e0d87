"""Rows into the survey file: numbered, recognised when they come twice, never half.

Everything here happens inside one transaction of the caller's.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.codec import Row, row_key
from fieldsurvey.store.driver import ROW_ERRORS, Connection
from fieldsurvey.store.migrations import DERIVED_TABLES
from fieldsurvey.store.phase_rows import ESTIMATE_COLUMNS, PHASE_COLUMNS, estimate_row, phase_row
from fieldsurvey.store.rows import (
    DRIVE_COLUMNS,
    EVENT_COLUMNS,
    FIX_COLUMNS,
    PLACE_COLUMNS,
    SAMPLE_COLUMNS,
    drive_row,
    event_row,
    fix_row,
    place_row,
    sample_row,
)
from fieldsurvey.store.sqlite_tools import Database
from fieldsurvey.store.throughput_rows import (
    JUDGEMENT_COLUMNS,
    TEST_COLUMNS,
    judgement_row,
    test_key_values,
    test_row,
)

Recorded = Fix | Sample | Event | ThroughputTest


_COLUMNS = {
    "drive": DRIVE_COLUMNS,
    "drive_end": ("drive_seq", "ended_utc_us"),
    "fix": ("drive_seq", *FIX_COLUMNS),
    "sample": ("drive_seq", *SAMPLE_COLUMNS),
    "event": ("drive_seq", *EVENT_COLUMNS),
    "test": ("drive_seq", *TEST_COLUMNS),
    "refused": ("drive_seq", "kind", "content", "reason"),
    # Without a number of their own; they hang on a numbered row.
    "sample_place": ("sample_seq", *PLACE_COLUMNS),
    "phase": ("test_seq", "position", *PHASE_COLUMNS),
    "estimate": ("test_seq", "position", *ESTIMATE_COLUMNS),
    "judgement": ("test_seq", *JUDGEMENT_COLUMNS),
    "test_place": ("test_seq", '"end"', *PLACE_COLUMNS),
}


def column_names(table: str) -> tuple[str, ...]:
    """Return the columns that are part of ``table``'s row key, in the key's order."""
    return _COLUMNS[table]


def add_drive(connection: Connection, drive: Drive) -> None:
    with _Numbering(connection) as numbering:
        numbering.insert("drive", drive_row(drive))


def add_drive_end(connection: Connection, drive_seq: int, ended_utc_us: int) -> None:
    with _Numbering(connection) as numbering:
        numbering.insert("drive_end", (drive_seq, ended_utc_us))


def add_rows(connection: Connection, drive_seq: int, rows: Sequence[Recorded]) -> None:
    """Insert rows. Raises one of ``ROW_ERRORS`` if the tables refuse any of them."""
    with _Numbering(connection) as numbering:
        for row in rows:
            _add(numbering, drive_seq, row)


def add_rows_one_by_one(
    db: Database, connection: Connection, drive_seq: int, rows: Sequence[Recorded]
) -> tuple[Message, ...]:
    """Insert rows; keep what the tables refuse as text, and say so."""
    messages = []
    with _Numbering(connection) as numbering:
        for row in rows:
            seq_before = numbering.last_seq
            try:
                with db.atomic():
                    _add(numbering, drive_seq, row)
            except ROW_ERRORS as error:
                numbering.last_seq = seq_before
                kind = type(row).__name__
                numbering.insert("refused", (drive_seq, kind, repr(row), str(error)))
                messages.append(message("store.row_refused", kind=kind, reason=str(error)))
    return tuple(messages)


@dataclass(slots=True)
class _Numbering:
    """Gives each new row the next ``seq`` of the file; rows already there take none."""

    connection: Connection
    last_seq: int = 0

    def __enter__(self) -> "_Numbering":
        (self.last_seq,) = self.connection.execute("SELECT last_seq FROM survey").fetchone()
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None:
            self.connection.execute("UPDATE survey SET last_seq = ?", (self.last_seq,))

    def insert(self, table: str, values: Row, key_values: Row | None = None) -> int | None:
        """Return the row's seq, or None if the very same row is in the file already.

        ``key_values``: what the key is made of, where that is more than the row itself.
        """
        key = row_key(table, values if key_values is None else key_values)
        cursor = self.connection.execute(_insert_once_sql(table), (self.last_seq + 1, key, *values))
        if cursor.rowcount == 0:
            return None
        self.last_seq += 1
        return self.last_seq


@functools.cache
def _insert_sql(table: str, columns: tuple[str, ...]) -> str:
    marks = ",".join("?" * len(columns))
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})"


@functools.cache
def _insert_once_sql(table: str) -> str:
    columns = ("seq", "row_key", *_COLUMNS[table])
    return f"{_insert_sql(table, columns)} ON CONFLICT (row_key) DO NOTHING"


def _add(numbering: _Numbering, drive_seq: int, row: Recorded) -> None:
    match row:
        case Fix():
            numbering.insert("fix", (drive_seq, *fix_row(row)))
        case Sample():
            seq = numbering.insert("sample", (drive_seq, *sample_row(row)))
            if seq is not None and row.place is not None:
                values = (seq, *place_row(row.place))
                _insert_beside(numbering.connection, "sample_place", values)
        case Event():
            numbering.insert("event", (drive_seq, *event_row(row)))
        case ThroughputTest():
            _add_test(numbering, drive_seq, row)


def _add_test(numbering: _Numbering, drive_seq: int, test: ThroughputTest) -> None:
    row = (drive_seq, *test_row(test))
    phases = [phase_row(phase) for phase in test.measurement.phases]
    seq = numbering.insert("test", row, test_key_values(row, phases))
    if seq is None:
        return
    connection = numbering.connection
    for position, phase in enumerate(phases):
        _insert_beside(connection, "phase", (seq, position, *phase))
        estimate = test.measurement.phases[position].estimate
        if estimate is not None:
            values = (seq, position, *estimate_row(estimate))
            _insert_beside(connection, "estimate", values)
    if test.judgement is not None:
        values = (seq, *judgement_row(test.judgement))
        _insert_beside(connection, "judgement", values)
    for end, place in (("start", test.start_place), ("end", test.end_place)):
        if place is not None:
            _insert_beside(connection, "test_place", (seq, end, *place_row(place)))


def _insert_beside(connection: Connection, table: str, values: Row) -> None:
    columns = _COLUMNS[table]
    if table in DERIVED_TABLES:
        columns, values = (*columns, "row_key"), (*values, row_key(table, values))
    connection.execute(_insert_sql(table, columns), values)
