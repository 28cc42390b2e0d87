"""What is known of the drives that batches belong to: whether they were replays, and whether some
of their rows in the archive have to be looked at again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.merge_reading import ReadBatch

_PIECE = ["drive_id", "device", "epoch", "seq", "last_seq"]


@dataclass(frozen=True, slots=True)
class Drives:
    """``replayed``, ``operators``: of drives whose own row has come. ``doubled``: rows of these may
    have come twice. ``reopened``: these have rows in the archive that may have to be changed;
    ``known`` are their pieces there."""

    replayed: dict[str, bool]
    operators: dict[str, str | None]
    doubled: frozenset[str]
    reopened: frozenset[str]
    known: pl.DataFrame

    def told(self, table: str) -> dict[str, pl.Expr]:
        """Return the columns of ``table`` that a drive's own row tells; null while it has not
        come."""
        columns = {"replayed": _looked_up(self.replayed, pl.Boolean())}
        kind = TABLES[table].get("operator")
        if kind is not None and table != "drives":
            of_drive = _looked_up(self.operators, pl.String()).cast(kind)
            # A test over one of several links has that link's operator.
            own = ["operator"] if table == "tests" else []
            columns["operator"] = pl.coalesce(*own, of_drive)
        return columns

    def files_to_open(self, manifest: Sequence[ArchiveFile]) -> Iterator[ArchiveFile]:
        """Yield the files that may hold rows of reopened drives, by their times."""
        if not self.reopened:
            return
        spans = self.known.select("ts_utc_us", "last_ts_utc_us").rows()
        for file in manifest:
            low, high = file.min_ts_utc_us, file.max_ts_utc_us
            if low is None or high is None:
                continue
            if any(low <= last and first <= high for first, last in spans):
                yield file


def drives_of(
    batches: Sequence[ReadBatch], archive: Archive, manifest: Sequence[ArchiveFile]
) -> Drives:
    """Look the drives of ``batches`` up among what was merged before."""
    drive_ids = {drive_id for batch in batches for drive_id in batch.drive_ids}
    known = _known(drive_ids, archive, manifest)
    replayed: dict[str, bool] = {}
    operators: dict[str, str | None] = {}
    names = ("drive_id", "replayed", "operator")
    told = known.filter(pl.col("replayed").is_not_null()).select(names).rows()
    told += [
        tuple(values[name] for name in names)
        for batch in batches
        for table, values in batch.records
        if table == "drives"
    ]
    for drive_id, was_replayed, operator in told:
        replayed[drive_id] = replayed.get(drive_id, False) or was_replayed
        operators[drive_id] = operators.get(drive_id) or operator
    doubled = _doubled(pl.concat([known.select(_PIECE), _pieces(batches)]))
    unlike = known.filter(pl.col("replayed").ne_missing(_looked_up(replayed, pl.Boolean())))
    late = set(unlike["drive_id"])
    reopened = (late | doubled) & set(known["drive_id"])
    return Drives(
        replayed,
        operators,
        frozenset(doubled),
        frozenset(reopened),
        known.filter(pl.col("drive_id").is_in(list(reopened))),
    )


def _looked_up(of_drive: Mapping[str, object], kind: pl.DataType) -> pl.Expr:
    if not of_drive:
        return pl.lit(None, kind)
    drive_id = pl.col("drive_id").cast(pl.String())
    return drive_id.replace_strict(of_drive, default=None, return_dtype=kind)


def _known(drive_ids: set[str], archive: Archive, manifest: Sequence[ArchiveFile]) -> pl.DataFrame:
    """Return the pieces of some drives that are in the archive."""
    found = [pl.DataFrame(schema=TABLES["pieces"])]
    found += [archive.read(file, drive_ids) for file in manifest if file.table == "pieces"]
    return pl.concat(found).with_columns(
        pl.col("drive_id", "device", "epoch", "operator").cast(pl.String())
    )


def _pieces(batches: Sequence[ReadBatch]) -> pl.DataFrame:
    """Return who sent rows of which drives, roughly: a batch's whole range for each."""
    rows = [
        (drive_id, one.landed.device, one.landed.epoch, one.landed.first_seq, one.landed.last_seq)
        for one in batches
        for drive_id in one.drive_ids
    ]
    types = dict(zip(_PIECE, (pl.String(),) * 3 + (pl.Int64(),) * 2, strict=True))
    return pl.DataFrame(rows, schema=types, orient="row")


def _doubled(pieces: pl.DataFrame) -> set[str]:
    """Return the drives of which rows may have come twice: through several epochs, or under
    numbers that overlap in one."""
    found = (
        pieces.sort(_PIECE)
        .group_by("drive_id", maintain_order=True)
        .agg(
            (pl.struct("device", "epoch").n_unique() > 1).alias("epochs"),
            (pl.col("seq") <= pl.col("last_seq").shift(1)).any().alias("overlap"),
        )
        .filter(pl.col("epochs") | pl.col("overlap"))
    )
    return set(found["drive_id"])
