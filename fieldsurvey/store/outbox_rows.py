"""Recorded rows in the order of their numbers, as they go into a batch: none left out, none twice.

Every row is compared with its row key before it is given away to be signed. One that is not as it
was written, or holds a word nobody knows, still goes: as a :class:`RefusedRow`, with its columns
as text and the reason, so that HQ sees it flagged. It is never given as a measurement, and never
holds up the rows after it. A row that is missing does: nothing is sealed across it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from fieldsurvey.store.codec import Row as Values
from fieldsurvey.store.codec import row_key
from fieldsurvey.store.driver import Connection, DatabaseError
from fieldsurvey.store.phase_rows import ESTIMATE_COLUMNS, PHASE_COLUMNS, phase_from
from fieldsurvey.store.rows import (
    PLACE_COLUMNS,
    drive_from,
    event_from,
    fix_from,
    place_from,
    sample_from,
)
from fieldsurvey.store.throughput_rows import judgement_from, test_from, test_key_values
from fieldsurvey.store.writing import column_names
from fieldsurvey.wire.rows import DriveEnd, Recorded, RefusedRow, Row

PAGE_ROWS = 1_000

_CHANGED = "changed since it was recorded: the row key does not match"
_NO_PLACE = (None,) * len(PLACE_COLUMNS)
_NO_ESTIMATE = (None,) * len(ESTIMATE_COLUMNS)

_Found = tuple[int, int, Recorded]  # seq, seq of the drive, value

# What the columns of a row key are to the model; all but a drive's begin with the drive's seq.
_BUILDERS: dict[str, Callable[[Values], Any]] = {
    "drive": lambda values: drive_from((*values, None)),
    "drive_end": lambda values: DriveEnd(*values[1:]),
    "fix": lambda values: fix_from(values[1:]),
    "sample": lambda values: sample_from((*values[1:], *_NO_PLACE)),
    "event": lambda values: event_from(values[1:]),
    "refused": lambda values: RefusedRow(*values[1:]),
}
_KINDS = {
    "drive": "Drive",
    "drive_end": "DriveEnd",
    "fix": "Fix",
    "sample": "Sample",
    "event": "Event",
    "test": "ThroughputTest",
    "refused": "RefusedRow",
}


def contiguous_rows(connection: Connection, first_seq: int, last_seq: int) -> list[Row]:
    """Return rows ``first_seq`` to ``last_seq``, or those before the first number that is not
    there exactly once."""
    drive_ids: dict[int, str] = dict(_fetched(connection, "SELECT seq, drive_id FROM drive"))
    rows: list[Row] = []
    for page_seq in range(first_seq, last_seq + 1, PAGE_ROWS):
        end_seq = min(page_seq + PAGE_ROWS - 1, last_seq)
        by_seq: dict[int, list[_Found]] = defaultdict(list)
        for found in _page(connection, page_seq, end_seq):
            by_seq[found[0]].append(found)
        for seq in range(page_seq, end_seq + 1):
            if len(by_seq[seq]) != 1:
                return rows
            _, drive_seq, value = by_seq[seq][0]
            rows.append(Row(seq, drive_ids.get(drive_seq, ""), value))
    return rows


def _page(connection: Connection, first_seq: int, last_seq: int) -> Iterator[_Found]:
    for table, build in _BUILDERS.items():
        for seq, key, *columns in _keyed(connection, table, first_seq, last_seq):
            values = tuple(columns)
            drive_seq = seq if table == "drive" else values[0]
            intact = key == row_key(table, values)
            yield seq, drive_seq, _value(table, values, build, intact=intact)
    yield from _tests(connection, first_seq, last_seq)


def _keyed(connection: Connection, table: str, first_seq: int, last_seq: int) -> list[Values]:
    columns = ",".join(column_names(table))
    sql = f"SELECT seq, row_key, {columns} FROM {table} WHERE seq BETWEEN ? AND ?"
    return _fetched(connection, sql, first_seq, last_seq)


def _tests(connection: Connection, first_seq: int, last_seq: int) -> Iterator[_Found]:
    tests = _keyed(connection, "test", first_seq, last_seq)
    if not tests:
        return
    beside = {
        table: _hanging(connection, table, first_seq, last_seq)
        for table in ("phase", "estimate", "judgement", "test_place")
    }
    for seq, key, *columns in tests:
        parts = {table: tuple(rows[seq]) for table, rows in beside.items()}
        yield seq, columns[0], _test(key, tuple(columns), parts)


def _hanging(
    connection: Connection, table: str, first_seq: int, last_seq: int
) -> dict[int, list[Values]]:
    """Return the rows of ``table`` that hang on each test: the columns of the row key, then the
    key, which a phase has not."""
    columns = column_names(table)
    key = "NULL" if table == "phase" else "row_key"
    sql = (
        f"SELECT {','.join(columns)}, {key} FROM {table}"
        f" WHERE test_seq BETWEEN ? AND ? ORDER BY {','.join(columns[:2])}"
    )
    hanging: dict[int, list[Values]] = defaultdict(list)
    for row in _fetched(connection, sql, first_seq, last_seq):
        hanging[row[0]].append(row)
    return hanging


def _test(key: bytes, values: Values, parts: dict[str, tuple[Values, ...]]) -> Recorded:
    phases = [row[2 : 2 + len(PHASE_COLUMNS)] for row in parts["phase"]]
    derived = [
        (table, row) for table in ("estimate", "judgement", "test_place") for row in parts[table]
    ]
    intact = key == row_key("test", test_key_values(values, phases)) and all(
        row[-1] == row_key(table, row[:-1]) for table, row in derived
    )

    def build(values: Values) -> Recorded:
        estimates = {row[1]: row[2:-1] for row in parts["estimate"]}
        places = {row[1]: place_from(row[2:-1]) for row in parts["test_place"]}
        (judgement,) = [judgement_from(row[1:-1]) for row in parts["judgement"]] or [None]
        return test_from(
            values[1:],
            tuple(
                phase_from((*phase, *estimates.get(position, _NO_ESTIMATE)))
                for position, phase in enumerate(phases)
            ),
            judgement,
            places.get("start"),
            places.get("end"),
        )

    return _value("test", values, build, intact=intact, beside=(phases, derived))


def _value(
    table: str,
    values: Values,
    build: Callable[[Values], Any],
    *,
    intact: bool,
    beside: object = None,
) -> Recorded:
    """Return the measurement, or the row as text where it can not be vouched for."""
    reason = _CHANGED
    if intact:
        try:
            value: Recorded = build(values)
            return value
        except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            reason = f"not understood: {error}"
    columns = dict(zip(column_names(table), values, strict=True))
    content = repr(columns) if beside is None else f"{columns!r} {beside!r}"
    return RefusedRow(_KINDS[table], content, reason)


def _fetched(connection: Connection, sql: str, *arguments: object) -> list[Values]:
    """Return all rows at once; bytes that are no text become escapes, which fit no row key."""
    try:
        rows: list[Values] = connection.execute(sql, arguments).fetchall()
        return rows
    except (DatabaseError, UnicodeDecodeError) as error:
        if "decode" not in str(error):
            raise
    connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
    try:
        return list(connection.execute(sql, arguments).fetchall())
    finally:
        connection.text_factory = str
