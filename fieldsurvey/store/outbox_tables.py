"""The tables of what was sealed for HQ and how far it got, as schema 4 made them.

A batch's row and its sealed bytes never change; the bytes may be dropped once HQ holds them on two
disks, the rows they were made of never. The database itself refuses a batch that leaves a row out
or takes one twice, and a delivery without a receipt. A new form is a new migration.
"""

from fieldsurvey.store.driver import Connection

OUTBOX_TABLES = ("epoch", "batch", "batch_content", "delivery", "receipt")

_TABLES = """
CREATE TABLE epoch (
    number INTEGER PRIMARY KEY,  -- in the order they were opened
    epoch TEXT NOT NULL UNIQUE CHECK (length(epoch) = 16),
    device TEXT NOT NULL CHECK (length(device) = 36),
    first_seq INTEGER NOT NULL CHECK (first_seq > 0),
    created_utc_us INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE batch (
    first_seq INTEGER PRIMARY KEY CHECK (first_seq > 0),
    last_seq INTEGER NOT NULL UNIQUE,
    epoch TEXT NOT NULL REFERENCES epoch(epoch),
    batch_no INTEGER NOT NULL CHECK (batch_no >= 0),
    rows INTEGER NOT NULL CHECK (rows = last_seq - first_seq + 1 AND rows > 0),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),  -- of all bytes
    header_sha256 TEXT NOT NULL CHECK (length(header_sha256) = 64),
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    created_utc_us INTEGER NOT NULL,
    UNIQUE (epoch, batch_no)
) STRICT;

CREATE TABLE batch_content (
    first_seq INTEGER PRIMARY KEY REFERENCES batch(first_seq),
    content BLOB NOT NULL
) STRICT;

-- ``reason`` is a message: why it is parked, or why the last attempt failed.
CREATE TABLE delivery (
    first_seq INTEGER PRIMARY KEY REFERENCES batch(first_seq),
    state TEXT NOT NULL CHECK (state IN ('sealed', 'acknowledged', 'parked')),
    durable INTEGER NOT NULL CHECK (durable IN (0, 1)),
    failures INTEGER NOT NULL CHECK (failures >= 0),
    reason TEXT CHECK (json_valid(reason)),
    changed_utc_us INTEGER NOT NULL,  -- of state or durable
    CHECK (durable = 0 OR state = 'acknowledged'),
    CHECK (state <> 'parked' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX delivery_waiting ON delivery(first_seq) WHERE state = 'sealed';
CREATE INDEX delivery_unsent ON delivery(first_seq) WHERE state <> 'acknowledged';

-- All that HQ ever signed for a batch: restored from a backup, it signs again.
CREATE TABLE receipt (
    first_seq INTEGER NOT NULL REFERENCES batch(first_seq),
    receipt TEXT NOT NULL CHECK (json_valid(receipt)),
    PRIMARY KEY (first_seq, receipt)
) STRICT, WITHOUT ROWID
"""

_BATCH_CONTINUES = """
CREATE TRIGGER batch_continues BEFORE INSERT ON batch BEGIN
    SELECT RAISE(ABORT, 'not the next batch') WHERE
        NEW.first_seq <> 1 + coalesce((SELECT max(last_seq) FROM batch), 0)
        OR NEW.last_seq > (SELECT last_seq FROM survey)
        OR NEW.epoch IS NOT (SELECT epoch FROM epoch ORDER BY number DESC LIMIT 1)
        OR NEW.batch_no <>
            1 + coalesce((SELECT max(batch_no) FROM batch WHERE epoch = NEW.epoch), -1);
END"""
_DELIVERY_NEEDS_RECEIPT = """
CREATE TRIGGER delivery_needs_receipt BEFORE UPDATE ON delivery
WHEN NEW.state = 'acknowledged'
    AND NOT EXISTS (SELECT 1 FROM receipt WHERE first_seq = NEW.first_seq) BEGIN
    SELECT RAISE(ABORT, 'no receipt');
END"""
_CONTENT_NO_DELETE = """
CREATE TRIGGER batch_content_no_delete BEFORE DELETE ON batch_content
WHEN NOT EXISTS (SELECT 1 FROM delivery WHERE first_seq = OLD.first_seq AND durable = 1) BEGIN
    SELECT RAISE(ABORT, 'only what HQ holds on two disks may be dropped');
END"""
_NEVER = {
    "epoch": ("UPDATE", "DELETE"),
    "batch": ("UPDATE", "DELETE"),
    "batch_content": ("UPDATE",),
    "delivery": ("DELETE",),
    "receipt": ("UPDATE", "DELETE"),
}


def outbox_statements() -> list[str]:
    """Return what makes the tables, indexes and triggers, in order."""
    append_only = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'what was sealed and signed is append-only'); END"
        for table, verbs in _NEVER.items()
        for verb in verbs
    ]
    triggers = [_BATCH_CONTINUES, _DELIVERY_NEEDS_RECEIPT, _CONTENT_NO_DELETE]
    return [*_TABLES.split(";\n"), *triggers, *append_only]


def has_outbox(connection: Connection) -> bool:
    """False for a survey of schema 3 or older, which only a recorder brings up to date."""
    sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'receipt'"
    (tables,) = connection.execute(sql).fetchone()
    return bool(tables)
