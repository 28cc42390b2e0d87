"""The archive's files: Parquet, one table and day each, named by their own content.

    archive/<table>/<yyyy-mm-dd>/<first 16 digits of sha256>.parquet

A file never changes. Which of them count is the ledger's manifest's word alone: a file is there for
good before the manifest names it, and stays for a while after it no longer does, for readers that
have just looked. What is in a file is no business of this module.
"""

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from fieldsurvey.hq.archive_tables import TABLES, sort_order
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.shelf import Shelf
from fieldsurvey.model.errors import KnownError

UNDATED = "undated"  # the day of rows whose time cannot be right
WHOLE = "all"  # the one "day" of tables that are looked up by drive
GRACE_S = 3600.0

_SUFFIX = ".parquet"
_PART = ".part"
_ROW_GROUP_ROWS = 100_000


class Archive:
    """The shelf ``archive``. Raises what it does (disk full) with nothing changed."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def write(self, table: str, day: str, frame: pl.DataFrame) -> ArchiveFile:
        """Write rows of one table and day, durably; return what the manifest is to say of them."""
        part = self.shelf.local / table / day / f"{secrets.token_hex(16)}{_PART}"
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            frame.sort(sort_order(table), nulls_last=True).write_parquet(
                part,
                compression="zstd",
                compression_level=6,
                statistics=True,
                row_group_size=_ROW_GROUP_ROWS,
            )
            digest, size = _made_durable(part)
            path = f"{table}/{day}/{digest[:16]}{_SUFFIX}"
            self.shelf.take(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        earliest, latest = _times(table, frame)
        return ArchiveFile(path, table, day, len(frame), size, digest, earliest, latest)

    def read(self, file: ArchiveFile, drive_ids: Collection[str] | None = None) -> pl.DataFrame:
        """Return the rows of a file, or those of some drives; columns that it is older than are
        null."""
        rows = pl.scan_parquet(self.path(file))
        there = set(rows.collect_schema().names())
        if drive_ids is not None:
            rows = rows.filter(of_drives(drive_ids))
        columns = [
            (pl.col(name) if name in there else pl.lit(None)).cast(kind).alias(name)
            for name, kind in TABLES[file.table].items()
        ]
        return rows.select(columns).collect()

    def path(self, file: ArchiveFile) -> Path:
        """Return where a file can be read on this computer for the next hour."""
        return self.shelf.fetch(file.path, file.sha256)

    def drive_ids(self, file: ArchiveFile) -> set[str]:
        """Return whose rows a file holds; reads one column."""
        column = pl.read_parquet(self.path(file), columns=["drive_id"]).to_series()
        return set(column.unique().cast(pl.String()))

    def retire(self, paths: Collection[str]) -> None:
        """Begin the grace of files that the manifest no longer names."""
        for path in paths:
            with contextlib.suppress(OSError, KnownError):
                self.shelf.touch(path)

    def remove_orphans(self, named: Collection[str], older_than_s: float = GRACE_S) -> int:
        """Remove files that are not ``named`` and have not been for so long; return how many."""
        removed = 0
        before_utc_us = (time.time() - older_than_s) * 1e6
        for table in TABLES:
            for item in self.shelf.items(table):
                ours = item.name.endswith((_SUFFIX, _PART)) and item.name not in named
                if ours and item.put_utc_us < before_utc_us:
                    with contextlib.suppress(OSError):
                        self.shelf.remove(item.name)
                        removed += 1
        return removed


def of_drives(drive_ids: Collection[str]) -> pl.Expr:
    """Tell which rows are of some drives."""
    return pl.col("drive_id").cast(pl.String()).is_in(sorted(drive_ids))


def _made_durable(path: Path) -> tuple[str, int]:
    """Return digest and size of a file that is on the disk for good."""
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return digest, file.tell()


def _times(table: str, frame: pl.DataFrame) -> tuple[int | None, int | None]:
    latest = "last_ts_utc_us" if table == "pieces" else "ts_utc_us"
    low, high = frame.select(pl.col("ts_utc_us").min(), pl.col(latest).max().alias("latest")).row(0)
    return low, high


def days_of(table: str, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Take a frame apart by days in UTC."""
    if table == "pieces":
        if len(frame):
            yield WHOLE, frame
        return
    day = (
        pl.when(pl.col("time_quality") == "doubtful")
        .then(pl.lit(UNDATED))
        .otherwise(pl.from_epoch("ts_utc_us", "us").dt.strftime("%Y-%m-%d"))
    )
    for (name,), rows in frame.group_by(day.alias("day")):
        yield str(name), rows
