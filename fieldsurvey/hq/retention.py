"""What HQ has held long enough goes: the batches as they came, their copies, their rows.

That they were here stays: receipt, leaf and row in the ledger, so that the log goes on and no
laptop is asked to send them again. The ledger says first what goes, then files are deleted; what a
crash in between leaves, or somebody brings once more, the next run deletes. Once the merge has
taken up again what it has to, the archive is what the remaining batches alone would make.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.ledger import ArchiveFile, LandedBatch, Ledger
from fieldsurvey.hq.merge import alone
from fieldsurvey.hq.merge_changes import Changes
from fieldsurvey.hq.shelf import Folder, Shelf
from fieldsurvey.model.errors import KnownError

_US_PER_DAY = 86_400_000_000
BatchName = tuple[str, str, int]  # device, epoch, number


@dataclass(frozen=True, slots=True)
class Expired:
    """``again``: batches that share a drive with those, and have to be merged anew."""

    batches: tuple[LandedBatch, ...]
    again: int
    files_deleted: int

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.batches)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.batches)


def cutoff_utc_us(home: Home, now_utc_us: int) -> int:
    """Return since when HQ keeps what it received. Raises KnownError ``hq.no_retention``."""
    days = home.settings.retention_days
    if not days:
        raise KnownError("hq.no_retention", path=home.folder / "hq.toml")
    return now_utc_us - days * _US_PER_DAY


def due(ledger: Ledger, before_utc_us: int) -> Expired:
    """Return what :func:`expire` would let go; changes nothing."""
    return Expired(tuple(ledger.older_than(before_utc_us)), 0, 0)


def expire(home: Home, ledger: Ledger, before_utc_us: int, now_utc_us: int) -> Expired:
    """Let go of what was received before then; what still waits to be merged is kept.

    Raises KnownError ``hq_merge.busy`` while somebody merges, OSError (a disk that is not there)
    or KnownError ``hq.no_storage`` with the ledger right and files left for the next run.
    """
    shelf = home.archive_shelf()
    archive = Archive(shelf)
    with alone(shelf):
        gone = ledger.older_than(before_utc_us)
        again: list[int] = []
        if gone:
            again = _let_go(ledger, archive, gone, before_utc_us, now_utc_us)
        shelves = [home.raw_shelf()]
        if home.settings.mirror:
            shelves.append(Folder(Path(home.settings.mirror) / "raw"))
        paths = {one.path for one in ledger.expired()}
        deleted = sum(_delete(one, paths) for one in shelves)
        archive.remove_orphans({file.path for file in ledger.archive_files()})
    return Expired(tuple(gone), len(again), deleted)


def _let_go(
    ledger: Ledger,
    archive: Archive,
    gone: Sequence[LandedBatch],
    before_utc_us: int,
    now_utc_us: int,
) -> list[int]:
    """Take whole drives out of the archive, and let what is left of them be merged again: which of
    two equal rows counts may depend on those that go."""
    manifest = ledger.archive_files()
    drives, touched = _closed(archive, manifest, {_name(one) for one in gone})
    changes = Changes(archive)
    for file in manifest:
        if theirs := archive.drive_ids(file) & drives:
            changes.take(file, theirs)
    going = {one.log_index for one in gone}
    again = [
        one.log_index
        for one in ledger.merged()
        if _name(one) in touched and one.log_index not in going
    ]
    size = f"batches={len(gone)} rows={sum(one.rows for one in gone)}"
    note = f"before_utc_us={before_utc_us} {size}"
    try:
        ledger.expire(sorted(going), again, changes.added, changes.removed, now_utc_us, note)
    except LookupError as error:  # changed on another machine
        raise KnownError("hq_merge.busy", path=archive.shelf.place) from error
    archive.retire(set(changes.removed) - {file.path for file in changes.added})
    return again


def _closed(
    archive: Archive, manifest: Sequence[ArchiveFile], names: set[BatchName]
) -> tuple[set[str], set[BatchName]]:
    """Return all drives of these batches and all batches of those drives, and so on."""
    pieces = pl.concat(
        [pl.DataFrame(schema=_PIECE)]
        + [
            archive.read(file).select(pl.col(name).cast(kind) for name, kind in _PIECE.items())
            for file in manifest
            if file.table == "pieces"
        ]
    ).rows()
    drives: set[str] = set()
    while True:
        more = {row[0] for row in pieces if row[1:] in names} - drives
        if not more:
            return drives, names
        drives |= more
        names = names | {row[1:] for row in pieces if row[0] in drives}


_PIECE = {
    "drive_id": pl.String(),
    "device": pl.String(),
    "epoch": pl.String(),
    "batch_no": pl.Int64(),
}


def _name(one: LandedBatch) -> BatchName:
    return one.device, one.epoch, one.batch_no


def _delete(shelf: Shelf, paths: Collection[str]) -> int:
    """Delete what is still there; return how many files were. Raises what a :class:`Shelf` does."""
    there = [item.name for folder in shelf.folders() for item in shelf.items(folder)]
    gone = [name for name in there if name in paths]
    for name in gone:
        shelf.remove(name)
    return len(gone)
