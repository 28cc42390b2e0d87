"""How far the rows of a survey file have come: recorded, sealed, acknowledged, durable.

Counts only. Asked for every second, so nothing here walks through the rows themselves.
"""

from dataclasses import dataclass

from fieldsurvey.store.driver import Connection
from fieldsurvey.store.outbox_tables import has_outbox

_COUNTS = """
SELECT count(*), coalesce(sum(b.rows), 0),
    count(*) FILTER (WHERE d.state = 'acknowledged'),
    coalesce(sum(b.rows) FILTER (WHERE d.state = 'acknowledged'), 0),
    count(*) FILTER (WHERE d.durable),
    coalesce(sum(b.rows) FILTER (WHERE d.durable), 0),
    count(*) FILTER (WHERE d.state = 'parked'),
    coalesce(sum(b.rows) FILTER (WHERE d.state = 'parked'), 0)
FROM delivery d JOIN batch b USING (first_seq)"""
_FIRST_UNSENT = "SELECT min(first_seq) FROM delivery WHERE state <> 'acknowledged'"

_TIMES = {
    "drive": "started_utc_us",
    "drive_end": "ended_utc_us",
    "fix": "fix_utc_us",
    "sample": "utc_us",
    "event": "utc_us",
    "test": "started_utc_us",
    # Text without a time of its own: no older than its drive.
    "refused": "(SELECT started_utc_us FROM drive WHERE drive.seq = drive_seq)",
}
_NEAREST = " UNION ALL ".join(
    f"SELECT * FROM (SELECT seq, {utc_us} AS utc_us FROM {table}"
    " WHERE seq >= ?1 ORDER BY seq LIMIT 1)"
    for table, utc_us in _TIMES.items()
)
_MEASURED_AT = f"SELECT utc_us FROM ({_NEAREST}) ORDER BY seq LIMIT 1"


@dataclass(frozen=True, slots=True)
class OutboxProgress:
    """How much of the file has come how far. Durable ones are acknowledged ones, too.

    ``oldest_unsent_utc_us``: when the oldest row was measured that HQ has not acknowledged.
    """

    recorded_rows: int
    sealed_rows: int
    acknowledged_rows: int
    durable_rows: int
    parked_rows: int
    batches: int
    waiting_batches: int
    acknowledged_batches: int
    durable_batches: int
    parked_batches: int
    oldest_unsent_utc_us: int | None


def outbox_progress(connection: Connection) -> OutboxProgress:
    """Count. A survey of an older schema has nothing sealed."""
    counts = (0,) * 8
    unsent_seq = None
    if has_outbox(connection):
        counts = connection.execute(_COUNTS).fetchone()
        (unsent_seq,) = connection.execute(_FIRST_UNSENT).fetchone()
    batches, sealed, acknowledged_batches, acknowledged, durable_batches, durable = counts[:6]
    parked_batches, parked = counts[6:]
    if unsent_seq is None:
        unsent_seq = sealed + 1
    found = connection.execute(_MEASURED_AT, (unsent_seq,)).fetchone()
    return OutboxProgress(
        recorded_rows=recorded_rows(connection),
        sealed_rows=sealed,
        acknowledged_rows=acknowledged,
        durable_rows=durable,
        parked_rows=parked,
        batches=batches,
        waiting_batches=batches - acknowledged_batches - parked_batches,
        acknowledged_batches=acknowledged_batches,
        durable_batches=durable_batches,
        parked_batches=parked_batches,
        oldest_unsent_utc_us=None if found is None else found[0],
    )


def sealed_rows(connection: Connection) -> int:
    """Return the number of the last sealed row: they are sealed in order, from the first."""
    if not has_outbox(connection):
        return 0
    (last_seq,) = connection.execute("SELECT coalesce(max(last_seq), 0) FROM batch").fetchone()
    return int(last_seq)


def recorded_rows(connection: Connection) -> int:
    """Return the number of the last row."""
    (last_seq,) = connection.execute("SELECT last_seq FROM survey").fetchone()
    return int(last_seq)
