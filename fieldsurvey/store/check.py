"""Is everything in the survey file as it was written? Reads all of it, changes nothing.

SQLite's own check sees structure only and misses about half of all flipped bits; the row keys,
computed again here, see every change of a measured value, and digests every change of a batch.
"""

from collections.abc import Iterator

from fieldsurvey.model.messages import Message, message
from fieldsurvey.store.codec import Row, row_key
from fieldsurvey.store.driver import Connection, DatabaseError
from fieldsurvey.store.migrations import DERIVED_TABLES, SEQ_TABLES
from fieldsurvey.store.outbox_check import check_outbox
from fieldsurvey.store.phase_rows import PHASE_COLUMNS
from fieldsurvey.store.throughput_rows import test_key_values
from fieldsurvey.store.writing import column_names


def check_survey(connection: Connection) -> list[Message]:
    """Return one message per kind of finding; nothing if all is well."""
    findings: list[Message] = []
    for check in (_structure, _references, _numbering, _row_keys, _refused, check_outbox):
        try:
            findings += check(connection)
        except (DatabaseError, UnicodeDecodeError) as error:  # damage can stop any of them half-way
            findings.append(message("store.check_damage", detail=str(error)))
    return findings


def _structure(connection: Connection) -> Iterator[Message]:
    for (finding,) in connection.execute("PRAGMA integrity_check(20)"):
        if finding != "ok":
            yield message("store.check_damage", detail=finding)


def _references(connection: Connection) -> Iterator[Message]:
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(20):
        yield message("store.check_orphan", table=table, parent=parent)


def _numbering(connection: Connection) -> Iterator[Message]:
    """Numbers 1 to last_seq, each once over all tables."""
    union = " UNION ALL ".join(f"SELECT seq FROM {table}" for table in SEQ_TABLES)
    (last_seq,) = connection.execute("SELECT last_seq FROM survey").fetchone()
    rows, distinct, highest = connection.execute(
        f"SELECT count(*), count(DISTINCT seq), coalesce(max(seq), 0) FROM ({union})"
    ).fetchone()
    if not rows == distinct == highest == last_seq:
        yield message("store.check_numbering", rows=rows, expected=last_seq)


def _row_keys(connection: Connection) -> Iterator[Message]:
    for table in (*SEQ_TABLES, *DERIVED_TABLES):
        changed = [
            seq for seq, key, values in _keyed(connection, table) if key != row_key(table, values)
        ]
        if changed:
            yield message(
                "store.check_changed", table=table, rows=len(changed), first_seq=changed[0]
            )


def _keyed(connection: Connection, table: str) -> Iterator[tuple[int, bytes, Row]]:
    """Yield seq, stored key and what the key should be made of."""
    columns = column_names(table)
    seq = "seq" if table in SEQ_TABLES else columns[0]
    sql = f"SELECT {seq}, row_key, {','.join(columns)} FROM {table}"
    for seq, key, *values in connection.execute(sql):
        if table == "test":
            phases = connection.execute(
                f"SELECT {','.join(PHASE_COLUMNS)} FROM phase WHERE test_seq = ? ORDER BY position",
                (seq,),
            ).fetchall()
            yield seq, key, test_key_values(tuple(values), phases)
        else:
            yield seq, key, tuple(values)


def _refused(connection: Connection) -> Iterator[Message]:
    (rows,) = connection.execute("SELECT count(*) FROM refused").fetchone()
    if rows:
        yield message("store.check_refused", rows=rows)
