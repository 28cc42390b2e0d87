"""Ledgers of earlier releases become today's: each step in one transaction with its number."""

import sqlalchemy as sa

from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.ledger_tables import SCHEMA_VERSION, issued, meta


def upgraded(database: LedgerDatabase, version: str) -> bool:
    """Bring a ledger of ``version`` to today's; False if it is none that this release knows."""
    if version == "1":
        with database.write() as connection:
            _add_issued(connection)
        return True
    return version == str(SCHEMA_VERSION)


def _add_issued(connection: sa.Connection) -> None:
    issued.create(connection, checkfirst=True)  # another process may have been faster
    connection.execute(meta.update().where(meta.c.name == "schema_version").values(value="2"))
