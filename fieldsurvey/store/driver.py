"""The one door to SQLite. Every other module of the house takes its driver and exceptions here.

``sqlcipher3`` bundles a SQLite new enough to be trusted with a write-ahead log. Its exceptions are
not those of the standard ``sqlite3``, and two SQLite libraries in one process undo each other's
file locks, so nobody may open a survey file with another driver, nor with plain ``open()``.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlcipher3 import dbapi2

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.sqlite_tools import Database

# Before this release a write-ahead log could be reset under a reader (sqlite.org/wal.html).
OLDEST_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_MS = 5_000
FULL_DISK_BYTES = 1 << 20  # an I/O error with less than this left is told as a full disk

sqlite_version: str = dbapi2.sqlite_version

Connection = Any  # the driver ships no types
DatabaseError: type[Exception] = dbapi2.DatabaseError
# What one row can do wrong: out of range, not a number, not text; never the disk's fault.
ROW_ERRORS: tuple[type[Exception], ...] = (
    dbapi2.IntegrityError,
    dbapi2.DataError,
    dbapi2.InterfaceError,
    dbapi2.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)


def check_sqlite_version(version: str = sqlite_version) -> None:
    """Refuse a SQLite that can lose committed rows. Raises KnownError ``store.old_sqlite``."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise KnownError("store.old_sqlite", version=version, needed=needed)


def connect(path: Path, mode: str, key: bytes | None = None, salt: bytes = b"") -> Connection:
    """Connect to ``path``. ``mode``: SQLite URI parameters, e.g. "mode=ro&immutable=1".

    ``key``: of an encrypted file; ``salt``: what such a file begins with, where it is made now.
    Nothing is read yet: a wrong key shows at the first statement, as a file that is no database.
    No transaction is ever begun behind our back (``isolation_level=None``): the driver's own
    implicit one would stay open after a failed insert.
    """
    check_sqlite_version()
    connection = dbapi2.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None
    )
    if key is not None:
        connection.execute("PRAGMA cipher_log_level=NONE")  # it would talk on stderr
        connection.execute(f"PRAGMA key=\"x'{(key + salt).hex()}'\"")
        connection.execute("PRAGMA temp_store=MEMORY")  # or it would sort in plain files
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def connect_memory() -> Connection:
    """Connect to a new database that is nowhere on disk."""
    return dbapi2.connect(":memory:", isolation_level=None)


def make_durable(connection: Connection, path: Path) -> None:
    """Let every commit wait for the disk, through a write-ahead log.

    Raises KnownError ``store.no_log`` where the file system cannot carry such a log.
    """
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise KnownError("store.no_log", path=path)
    connection.execute("PRAGMA synchronous=FULL")
    if sys.platform == "darwin":  # fsync there does not reach the platters
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA checkpoint_fullfsync=ON")


def database(connection: Connection) -> Database:
    """Wrap a connection for migrations and transactions; plug-ins of sqlite-utils stay out."""
    return Database(cast(Any, connection), execute_plugins=False)


@contextmanager
def known_errors(path: Path) -> Iterator[None]:
    """Turn what the disk or the file did into a KnownError; bugs pass through unchanged."""
    try:
        yield
    except DatabaseError as error:
        known = _known_error(error, path)
        if known is None:
            raise
        raise known from error
    except UnicodeDecodeError as error:  # damaged text, or SQLite's own words about it
        raise KnownError("store.damaged", path=path, detail=str(error)) from error


def _known_error(error: Exception, path: Path) -> KnownError | None:
    # The low byte of an extended result code is the primary one.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == dbapi2.SQLITE_FULL or (code == dbapi2.SQLITE_IOERR and _is_full(path)):
        return KnownError("store.disk_full", path=path)
    if code == dbapi2.SQLITE_READONLY:
        return KnownError("store.read_only", path=path)
    if code == dbapi2.SQLITE_NOTADB:
        return KnownError("store.foreign", path=path)
    if code == dbapi2.SQLITE_CORRUPT or "Could not decode" in str(error):
        return KnownError("store.damaged", path=path, detail=str(error))
    if code == dbapi2.SQLITE_BUSY:
        return KnownError("store.in_use", path=path)
    if code in (dbapi2.SQLITE_CANTOPEN, dbapi2.SQLITE_PERM):
        return KnownError("store.unreadable", path=path, detail=str(error))
    if code == dbapi2.SQLITE_IOERR:
        return KnownError("store.io", path=path, detail=str(error))
    return None


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FULL_DISK_BYTES
    except OSError:
        return False
