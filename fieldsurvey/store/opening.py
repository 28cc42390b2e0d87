"""Survey files come into being whole, and are looked at before they are touched.

A file that is not ours, newer than we are, or damaged is never written to: not by SQLite either,
which would fold a left-over log into it. So every file is examined through a connection that
cannot write, before the one that can is made.
"""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store import file_key
from fieldsurvey.store.driver import (
    Connection,
    connect,
    connect_memory,
    database,
    known_errors,
    make_durable,
)
from fieldsurvey.store.lock import folder_error
from fieldsurvey.store.migrations import (
    APPLICATION_ID,
    DERIVED_TABLES,
    RAW_TABLES,
    SCHEMA_VERSION,
    migrations,
)
from fieldsurvey.wire.whole_file import sync_folder

SQLITE_FILES = ("-wal", "-shm", "-journal")


def create_file(path: Path, key: bytes | None = None) -> None:
    """Make an empty survey at ``path``: either all of it is there afterwards, or nothing.

    The caller holds the survey's lock. ``key``: it is encrypted with that. Raises KnownError
    ``store.exists`` if anything is there, a forgotten write-ahead log included: SQLite would pour
    its pages into the new file.
    """
    with new_file(path) as draft:
        salt = b"" if key is None else file_key.new_salt()
        with known_errors(path), contextlib.closing(connect(draft, "mode=rwc", key, salt)) as new:
            make_durable(new, path)
            migrations.apply(database(new))
            # Where the disk is full, closing leaves this undone without a word, and the log behind.
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a draft; what was made of it in the block is at ``path`` afterwards, for good, or
    nothing is. Raises KnownError as :func:`create_file` does."""
    if exists(path) or _has_log(path):
        raise KnownError("store.exists", path=path)
    draft = path.with_name(f".{path.name}.new")
    try:
        _remove(draft)
        yield draft
        _publish(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise folder_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(draft)


def exists(path: Path) -> bool:
    """Like ``Path.exists``, but a folder nobody may look into is a KnownError."""
    try:
        return path.exists()
    except OSError as error:
        raise KnownError("store.unreadable", path=path, detail=str(error)) from error


def _has_log(path: Path) -> bool:
    """True if committed pages may wait in a log; a reader leaves an empty one behind."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _remove(path: Path) -> None:
    for suffix in ("", *SQLITE_FILES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give the finished draft its name without ever replacing a file of that name."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise KnownError("store.exists", path=path) from error
    except OSError:  # FAT and some network folders have no links
        if path.exists():
            raise KnownError("store.exists", path=path) from None
        draft.rename(path)


def examine(path: Path, *, thoroughly: bool) -> bytes | None:
    """Return the key of ``path``, None if it is plain, or raise the KnownError that says why it
    cannot be used; write nothing to it.

    ``thoroughly``: read every page (some seconds per gigabyte) for structural damage.
    """
    if not exists(path):
        raise KnownError("store.missing", path=path)
    if path.is_dir():
        raise KnownError("store.foreign", path=path)
    if path.stat().st_size == 0:
        raise KnownError("store.empty", path=path)
    key, application_id = _key_and_kind(path)
    if application_id != APPLICATION_ID:
        raise KnownError("store.foreign", path=path)
    with known_errors(path), contextlib.closing(connect_reader(path, key)) as reader:
        (version,) = reader.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise KnownError("store.newer", path=path, version=version, known=SCHEMA_VERSION)
        if thoroughly:
            (first_finding,) = reader.execute("PRAGMA quick_check(1)").fetchone()
            if first_finding != "ok":
                raise KnownError("store.damaged", path=path, detail=first_finding)
        if not _made_by(version, reader):
            raise KnownError("store.damaged", path=path, detail="tables are not as they were made")
    return key


def _key_and_kind(path: Path) -> tuple[bytes | None, int]:
    """Return what opens ``path`` and its application id.

    Without a key an encrypted file is no database, and so is one with damage at its beginning.
    """
    try:
        return None, _application_id(path, None)
    except KnownError as error:
        if error.message.id != "store.foreign":
            raise
        foreign = error
    try:
        keys = file_key.known()
    except KnownError:
        if not file_key.is_marked(path):
            raise foreign from None
        raise
    for key in keys:
        try:
            return key, _application_id(path, key)
        except KnownError as error:
            if error.message.id != "store.foreign":
                raise
    if file_key.is_marked(path):
        raise KnownError("store.locked", path=path)
    raise foreign


def _application_id(path: Path, key: bytes | None) -> int:
    with known_errors(path), contextlib.closing(_connect_stranger(path, key)) as sniffer:
        (application_id,) = sniffer.execute("PRAGMA application_id").fetchone()
    return int(application_id)


def _connect_stranger(path: Path, key: bytes | None) -> Connection:
    """Connect without leaving a trace beside a file that may not be ours. Where a log is waiting,
    the file means nothing without it: a checkpoint may have been cut off halfway."""
    if _has_log(path):
        return connect_reader(path, key)
    return connect(path, "mode=ro&immutable=1", key)


def _made_by(version: int, connection: Connection) -> bool:
    """True if all tables, triggers and checks are there as the first ``version`` migrations made
    them, and those migrations are on record. Others may have been added."""
    return _schema_of(version) <= _schema(connection) and (
        [migration.name for migration in migrations.applied(database(connection))]
        == _migration_names()[:version]
    )


def _migration_names() -> list[str]:
    with contextlib.closing(connect_memory()) as model:
        return [migration.name for migration in migrations.pending(database(model))]


def _schema(connection: Connection) -> set[tuple[str, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))


@functools.cache
def _schema_of(version: int) -> set[tuple[str, ...]]:
    with contextlib.closing(connect_memory()) as model:
        migrations.apply(database(model), stop_before=_migration_names()[version:])
        return _schema(model)


def connect_reader(path: Path, key: bytes | None) -> Connection:
    """Connect for reading only, beside a writer or on a medium that cannot be written."""
    connection = connect(path, "mode=ro", key)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except Exception:
        connection.close()
        if _has_log(path) or os.access(path.parent, os.W_OK):
            raise
        # No log, and no way to make one: what is in the file is all there is.
        connection = connect(path, "mode=ro&immutable=1", key)
    return connection


def open_reader(path: Path, key: bytes | None) -> Connection:
    """Connect like :func:`connect_reader`; a survey of an older schema shows the columns that it
    lacks, empty, since a reader must not bring it up to date."""
    connection = connect_reader(path, key)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < SCHEMA_VERSION:
            _show_missing_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _show_missing_columns(connection: Connection) -> None:
    """Put temporary views of the same names before the tables. A column that a recorder adds
    meanwhile comes first in its view, and so is the one that is read."""
    connection.execute("PRAGMA temp_store=MEMORY")
    with contextlib.closing(connect_memory()) as newest:
        migrations.apply(database(newest))
        for table in (*RAW_TABLES, *DERIVED_TABLES):
            missing = [c for c in _columns(newest, table) if c not in _columns(connection, table)]
            if missing:
                empty = ", ".join(f"NULL AS {column}" for column in missing)
                connection.execute(
                    f"CREATE TEMP VIEW {table} AS SELECT t.*, {empty} FROM main.{table} t"
                )


def _columns(connection: Connection, table: str) -> list[str]:
    found = connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))
    return [name for (name,) in found]


def connect_writer(path: Path, key: bytes | None) -> Connection:
    """Connect for recording and bring the tables up to date.

    Raises KnownError ``store.read_only`` where the file system gives a handle that cannot write.
    """
    connection = connect(path, "mode=rw", key)
    try:
        # A file we may not write is silently opened for reading, and says so at the first write.
        connection.execute("BEGIN")
        connection.execute("UPDATE survey SET last_seq = last_seq")
        connection.execute("ROLLBACK")
        make_durable(connection, path)
        migrations.apply(database(connection))
    except BaseException:
        connection.close()
        raise
    return connection
