"""Making again what can be made from the raw files: the archive, and a ledger that was lost.

Nothing is deleted before its successor is there; a ledger is moved aside, never overwritten.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.hq import audit_seal, issuing
from fieldsurvey.hq.enrolment import kept_device_keys
from fieldsurvey.hq.home import Home, new_log_origin
from fieldsurvey.hq.janitor import adopt
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.shelf import Shelf
from fieldsurvey.hq.station import open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.lock import SurveyLock

_BUSY = "hq_merge.busy"
_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class RebuiltLedger:
    """``foreign``: files that no known device sealed; they are left as they are. Of the lost ledger
    are gone for good: when batches came, their order in the log, checkpoints, the audit log, codes.
    """

    adopted: int
    devices: int
    foreign: tuple[str, ...]
    log_origin: str
    kept_as: str


def rebuild_archive(home: Home, progress: Callable[[int], None]) -> int:
    """Merge every batch again; ``progress`` is told how many still wait. Returns the rows.

    A merge worker may help meanwhile; it clears away the old files too. Raises KnownError
    ``hq.merge_stuck`` if batches remain that cannot be merged.
    """
    from fieldsurvey.hq.merge import merge_once

    raw, archive = home.raw_shelf(), home.archive_shelf()
    ledger = home.ledger()
    try:
        with _between_merges(archive):
            ledger.forget_archive()
        ledger.history.add_audit(SystemClock().utc_us(), "operator", "archive_forgotten")
        while waiting := ledger.counts().waiting:
            progress(waiting)
            try:
                report = merge_once(ledger, raw, archive)
            except KnownError as error:
                if error.message.id != _BUSY:
                    raise
                time.sleep(_AGAIN_S)
                continue
            if report.batches + report.quarantined == 0:
                raise KnownError("hq.merge_stuck", waiting=waiting)
        return ledger.counts().archive_rows
    finally:
        ledger.close()


@contextmanager
def _between_merges(archive: Shelf) -> Iterator[None]:
    """Hold the lock of the merge: what is being merged was read from the manifest as it was."""
    while True:
        try:
            lock = SurveyLock(archive.local / "merge")
            break
        except KnownError as error:
            if error.message.id != "store.in_use":
                raise
            time.sleep(_AGAIN_S)
    try:
        yield
    finally:
        lock.release()


def rebuild_ledger(home: Home) -> RebuiltLedger:
    """Make a new ledger from the raw files, with a new log: the old one cannot be continued.

    Raises KnownError ``hq.ledger_exists`` if a PostgreSQL ledger has not been moved away.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept_as = _move_aside(home, stamp)
    origin = new_log_origin(home.settings.server)
    Ledger.create(home.ledger_url, origin).close()
    with open_station(home, SystemClock()) as station:
        keys = kept_device_keys(home)
        station.ledger.devices.restore(keys)
        issuing.restore(station)
        adopted, foreign = adopt(home, station.ledger, station.landing, 0)
        note = f"adopted={adopted} foreign={len(foreign)} origin={origin}"
        station.ledger.history.add_audit(station.clock.utc_us(), "operator", "ledger_rebuilt", note)
        station.log.checkpoint()
    return RebuiltLedger(adopted, len(keys), tuple(foreign), origin, kept_as)


def _move_aside(home: Home, stamp: str) -> str:
    """Keep what is left of the old ledger, and what was signed of it last, under other names."""
    kept_as = ""
    if not home.settings.ledger:
        old = home.folder / "ledger.sqlite"
        for suffix in ("", "-wal", "-shm"):
            source = Path(f"{old}{suffix}")
            if source.exists():
                kept_as = f"ledger-{stamp}.sqlite"
                source.rename(home.folder / f"{kept_as}{suffix}")
    for name in ("checkpoint", audit_seal.FILE):
        with suppress(FileNotFoundError):
            (home.log / name).rename(home.log / f"{name}-{stamp}")
    return kept_as
