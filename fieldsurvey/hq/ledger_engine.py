"""One way into the ledger's database, be it SQLite or PostgreSQL: reads, and writes one at a time.

Writers queue up (``BEGIN IMMEDIATE``, an advisory lock), so that the log's numbers are dense and a
look before a write stays true. Every commit waits for the disk.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlcipher3 import dbapi2  # SQLAlchemy wants the module itself

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.driver import check_sqlite_version, make_durable

_BUSY_TIMEOUT_MS = 30_000
_CONNECTIONS = 16
_WRITERS_LOCK = 0x46535248  # "FSRH", of PostgreSQL's advisory locks
_SQLITE = "sqlite:///"


class LedgerDatabase:
    """Connections to the database at ``url``: "sqlite:///PATH" or a DSN of PostgreSQL."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        """Raises KnownError ``hq.no_ledger`` if nothing can be reached there."""
        self._writer = threading.Lock()
        self.path = Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
        self.engine = _postgres(url) if self.path is None else _sqlite(self.path, create=create)
        try:
            with self.engine.connect():
                pass
        except DBAPIError as error:
            self.close()
            raise KnownError("hq.no_ledger", detail=str(error.orig)) from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One view of the ledger as it is now."""
        with self.engine.connect() as plain:
            connection = plain
            if self.path is None:
                connection = plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, the only one that writes; rolled back if the block raises."""
        # Threads of one process queue here: SQLite's own waiting is by sleeping.
        with self._writer, self.engine.connect() as plain:
            connection = plain.execution_options(fieldsurvey_begin="BEGIN IMMEDIATE")
            with connection.begin():
                if self.path is None:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")
                yield connection

    def damage(self) -> list[str]:
        """Ask SQLite whether its file is whole; PostgreSQL looks after that itself."""
        if self.path is None:
            return []
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if found == ["ok"] else list(found)

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(path: Path, *, create: bool) -> sa.Engine:
    check_sqlite_version()
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"

    def connect() -> Any:
        connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA trusted_schema=OFF")
        make_durable(connection, path)
        return connection

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        module=dbapi2,
        poolclass=sa.QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=-1,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("fieldsurvey_begin", "BEGIN"))

    return engine


def _postgres(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError as error:
        raise KnownError("hq.no_ledger", detail=str(error)) from error
    return sa.create_engine(parsed, pool_size=_CONNECTIONS, pool_pre_ping=True)
