"""The ledger's tables, the same on SQLite and PostgreSQL. Who may change what is the ledger's rule.

``audit``, ``checkpoint`` and ``issued`` are append-only by trigger. What neither the landed files
nor the log nor a signature prove carries a digest of itself (``row_sha256``, ``state_sha256``), so
that a flipped bit shows. Nothing here names a surveyor.
"""

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.schema import ExecutableDDLElement

from fieldsurvey.wire.canonical import to_canonical

SCHEMA_VERSION = 2

MANIFEST_SUM = "archive_sha256"  # in ``meta``; ledgers that were made before have none

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("device", String(36), primary_key=True),
    Column("public_key", String(64), nullable=False, unique=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("enrolled_utc_us", BigInteger, nullable=False),
    Column("token_utc_us", BigInteger, nullable=False),
    Column("revoked_utc_us", BigInteger),
    Column("last_seen_utc_us", BigInteger),
    Column("row_sha256", String(64), nullable=False),
    CheckConstraint("role IN ('device', 'supervisor', 'operator')", name="device_role"),
)

code = Table(
    "code",
    metadata,
    Column("code_sha256", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("made_utc_us", BigInteger, nullable=False),
    Column("expires_utc_us", BigInteger, nullable=False),
    Column("used_by", String(64)),  # the device's public key
    Column("row_sha256", String(64), nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("device", String(36), nullable=False),
    Column("epoch", String(16), nullable=False),
    Column("batch_no", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("schema", String(64), nullable=False),
    Column("survey", String(32), nullable=False),
    Column("received_utc_us", BigInteger, nullable=False),
    Column("created_utc_us", BigInteger, nullable=False),
    Column("path", Text, nullable=False, unique=True),
    Column("bytes", BigInteger, nullable=False),
    Column("receipt_state", String(16), nullable=False),
    Column("leaf_hash", String(64), nullable=False),
    # What follows may change after landing.
    Column("state", String(16), nullable=False),
    Column("code", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("mirrored", Boolean, nullable=False),
    Column("state_sha256", String(64), nullable=False),
    UniqueConstraint("device", "epoch", "batch_no", "sha256", name="batch_once"),
    CheckConstraint("log_index >= 0", name="batch_log_index"),
    CheckConstraint("first_seq >= 1 AND last_seq >= first_seq", name="batch_range"),
    CheckConstraint("rows = last_seq - first_seq + 1", name="batch_rows"),
    CheckConstraint(
        "state IN ('landed', 'conflict', 'merged', 'quarantined')", name="batch_states"
    ),
    Index("batch_by_seq", "device", "epoch", "last_seq"),
    Index("batch_by_state", "state", "log_index"),
    Index("batch_by_mirrored", "mirrored", "log_index"),
)

archive_file = Table(
    "archive_file",
    metadata,
    Column("path", String(512), primary_key=True),
    Column("table", String(64), nullable=False),
    Column("day", String(32), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("min_ts_utc_us", BigInteger, nullable=True),
    Column("max_ts_utc_us", BigInteger, nullable=True),
    Column("row_sha256", String(64), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_no", BigInteger, primary_key=True, autoincrement=False),
    Column("at_utc_us", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain_sha256", String(64), nullable=False),  # of this row and all before it
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", String(64), nullable=False),
    Column("note", Text, nullable=False),
)

issued = Table(  # since 2
    "issued",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("statement", Text, nullable=False),  # as it was signed
)

_NOT_DIGESTED = frozenset({"row_sha256", "last_seen_utc_us"})
_STATE = ("log_index", "state", "code", "detail", "mirrored")


def row_digest(row: Mapping[str, object]) -> str:
    """Return what ``row_sha256`` of ``row`` has to be."""
    content = {name: value for name, value in row.items() if name not in _NOT_DIGESTED}
    return hashlib.sha256(to_canonical(content)).hexdigest()


def state_digest(row: Mapping[str, object]) -> str:
    """Return what ``state_sha256`` of a batch has to be: of what may change after landing."""
    return hashlib.sha256(to_canonical({name: row[name] for name in _STATE})).hexdigest()


def manifest_sum(rows: Iterable[Mapping[str, object]]) -> str:
    """Return what ``meta`` has to say of all rows of ``archive_file`` together: one that is gone
    takes measurements out of every answer."""
    digests = "".join(sorted(str(row["row_sha256"]) for row in rows))
    return hashlib.sha256(digests.encode()).hexdigest()


def audit_chain(previous: str, row: Mapping[str, object]) -> str:
    """Return ``chain_sha256`` of an audit row that follows one with ``previous`` ("" for none)."""
    content = {name: value for name, value in row.items() if name != "chain_sha256"}
    return hashlib.sha256(previous.encode() + to_canonical(content)).hexdigest()


_POSTGRES_REFUSAL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''append-only''; END'
"""


def _after_create(table: Table, dialect: str, statement: str) -> None:
    ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]  # its own fault
    event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def _append_only(table: Table) -> None:
    name = table.name
    _after_create(table, "postgresql", _POSTGRES_REFUSAL)
    for verb in ("UPDATE", "DELETE"):
        head = f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name}"
        _after_create(table, "sqlite", f"{head} BEGIN SELECT RAISE(ABORT, 'append-only'); END")
        _after_create(table, "postgresql", f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


for _table in (audit, checkpoint, issued):
    _append_only(_table)
