"""The places file: highways and settlements in one SQLite file, read whole, never changed.

An import builds the file anew beside the old one and renames it, so a failed import leaves the
old file as it was. The version is a hash of the content: two laptops with the same version place
a fix alike. Must not be written to during a drive.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.geometry import Floats, chainages_m
from fieldsurvey.places.importing import Gathered, gather
from fieldsurvey.places.report import ImportReport
from fieldsurvey.places.roads import HighwayLine, RoadCandidate, RoadIndex, RoadMatches
from fieldsurvey.places.settlements import SettlementIndex, SettlementMatches, SettlementTable

SUFFIX = ".places"
APPLICATION_ID = 0x46535031  # "FSP1"
FORMAT = 2  # 1 had no chainage
_SCHEMA = f"""
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {FORMAT};
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE highway (
        id INTEGER PRIMARY KEY,
        ref TEXT NOT NULL,
        source TEXT NOT NULL,
        tolerance_m REAL NOT NULL,
        latitude_deg BLOB NOT NULL,   -- little-endian doubles
        longitude_deg BLOB NOT NULL,
        chainage_m BLOB               -- null where the line counts its own metres from 0
    ) STRICT;
    CREATE TABLE settlement (
        id INTEGER PRIMARY KEY,
        settlement_id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        name_en TEXT NOT NULL,
        name_ru TEXT NOT NULL,
        name_kk TEXT NOT NULL,
        latitude_deg REAL NOT NULL,
        longitude_deg REAL NOT NULL,
        population INTEGER NOT NULL,  -- -1 if unknown
        radius_m REAL NOT NULL,
        border BLOB                   -- WKB in degrees
    ) STRICT;
"""
_HIGHWAYS = """
    SELECT ref, source, tolerance_m, latitude_deg, longitude_deg{chainage_m}
    FROM highway ORDER BY id
"""
_SETTLEMENTS = """
    SELECT settlement_id, name, name_en, name_ru, name_kk, latitude_deg, longitude_deg, population,
           radius_m, border
    FROM settlement ORDER BY id
"""


class Places:
    """The content of a places file in memory. Immutable, so any thread may ask.

    ``version`` is a short hash of the content; ``report`` says where the content came from.
    """

    def __init__(
        self,
        version: str,
        lines: Sequence[HighwayLine],
        settlements: SettlementTable,
        report: ImportReport,
    ) -> None:
        self.version = version
        self.report = report
        self._lines = list(lines)
        self._settlements = settlements
        self._road_index = RoadIndex(self._lines)
        self._settlement_index = SettlementIndex(settlements)

    def highway_lines(self) -> list[HighwayLine]:
        return list(self._lines)

    def settlements(self) -> SettlementTable:
        return self._settlements

    def nearest_road(
        self,
        latitude_deg: Floats,
        longitude_deg: Floats,
        heading_deg: Floats | None = None,
    ) -> RoadMatches:
        """Return line (index into ``highway_lines()``, -1 for no road), chainage and distance of
        each of n points; see :meth:`RoadIndex.nearest`."""
        return self._road_index.nearest(latitude_deg, longitude_deg, heading_deg)

    def roads_around(self, latitude_deg: float, longitude_deg: float) -> list[RoadCandidate]:
        """Return every line that has one point within its tolerance."""
        return self._road_index.around(latitude_deg, longitude_deg)

    def nearest_settlement(self, latitude_deg: Floats, longitude_deg: Floats) -> SettlementMatches:
        """Return index (into ``settlements()``, -1 for none) and distance of each of n points;
        see :meth:`SettlementIndex.nearest`."""
        return self._settlement_index.nearest(latitude_deg, longitude_deg)


def import_files(
    inputs: Sequence[Path],
    output: Path,
    progress: Callable[[str, float], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Build ``output`` anew from ``inputs``; an older file there is replaced at the very end. One
    places file, made before or elsewhere, is taken as it is.

    ``progress`` is told the file being read and the share done (0 to 1). Raises KnownError
    ``places.*`` for an input that cannot be read at all, if nothing usable is found, or if it was
    ``cancelled``; then ``output`` is as it was.
    """
    if [path.suffix for path in inputs] == [SUFFIX]:
        return _take_over(inputs[0], output)
    gathered = gather(inputs, progress or (lambda name, share: None), cancelled)
    version = _version(_highway_rows(gathered.lines), _settlement_rows(gathered.settlements))
    report = gathered.report(output.name, version)
    _replace(output, lambda temporary: _write(temporary, gathered, report))
    return report


def _take_over(given: Path, output: Path) -> ImportReport:
    """Copy a places file that can be read."""
    report = open_places(given).report
    _replace(output, lambda temporary: _copy(given, temporary))
    return replace(report, output=output.name)


def _copy(given: Path, path: Path) -> None:
    path.write_bytes(given.read_bytes())
    _to_disk(path)


def _replace(output: Path, write: Callable[[Path], None]) -> None:
    """Put what is written in the place of ``output``, at once and whole."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
        os.close(handle)
    except OSError as error:
        raise KnownError("places.not_written", file=str(output), detail=str(error)) from error
    temporary = Path(name)
    try:
        write(temporary)
        temporary.replace(output)
    except (OSError, sqlite3.Error) as error:
        raise KnownError("places.not_written", file=str(output), detail=str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def open_places(path: Path) -> Places:
    """Read a places file.

    Raises KnownError ``places.missing``, ``places.foreign`` (not a places file), ``places.newer``
    (made by a newer version of the program) or ``places.damaged``.
    """
    if not path.is_file():
        raise KnownError("places.missing", file=str(path))
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise KnownError("places.foreign", file=str(path))
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise KnownError("places.foreign", file=str(path))
            made_as = database.execute("PRAGMA user_version").fetchone()[0]
            if made_as > FORMAT:
                raise KnownError("places.newer", file=str(path))
            chainage = ", chainage_m" if made_as > 1 else ""
            highways = database.execute(_HIGHWAYS.format(chainage_m=chainage)).fetchall()
            settlements = database.execute(_SETTLEMENTS).fetchall()
            meta = dict(database.execute("SELECT name, value FROM meta"))
        if meta["version"] != _version(highways, settlements):
            raise ValueError("the content does not match its hash")
        report = msgspec.json.decode(meta["report"], type=ImportReport)
        lines = [_line(*row) for row in highways]
        return Places(meta["version"], lines, _settlement_table(settlements), report)
    except (sqlite3.Error, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise KnownError("places.damaged", file=str(path), detail=str(error)) from error


def _write(path: Path, gathered: Gathered, report: ImportReport) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA)
        with database:
            _insert(database, "highway", _highway_rows(gathered.lines))
            _insert(database, "settlement", _settlement_rows(gathered.settlements))
            stored = {"version": report.version, "report": msgspec.json.encode(report).decode()}
            database.executemany("INSERT INTO meta VALUES (?, ?)", stored.items())
    _to_disk(path)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _insert(database: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO {table} VALUES (NULL, {marks})", rows)


def _version(highways: list[tuple[Any, ...]], settlements: list[tuple[Any, ...]]) -> str:
    """Return 12 hex digits over every value that can decide where a fix is placed."""
    digest = hashlib.sha256()
    for row in (*highways, ("settlements",), *settlements):
        digest.update(json.dumps(row, default=lambda blob: blob.hex()).encode())
    return digest.hexdigest()[:12]


def _highway_rows(lines: Sequence[HighwayLine]) -> list[tuple[Any, ...]]:
    return [
        (
            line.ref,
            line.source,
            float(line.tolerance_m),
            line.latitude_deg.astype("<f8").tobytes(),
            line.longitude_deg.astype("<f8").tobytes(),
            _other_chainage(line),
        )
        for line in lines
    ]


def _other_chainage(line: HighwayLine) -> bytes | None:
    own = chainages_m(line.latitude_deg, line.longitude_deg)
    if np.array_equal(line.chainage_m, own):
        return None
    return line.chainage_m.astype("<f8").tobytes()


def _line(
    ref: str,
    source: str,
    tolerance_m: float,
    latitudes: bytes,
    longitudes: bytes,
    chainages: bytes | None = None,
) -> HighwayLine:
    latitude = np.frombuffer(latitudes, "<f8").astype(float)
    longitude = np.frombuffer(longitudes, "<f8").astype(float)
    if chainages is None:
        chainage_m = chainages_m(latitude, longitude)
    else:
        chainage_m = np.frombuffer(chainages, "<f8").astype(float)
    return HighwayLine(ref, source, latitude, longitude, chainage_m, tolerance_m)


def _settlement_rows(table: SettlementTable) -> list[tuple[Any, ...]]:
    return list(
        zip(
            table.id,
            table.name,
            table.name_en,
            table.name_ru,
            table.name_kk,
            table.latitude_deg.tolist(),
            table.longitude_deg.tolist(),
            table.population.tolist(),
            table.radius_m.tolist(),
            table.border_wkb,
            strict=True,
        )
    )


def _settlement_table(rows: list[tuple[Any, ...]]) -> SettlementTable:
    ids, name, name_en, name_ru, name_kk, latitude, longitude, population, radius, border = (
        zip(*rows, strict=True) if rows else [()] * 10
    )
    return SettlementTable(
        id=ids,
        name=name,
        name_en=name_en,
        name_ru=name_ru,
        name_kk=name_kk,
        latitude_deg=np.array(latitude, float),
        longitude_deg=np.array(longitude, float),
        population=np.array(population, np.int64),
        radius_m=np.array(radius, float),
        border_wkb=border,
    )
