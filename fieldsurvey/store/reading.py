"""What was stored, as objects again. Read page by page, so that no cursor stays open between rows:
an open one would keep the write-ahead log from being emptied.
"""

from collections.abc import Iterator

from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import Phase, ThroughputTest
from fieldsurvey.store.codec import Row
from fieldsurvey.store.driver import Connection
from fieldsurvey.store.phase_rows import ESTIMATE_COLUMNS, PHASE_COLUMNS, phase_from
from fieldsurvey.store.rows import (
    DRIVE_COLUMNS,
    EVENT_COLUMNS,
    FIX_COLUMNS,
    PLACE_COLUMNS,
    SAMPLE_COLUMNS,
    drive_from,
    event_from,
    fix_from,
    place_from,
    sample_from,
)
from fieldsurvey.store.throughput_rows import (
    JUDGEMENT_COLUMNS,
    TEST_COLUMNS,
    judgement_from,
    test_from,
)

PAGE_ROWS = 500


def _list(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


_DRIVES = f"""SELECT d.seq, {_list("d", DRIVE_COLUMNS)}, e.ended_utc_us
    FROM drive d LEFT JOIN drive_end e ON e.drive_seq = d.seq"""
_SAMPLES = f"""SELECT t.seq, {_list("t", SAMPLE_COLUMNS)}, {_list("p", PLACE_COLUMNS)}
    FROM sample t LEFT JOIN sample_place p ON p.sample_seq = t.seq"""
_EVENTS = f"SELECT t.seq, {_list('t', EVENT_COLUMNS)} FROM event t"
_FIXES = f"SELECT t.seq, {_list('t', FIX_COLUMNS)} FROM fix t"
_TESTS = f"""SELECT t.seq, {_list("t", TEST_COLUMNS)}, {_list("j", JUDGEMENT_COLUMNS)},
        {_list("a", PLACE_COLUMNS)}, {_list("b", PLACE_COLUMNS)}
    FROM test t
    LEFT JOIN judgement j ON j.test_seq = t.seq
    LEFT JOIN test_place a ON a.test_seq = t.seq AND a."end" = 'start'
    LEFT JOIN test_place b ON b.test_seq = t.seq AND b."end" = 'end'"""
_PHASES = f"""SELECT t.test_seq, {_list("t", PHASE_COLUMNS)}, {_list("e", ESTIMATE_COLUMNS)}
    FROM phase t
    LEFT JOIN estimate e ON e.test_seq = t.test_seq AND e.position = t.position
    WHERE t.test_seq BETWEEN ? AND ? ORDER BY t.test_seq, t.position"""


def read_drives(connection: Connection) -> Iterator[Drive]:
    for row in connection.execute(f"{_DRIVES} ORDER BY d.seq").fetchall():
        yield drive_from(row[1:])


def newest_unfinished(connection: Connection) -> tuple[int, Drive] | None:
    """Return the newest drive without an end, with its seq."""
    sql = f"{_DRIVES} WHERE e.drive_seq IS NULL ORDER BY d.seq DESC LIMIT 1"
    row = connection.execute(sql).fetchone()
    return None if row is None else (row[0], drive_from(row[1:]))


def drive_seq_of(connection: Connection, drive_id: str) -> int:
    """Return the seq of a drive. Raises ValueError if the file has none of that id."""
    sql = "SELECT seq FROM drive WHERE drive_id = ?"
    row = connection.execute(sql, (drive_id,)).fetchone()
    if row is None:
        raise ValueError(f"no drive {drive_id} in this survey file")
    seq: int = row[0]
    return seq


def drive_end(connection: Connection, drive_seq: int) -> int | None:
    sql = "SELECT ended_utc_us FROM drive_end WHERE drive_seq = ?"
    row = connection.execute(sql, (drive_seq,)).fetchone()
    return None if row is None else int(row[0])


def read_samples(connection: Connection, drive_seq: int | None = None) -> Iterator[Sample]:
    for page in _pages(connection, _SAMPLES, drive_seq):
        yield from (sample_from(row[1:]) for row in page)


def last_sample(connection: Connection, drive_seq: int) -> Sample | None:
    sql = f"{_SAMPLES} WHERE t.drive_seq = ? ORDER BY t.seq DESC LIMIT 1"
    row = connection.execute(sql, (drive_seq,)).fetchone()
    return None if row is None else sample_from(row[1:])


def read_events(connection: Connection, drive_seq: int | None = None) -> Iterator[Event]:
    for page in _pages(connection, _EVENTS, drive_seq):
        yield from (event_from(row[1:]) for row in page)


def read_fixes(
    connection: Connection, from_utc_us: int, to_utc_us: int, drive_seq: int | None = None
) -> Iterator[Fix]:
    """Yield fixes with ``from_utc_us <= utc_us < to_utc_us``, in order of arrival."""
    limits = "t.fix_utc_us >= ? AND t.fix_utc_us < ?"
    for page in _pages(connection, _FIXES, drive_seq, limits, (from_utc_us, to_utc_us)):
        for row in page:
            fix = fix_from(row[1:])
            if fix is not None:
                yield fix


def read_tests(connection: Connection, drive_seq: int | None = None) -> Iterator[ThroughputTest]:
    for page in _pages(connection, _TESTS, drive_seq):
        phases = _phases_of(connection, page[0][0], page[-1][0])
        yield from (_test(row, phases) for row in page)


def _test(row: Row, phases: dict[int, list[Phase]]) -> ThroughputTest:
    judgement_at = 1 + len(TEST_COLUMNS)
    start_at = judgement_at + len(JUDGEMENT_COLUMNS)
    end_at = start_at + len(PLACE_COLUMNS)
    return test_from(
        row[1:judgement_at],
        tuple(phases.get(row[0], ())),
        judgement_from(row[judgement_at:start_at]),
        place_from(row[start_at:end_at]),
        place_from(row[end_at:]),
    )


def _phases_of(connection: Connection, first_seq: int, last_seq: int) -> dict[int, list[Phase]]:
    phases: dict[int, list[Phase]] = {}
    for row in connection.execute(_PHASES, (first_seq, last_seq)):
        phases.setdefault(row[0], []).append(phase_from(row[1:]))
    return phases


def _pages(
    connection: Connection,
    sql: str,
    drive_seq: int | None,
    limits: str = "1",
    arguments: Row = (),
) -> Iterator[list[Row]]:
    """Yield pages of ``sql``, whose rows come from a table called ``t`` and begin with its seq."""
    drive = "1" if drive_seq is None else f"t.drive_seq = {drive_seq:d}"
    after_seq = drive_seq or 0  # a drive's rows come after the drive itself
    query = f"{sql} WHERE t.seq > ? AND {drive} AND {limits} ORDER BY t.seq LIMIT {PAGE_ROWS}"
    while page := connection.execute(query, (after_seq, *arguments)).fetchall():
        yield page
        after_seq = page[-1][0]
