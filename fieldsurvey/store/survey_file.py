"""One survey file: everything one drive campaign measured, committed before it is shown.

Used from one thread. Knows nothing of how measurements are made; it takes them whole and gives
them back equal. Failures of disk and file come as KnownError with nothing half-written, and the
same call may simply be made again.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store import file_key, reading, writing
from fieldsurvey.store.check import check_survey
from fieldsurvey.store.driver import ROW_ERRORS, Connection, database, known_errors
from fieldsurvey.store.lock import SurveyLock, folder_error
from fieldsurvey.store.opening import connect_writer, create_file, examine, exists, open_reader
from fieldsurvey.store.summary import (
    SurveySummary,
    UnfinishedDrive,
    survey_summary,
    unfinished_drive,
)

__all__ = ["SUFFIX", "SurveyFile", "SurveySummary", "UnfinishedDrive"]

T = TypeVar("T")

SUFFIX = ".fsurvey"

# Reasons to leave a file alone and record beside it.
_UNUSABLE = frozenset(
    f"store.{name}"
    for name in ("foreign", "empty", "newer", "damaged", "unreadable", "exists", "locked")
)
_MOST_BESIDE = 100


class SurveyFile:
    """An open survey. Make one with :meth:`create`, :meth:`open` or :meth:`open_or_beside`."""

    def __init__(self, path: Path, connection: Connection, lock: SurveyLock | None) -> None:
        self.path = path
        self.connection = connection
        self._db = database(connection)
        self._lock = lock
        self._identity = _identity(path)

    @classmethod
    def create(cls, path: Path) -> "SurveyFile":
        """Make a new survey, encrypted if :mod:`fieldsurvey.store.file_key` has a key for it.

        Raises KnownError ``store.exists``, ``store.read_only``, ...
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise folder_error(error, path) from error
        key = file_key.for_new_file()
        with _lock_or_release(path) as lock:
            create_file(path, key)
            return cls._writer(path, lock, key)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "SurveyFile":
        """Open a survey, for recording unless ``read_only``.

        Raises KnownError ``store.missing``, ``store.foreign``, ``store.empty``, ``store.newer``,
        ``store.damaged``, ``store.unreadable``, ``store.locked`` (encrypted, and nobody here has
        the key), and for recording ``store.in_use`` and ``store.read_only``.
        """
        if read_only:
            key = examine(path, thoroughly=False)
            with known_errors(path):
                return cls(path, open_reader(path, key), None)
        if not exists(path):
            raise KnownError("store.missing", path=path)
        with _lock_or_release(path) as lock:
            key = examine(path, thoroughly=True)
            return cls._writer(path, lock, key)

    @classmethod
    def open_or_beside(cls, path: Path) -> "tuple[SurveyFile, Message | None]":
        """Open or create ``path``; where that file is unusable, leave it alone and go on in
        ``name-2``, ``name-3``, ... beside it. The message says what was wrong and where it goes on.
        """
        try:
            return cls._open_or_create(path), None
        except KnownError as error:
            if error.message.id not in _UNUSABLE:
                raise
            problem = error.message
        for number in range(2, _MOST_BESIDE):
            beside = path.with_name(f"{path.stem}-{number}{path.suffix}")
            try:
                return cls._open_or_create(beside), message(
                    "store.beside", problem=problem, path=beside
                )
            except KnownError as error:
                if error.message.id not in _UNUSABLE:
                    raise
        raise KnownError(problem.id, **problem.args)

    @classmethod
    def _open_or_create(cls, path: Path) -> "SurveyFile":
        return cls.open(path) if exists(path) else cls.create(path)

    @classmethod
    def _writer(cls, path: Path, lock: SurveyLock, key: bytes | None) -> "SurveyFile":
        with known_errors(path):
            return cls(path, connect_writer(path, key), lock)

    def close(self) -> None:
        """Close; the log is folded into the file, so that the one file is all there is to copy."""
        try:
            with known_errors(self.path):
                self.connection.close()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> "SurveyFile":
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------

    def begin_drive(self, drive: Drive) -> None:
        """Record that a drive began. ``ended_utc_us`` is not stored: see :meth:`end_drive`."""
        with self.transaction():
            writing.add_drive(self.connection, drive)

    def end_drive(self, drive_id: str, ended_utc_us: int) -> None:
        """Record that a drive ended. Raises ValueError if it is unknown or ended otherwise."""
        with self.transaction():
            drive_seq = reading.drive_seq_of(self.connection, drive_id)
            ended = reading.drive_end(self.connection, drive_seq)
            if ended not in (None, ended_utc_us):
                raise ValueError(f"drive {drive_id} ended at {ended} already")
            writing.add_drive_end(self.connection, drive_seq, ended_utc_us)

    def append(
        self,
        drive_id: str,
        *,
        fixes: Sequence[Fix] = (),
        samples: Sequence[Sample] = (),
        events: Sequence[Event] = (),
        tests: Sequence[ThroughputTest] = (),
    ) -> tuple[Message, ...]:
        """Commit rows in one transaction: all or nothing, on disk when this returns.

        May be repeated, after any failure and together with further rows: a row equal in all
        measured columns, both clocks included, is in the file once. Rows out of every range are
        kept as text and reported in the returned messages; they never hold up the others.
        Raises KnownError (``store.disk_full``, ``store.read_only``, ``store.io``,
        ``store.vanished``) with nothing written, ValueError for an unknown drive.
        """
        rows: list[writing.Recorded] = [*events, *fixes, *samples, *tests]
        rows.sort(key=_known_at_us)
        try:
            with self.transaction():
                drive_seq = reading.drive_seq_of(self.connection, drive_id)
                try:
                    writing.add_rows(self.connection, drive_seq, rows)
                except ROW_ERRORS as error:
                    raise _RowRefusedError from error
        except _RowRefusedError:
            with self.transaction():
                return writing.add_rows_one_by_one(self._db, self.connection, drive_seq, rows)
        return ()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything in the block or nothing; only for modules of the store, and for an
        import, which is in the survey whole or not at all."""
        if _identity(self.path) != self._identity:
            raise KnownError("store.vanished", path=self.path)
        with known_errors(self.path), self._db.atomic():
            yield

    def roll_back(self) -> None:
        """Leave a transaction that somebody's failed statement left open."""
        if self.connection.in_transaction:
            self.connection.rollback()

    # -- reading ------------------------------------------------------------------------------

    def unfinished_drive(self) -> UnfinishedDrive | None:
        """Return the newest drive that has no end, with what it holds."""
        with self._reading():
            return unfinished_drive(self.connection)

    def bytes_used_between(self, from_utc_us: int, to_utc_us: int, link: str | None = None) -> int:
        """Return wire bytes of the tests begun in ``from_utc_us <= t < to_utc_us``.

        ``link``: only those over the link of that name; "" are tests over a link without one.
        """
        sql = (
            "SELECT coalesce(sum(wire_bytes), 0) FROM test"
            " WHERE started_utc_us >= ?1 AND started_utc_us < ?2"
            " AND (?3 IS NULL OR coalesce(link, '') = ?3)"
        )
        with known_errors(self.path):
            found = self.connection.execute(sql, (from_utc_us, to_utc_us, link))
            (total,) = found.fetchone()
        return int(total)

    def summary(self) -> SurveySummary:
        """Count what the file holds."""
        with self._reading():
            return survey_summary(self.connection)

    @classmethod
    def summary_of(cls, path: Path) -> SurveySummary:
        """Count what the survey at ``path`` holds, without holding up its recorder."""
        with cls.open(path, read_only=True) as survey:
            return survey.summary()

    def check(self) -> list[Message]:
        """Read every page and every measured row; return what is wrong, nothing if clean."""
        return check_survey(self.connection)

    def drives(self) -> list[Drive]:
        """Return all drives, oldest first."""
        return list(self._read(reading.read_drives(self.connection)))

    def samples(self, drive_id: str | None = None) -> Iterator[Sample]:
        """Yield seconds in the order they were appended, of one drive or of all."""
        return self._read(reading.read_samples(self.connection, self._drive_seq(drive_id)))

    def events(self, drive_id: str | None = None) -> Iterator[Event]:
        """Yield events in the order they were appended."""
        return self._read(reading.read_events(self.connection, self._drive_seq(drive_id)))

    def tests(self, drive_id: str | None = None) -> Iterator[ThroughputTest]:
        """Yield tests in the order they were appended."""
        return self._read(reading.read_tests(self.connection, self._drive_seq(drive_id)))

    def fixes_between(
        self, from_utc_us: int, to_utc_us: int, drive_id: str | None = None
    ) -> Iterator[Fix]:
        """Yield fixes with ``from_utc_us <= utc_us < to_utc_us`` in order of arrival."""
        drive_seq = self._drive_seq(drive_id)
        return self._read(reading.read_fixes(self.connection, from_utc_us, to_utc_us, drive_seq))

    def _read(self, rows: Iterator[T]) -> Iterator[T]:
        with self._reading():
            yield from rows

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Call it damage when a value cannot be read as what it should be."""
        with known_errors(self.path):
            try:
                yield
            except ValueError as error:
                raise KnownError("store.damaged", path=self.path, detail=str(error)) from error

    def _drive_seq(self, drive_id: str | None) -> int | None:
        return None if drive_id is None else reading.drive_seq_of(self.connection, drive_id)


def _known_at_us(row: writing.Recorded) -> int:
    """When a row was complete, so that numbers follow time within an append."""
    return row.ended_mono_us if isinstance(row, ThroughputTest) else row.mono_us


class _RowRefusedError(Exception):
    """Rolls the fast transaction back before the slow one."""


@contextlib.contextmanager
def _lock_or_release(path: Path) -> Iterator[SurveyLock]:
    """Hold the survey's lock; keep it on success, let it go on failure."""
    lock = SurveyLock(path)
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file ``path`` names now: SQLite would go on writing into a deleted one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
