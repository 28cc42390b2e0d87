"""Landed batches into the archive, each exactly once, whatever happens in between.

Files are written first; then one transaction of the ledger names them and says which batches are in
them. Killed before it, the batches are merged again and the files are orphans; killed after it,
nothing is left to do. What comes out does not depend on the order or the company in which batches
are merged. Rows of most drives are written once and never read again; a drive is taken out of the
archive and put together anew only where its own row came late (its seconds did not yet know whether
it was a replay), or where its rows may have come twice: by a restored or cloned survey file.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from fieldsurvey.hq.archive import Archive, of_drives
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.compaction import compact
from fieldsurvey.hq.ledger_records import ArchiveFile, LandedBatch
from fieldsurvey.hq.merge_changes import Changes, once
from fieldsurvey.hq.merge_drives import Drives, drives_of
from fieldsurvey.hq.merge_frames import Frames, frames_of
from fieldsurvey.hq.merge_reading import ReadBatch, RefusedBatch, read_batch
from fieldsurvey.hq.shelf import Shelf
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.lock import SurveyLock

MOST_ROWS = 1_000_000  # at a time, fixes included


class MergeLedger(Protocol):
    """What the merge needs of the ledger."""

    def unmerged(self, limit: int) -> list[LandedBatch]: ...

    def quarantine(self, log_index: int, code: str, detail: str) -> None: ...

    def swap_archive(
        self, added: Sequence[ArchiveFile], removed: Sequence[str], merged: Sequence[int]
    ) -> None: ...

    def archive_files(self, table: str | None = None) -> list[ArchiveFile]: ...


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What one merge did. ``postponed`` batches wait for the row of their drive."""

    batches: int = 0
    rows: int = 0
    quarantined: int = 0
    postponed: int = 0
    files_added: int = 0
    files_removed: int = 0


def merge_once(
    ledger: MergeLedger,
    raw: Shelf,
    archive: Shelf,
    limit: int = 500,
    *,
    patient_since_utc_us: int | None = None,
) -> MergeReport:
    """Merge up to ``limit`` batches, oldest first, and tidy the archive up.

    ``patient_since_utc_us``: batches that came after it may wait for the row of their drive, which
    saves much writing where batches overtake one another. Raises KnownError ``hq_merge.busy`` while
    somebody else merges, OSError (disk full) with nothing changed.
    """
    with alone(archive):
        files = Archive(archive)
        report = _merge(ledger, raw, files, limit, patient_since_utc_us)
        if report.batches:
            for changes in compact(files, ledger.archive_files()):
                _commit(ledger, changes, [])
        return report


@contextlib.contextmanager
def alone(archive: Shelf) -> Iterator[None]:
    """Change the archive in the block, and nobody else on this computer.

    Raises KnownError ``hq_merge.busy``.
    """
    try:
        lock = SurveyLock(archive.local / "merge")
    except KnownError as error:
        if error.message.id != "store.in_use":
            raise
        raise KnownError("hq_merge.busy", path=archive.place) from error
    try:
        yield
    finally:
        lock.release()


def _merge(
    ledger: MergeLedger, raw: Shelf, archive: Archive, limit: int, patient_since_utc_us: int | None
) -> MergeReport:
    batches, refused = _read(_chosen(ledger.unmerged(limit)), raw)
    for one in refused:
        ledger.quarantine(one.landed.log_index, one.code, one.detail)
    manifest = ledger.archive_files()
    drives = drives_of(batches, archive, manifest)
    now = [
        batch
        for batch in batches
        if patient_since_utc_us is None
        or batch.landed.received_utc_us < patient_since_utc_us
        or batch.drive_ids <= drives.replayed.keys()
    ]
    if not now and len(batches) >= limit:  # nothing behind them would ever be seen
        now = batches
    changes = Changes(archive)
    rows = 0
    if now:
        if len(now) < len(batches):
            drives = drives_of(now, archive, manifest)
        frames = frames_of(now)
        rows = sum(len(frames[table]) for table in TABLES if table != "pieces")
        _put(changes, frames, drives, manifest)
        _commit(ledger, changes, [batch.landed.log_index for batch in now])
    return MergeReport(
        len(now),
        rows,
        len(refused),
        len(batches) - len(now),
        len(changes.added),
        len(changes.removed),
    )


def _chosen(landed: Sequence[LandedBatch]) -> list[LandedBatch]:
    """Return as many of the first as may be held in memory, and at least one."""
    chosen: list[LandedBatch] = []
    rows = 0
    for batch in landed:
        rows += batch.rows
        if chosen and rows > MOST_ROWS:
            break
        chosen.append(batch)
    return chosen


def _read(landed: Sequence[LandedBatch], raw: Shelf) -> tuple[list[ReadBatch], list[RefusedBatch]]:
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda batch: read_batch(batch, raw), landed))
    return (
        [one for one in found if isinstance(one, ReadBatch)],
        [one for one in found if isinstance(one, RefusedBatch)],
    )


def _put(changes: Changes, frames: Frames, drives: Drives, manifest: Sequence[ArchiveFile]) -> None:
    """Write all tables, together with what has to be taken out of the archive for it."""
    taken: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
    for file in drives.files_to_open(manifest):
        theirs = changes.archive.drive_ids(file) & drives.reopened
        if theirs:
            taken[file.table].append(changes.take(file, theirs))
    for table in TABLES:
        together = pl.concat([frames[table], *taken[table]])
        told = together.with_columns(**drives.told(table))
        if drives.doubled:
            twice = of_drives(drives.doubled)
            told = pl.concat([told.filter(~twice), once(table, told.filter(twice))])
        changes.add(table, told)


def _commit(ledger: MergeLedger, changes: Changes, merged: Sequence[int]) -> None:
    try:
        ledger.swap_archive(changes.added, changes.removed, merged)
    except LookupError as error:  # the archive was changed on another machine, or is being rebuilt
        raise KnownError("hq_merge.busy", path=changes.archive.shelf.place) from error
    # A file that was written anew with the same content has the same name: it simply stays.
    changes.archive.retire(set(changes.removed) - {file.path for file in changes.added})
