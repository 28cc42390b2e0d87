"""What one step of the merge does to the archive: files that come, files that go."""

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from fieldsurvey.hq.archive import Archive, days_of, of_drives
from fieldsurvey.hq.archive_tables import CONTENT, FIRST_COME
from fieldsurvey.hq.ledger_records import ArchiveFile


@dataclass(slots=True)
class Changes:
    """Files written already, which count once the manifest says so, and paths to be taken out."""

    archive: Archive
    added: list[ArchiveFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def add(self, table: str, frame: pl.DataFrame) -> None:
        """Write rows to their days."""
        for day, rows in days_of(table, frame):
            self.added.append(self.archive.write(table, day, rows))

    def take(self, file: ArchiveFile, drive_ids: Collection[str]) -> pl.DataFrame:
        """Take the rows of some drives out of a file; what is left of it is written anew."""
        frame = self.archive.read(file)
        taken = of_drives(drive_ids)
        rest = frame.filter(~taken)
        self.removed.append(file.path)
        if len(rest):
            self.added.append(self.archive.write(file.table, file.day, rest))
        return frame.filter(taken)


def once(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return each row once, however often and under whatever number it came."""
    if table not in CONTENT:
        return frame
    return frame.sort(FIRST_COME).unique(CONTENT[table], keep="first", maintain_order=True)
