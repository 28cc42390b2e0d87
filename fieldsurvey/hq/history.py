"""What the ledger keeps for ever and in order: the log's leaves, its checkpoints, the audit log.

Must not change any of it; the database refuses that too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from fieldsurvey.hq.ledger_audit import AuditEntry, add_audit
from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.ledger_tables import audit, batch, checkpoint


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    size: int
    root: str
    note: str


_LAST = sa.select(sa.func.max(batch.c.log_index))


def log_size(connection: sa.Connection) -> int:
    """Return how many leaves the log has: the number of the next batch."""
    last = connection.scalar(_LAST)
    return 0 if last is None else last + 1


class History:
    """The append-only part of a ledger; from any thread."""

    def __init__(self, database: LedgerDatabase) -> None:
        self._database = database

    def size(self) -> int:
        """Return how many leaves the log has."""
        with self._database.read() as connection:
            return log_size(connection)

    def leaves(self, first: int, limit: int) -> list[bytes]:
        """Return up to ``limit`` leaf hashes from number ``first`` on."""
        query = (
            sa.select(batch.c.leaf_hash)
            .where(batch.c.log_index >= first, batch.c.log_index < first + limit)
            .order_by(batch.c.log_index)
        )
        with self._database.read() as connection:
            return [bytes.fromhex(text) for text in connection.scalars(query)]

    def add_checkpoint(self, one: StoredCheckpoint) -> StoredCheckpoint:
        """Keep a checkpoint; if there is one of that size already, return that."""
        with self._database.write() as connection:
            known = connection.execute(
                checkpoint.select().where(checkpoint.c.size == one.size)
            ).first()
            if known is not None:
                return StoredCheckpoint(**known._mapping)
            connection.execute(checkpoint.insert(), asdict(one))
        return one

    def checkpoints(self) -> list[StoredCheckpoint]:
        """Every checkpoint, smallest first."""
        query = checkpoint.select().order_by(checkpoint.c.size)
        with self._database.read() as connection:
            return [StoredCheckpoint(**row._mapping) for row in connection.execute(query)]

    def last_checkpoint(self) -> StoredCheckpoint | None:
        query = checkpoint.select().order_by(checkpoint.c.size.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else StoredCheckpoint(**row._mapping)

    def add_audit(self, at_utc_us: int, who: str, what: str, detail: str = "") -> None:
        """Append to the audit log."""
        with self._database.write() as connection:
            add_audit(connection, at_utc_us, who, what, detail)

    def audit_entries(self) -> list[AuditEntry]:
        return [
            AuditEntry(row.audit_no, row.at_utc_us, row.who, row.what, row.detail)
            for row in self.audit_rows()
        ]

    def audit_rows(self) -> Sequence[sa.Row[Any]]:
        """Return the audit log with its chain, oldest first."""
        with self._database.read() as connection:
            return connection.execute(audit.select().order_by(audit.c.audit_no)).all()
