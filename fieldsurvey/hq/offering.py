"""Which files of the archive have rows that somebody asks for. Never too few; how many too many,
the answer tells.

A file is one table and day. Which places and drives are in it is read from its columns the first
time that anybody asks, and remembered: files never change. Of each drive in each coarse cell that
is the rectangle of its positions, so a row in the area asked for cannot be missed.
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from fieldsurvey.hq.archive import UNDATED, Archive
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.history import log_size
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.ledger_rows import WAITING
from fieldsurvey.hq.ledger_tables import archive_file, batch
from fieldsurvey.hq.station import Station
from fieldsurvey.wire.answers import ArchiveOffer, OfferedFile

OFFERED = ("samples", "tests", "events", "drives")  # "pieces" is the merge's own memory
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REMEMBERED_FILES = 10_000
_POSITIONS = {"samples": ("fix_",), "tests": ("start_", "end_")}
_COLUMNS = [archive_file.c[name] for name in ArchiveFile.__dataclass_fields__]

Box = tuple[float, float, float, float]  # west, south, east, north


def box_of(text: str) -> Box:
    """Read "west,south,east,north" in degrees. Raises ValueError."""
    west, south, east, north = map(float, text.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("an area is west,south,east,north in degrees")
    return west, south, east, north


@dataclass(frozen=True, slots=True)
class Question:
    """Days in UTC, both included, "" for open. Rows whose time cannot be right are of every day.
    The rows of a drive that has not told its campaign yet are of every campaign.

    Events have no place: asked by area are those of drives with a sample or test there. The table
    of drives is small and the others mean little without it: it is narrowed by campaign only.
    """

    table: str = ""
    first_day: str = ""
    last_day: str = ""
    area: Box | None = None
    campaign: str = ""

    def has_day(self, file: ArchiveFile) -> bool:
        """Tell whether rows of the days asked for may be in a file."""
        if file.table == "drives" or file.day == UNDATED:
            return True
        return self.first_day <= file.day <= (self.last_day or "9")


class Offers:
    """What a station's archive has; from any thread."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._archive = Archive(station.home.archive_shelf())
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, pl.DataFrame] = OrderedDict()

    def path_of(self, sha256: str) -> Path | None:
        """Return where the file lies that the manifest names by this digest."""
        query = sa.select(archive_file.c.path).where(
            archive_file.c.sha256 == sha256, archive_file.c.table.in_(OFFERED)
        )
        with self._station.ledger.database.read() as connection:
            path = connection.scalar(query.limit(1))
        if path is None:
            return None
        try:
            return self._archive.shelf.fetch(path, sha256)
        except FileNotFoundError:  # a merge has just taken it away
            return None

    def answer(self, question: Question) -> ArchiveOffer:
        """Return the files with rows asked for. Raises OSError, FileNotFoundError among them if a
        merge took a file away meanwhile: then ask again."""
        with self._station.ledger.database.read() as connection:
            rows = connection.execute(
                sa.select(*_COLUMNS)
                .where(archive_file.c.table.in_(OFFERED))
                .order_by(archive_file.c.path)
            )
            files = [ArchiveFile(**row._mapping) for row in rows]
            size = log_size(connection)
            waiting = connection.scalar(
                sa.select(sa.func.count()).where(batch.c.state.in_(WAITING))
            )
        offered = tuple(self._matching(files, question))
        return ArchiveOffer(size, waiting or 0, offered, self._station.log.checkpoint(size))

    def _matching(self, files: list[ArchiveFile], question: Question) -> list[OfferedFile]:
        of_days = [file for file in files if question.has_day(file)]
        wanted: pl.Expr = pl.lit(True)
        if question.campaign:
            wanted &= ~pl.col("drive_id").is_in(self._other_drives(files, question.campaign))
        if question.area is None:
            there = wanted
        else:
            inside = wanted & _touches(question.area)
            drives: set[str] = set()
            for file in of_days:
                if file.table in _POSITIONS:
                    drives.update(self._content(file).filter(inside)["drive_id"])
            there = wanted & pl.col("drive_id").is_in(sorted(drives))
        matching = []
        for file in of_days:
            if question.table not in ("", file.table):
                continue
            condition = wanted if file.table == "drives" else there
            if question.area is not None and file.table in _POSITIONS:
                condition = inside
            rows = file.rows
            if question.area is not None or question.campaign:
                rows = int(self._content(file).filter(condition)["rows"].sum())
            if rows:
                matching.append(_offered(file, rows))
        return matching

    def _other_drives(self, files: list[ArchiveFile], campaign: str) -> list[str]:
        """Return the drives that are known to be of another campaign only."""
        drives: dict[str, set[str | None]] = {}
        for file in files:
            if file.table == "drives":
                for drive_id, name in self._content(file).select("drive_id", "plan_name").rows():
                    drives.setdefault(drive_id, set()).add(name)
        return sorted(drive_id for drive_id, names in drives.items() if campaign not in names)

    def _content(self, file: ArchiveFile) -> pl.DataFrame:
        """Return the drives of a file, by coarse cell: how many rows, between which positions."""
        with self._lock:
            known = self._remembered.get(file.sha256)
            if known is not None:
                self._remembered.move_to_end(file.sha256)
                return known
        content = _content_of(self._archive.path(file), file.table)
        with self._lock:
            self._remembered[file.sha256] = content
            while len(self._remembered) > _REMEMBERED_FILES:
                self._remembered.popitem(last=False)
        return content


def _content_of(path: Path, table: str) -> pl.DataFrame:
    groups = ["drive_id", *(["plan_name"] if table == "drives" else [])]
    groups += ["h3_5"] if "h3_5" in TABLES[table] else []
    latitudes = [f"{prefix}latitude_deg" for prefix in _POSITIONS.get(table, ())]
    longitudes = [f"{prefix}longitude_deg" for prefix in _POSITIONS.get(table, ())]
    ends = []
    if latitudes:
        ends = [
            pl.min_horizontal(longitudes).min().alias("west"),
            pl.min_horizontal(latitudes).min().alias("south"),
            pl.max_horizontal(longitudes).max().alias("east"),
            pl.max_horizontal(latitudes).max().alias("north"),
        ]
    rows = pl.read_parquet(path, columns=[*groups, *latitudes, *longitudes])
    words = [name for name in groups if name != "h3_5"]
    return (
        rows.with_columns(pl.col(words).cast(pl.String()))
        .group_by(groups)
        .agg(pl.len().alias("rows"), *ends)
    )


def _touches(area: Box) -> pl.Expr:
    """Tell which rectangles have a point in common with the area; no position touches none."""
    west, south, east, north = area
    across = (pl.col("west") <= east) & (pl.col("east") >= west)
    along = (pl.col("south") <= north) & (pl.col("north") >= south)
    return (across & along).fill_null(value=False)


def _offered(file: ArchiveFile, rows_asked_at_most: int) -> OfferedFile:
    return OfferedFile(
        file.path, file.table, file.day, file.rows, rows_asked_at_most, file.bytes, file.sha256
    )
