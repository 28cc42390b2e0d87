"""Few files for each day instead of many: what came in small pieces is read as one.

Files beyond ``FULL_ROWS`` are left alone, so that no step holds more than twice that in memory and
no row is written more than a few times.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.merge_changes import Changes

FULL_ROWS = 500_000
MOST_FILES = 8  # of one table and day that are not full


def compact(archive: Archive, files: Sequence[ArchiveFile]) -> Iterator[Changes]:
    """Yield one step after the other; each is to be in the manifest before the next begins."""
    small: dict[tuple[str, str], list[ArchiveFile]] = defaultdict(list)
    for file in files:
        if file.rows < FULL_ROWS:
            small[file.table, file.day].append(file)
    for chosen in small.values():
        if len(chosen) > MOST_FILES:
            yield from _joined(archive, chosen)


def _joined(archive: Archive, files: list[ArchiveFile]) -> Iterator[Changes]:
    """Join files, smallest first, until one is full."""
    waiting: list[ArchiveFile] = []
    for file in sorted(files, key=lambda one: (one.rows, one.path)):
        waiting.append(file)
        if sum(one.rows for one in waiting) >= FULL_ROWS:
            yield _join(archive, waiting)
            waiting = []
    if len(waiting) > 1:
        yield _join(archive, waiting)


def _join(archive: Archive, files: Sequence[ArchiveFile]) -> Changes:
    changes = Changes(archive, removed=[file.path for file in files])
    frame = pl.concat([archive.read(file) for file in files])
    changes.added.append(archive.write(files[0].table, files[0].day, frame))
    return changes
