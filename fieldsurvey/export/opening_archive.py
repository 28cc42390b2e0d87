"""A folder of the archive as measurements: one that ``sync fetch`` filled, or HQ's own.

``manifest.json`` says which files count. HQ's own list is in its ledger, which is no business of
this side: there all files are read, each row is taken once, and it is told. Times are the settled
ones; a doubtful time is none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from fieldsurvey.analysis.measurements import (
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    Measurements,
)
from fieldsurvey.export.opening_tests import finished_tests
from fieldsurvey.export.positions import sample_position_known
from fieldsurvey.model.drive import EventKind
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.radio import AccessType
from fieldsurvey.wire.answers import ArchiveOffer

MANIFEST = "manifest.json"
_TABLES = ("drives", "events", "tests", "samples")
_DOUBTFUL = "doubtful"
_DRIVE_END = "drive_end"
# What tells a row from all others of its table, whatever file it is in.
_ROW = ("device", "epoch", "seq")

# Ours → the archive's. What is not here has the same name there.
_SAMPLE_NAMES = {
    "utc_us": "ts_utc_us",
    "latitude_deg": "fix_latitude_deg",
    "longitude_deg": "fix_longitude_deg",
    "speed_mps": "fix_speed_mps",
    "technology": "radio_technology",
    "rsrp_dbm": "radio_rsrp_dbm",
    "sinr_db": "radio_sinr_db",
}
_TEST_NAMES = {
    "started_utc_us": "ts_utc_us",
    "ended_utc_us": "ended_ts_utc_us",
    "idle_latency_us": "idle_round_trip_us",
    "download_latency_us": "download_round_trip_us",
    "highway_ref": "start_highway_ref",
    "chainage_m": "start_chainage_m",
    "settlement_id": "start_settlement_id",
    "settlement_name": "start_settlement_name",
}
_NOT_THERE = ("drive", "run", "highway_ref", "chainage_m", "settlement_id")  # of seconds
_DERIVED = ("drive", "technology", "rsrp_dbm", "sinr_db", "result")


class _Manifest(msgspec.Struct, frozen=True):
    """What of ``manifest.json`` says which files count."""

    offer: ArchiveOffer


@dataclass(frozen=True, slots=True)
class _Files:
    """The files that count, by table. ``listed``: somebody says so."""

    folder: Path
    paths: dict[str, list[Path]]
    listed: bool


def is_archive(folder: Path) -> bool:
    """Tell whether a folder holds files of the archive, or is an HQ's."""
    return (folder / MANIFEST).exists() or any(
        (place / table).is_dir() for place in _places(folder) for table in _TABLES
    )


def open_archive(folder: Path, told: Callable[[float], None]) -> Measurements:
    """Return what an archive holds. Raises KnownError ``analysis.bad_manifest`` or
    ``.archive_damaged``; what ``told`` raises ends the reading."""
    files = _files(folder)
    tables = {}
    for number, name in enumerate(_TABLES):
        told(number / (len(_TABLES) + 1))
        tables[name] = _read(files, name)
    told(len(_TABLES) / (len(_TABLES) + 1))
    drives = _drives(tables, folder.name)
    samples = _samples(tables, drives)
    tests = finished_tests(_tests(tables["tests"], drives), drives, samples)
    notes: tuple[Message, ...] = ()
    if not files.listed:
        notes = (message("analysis.archive_without_manifest", path=folder),)
    told(1.0)
    return Measurements(drives, samples, tests, (folder.name,), notes=notes)


def _places(folder: Path) -> tuple[Path, ...]:
    return folder, folder / "archive"


def _files(folder: Path) -> _Files:
    path = folder / MANIFEST
    if not path.exists():
        return _Files(folder, {name: list(_all_files(folder, name)) for name in _TABLES}, False)
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KnownError("analysis.bad_manifest", path=path, reason=error) from error
    paths: dict[str, list[Path]] = {name: [] for name in _TABLES}
    for file in manifest.offer.files:
        if file.table in paths:
            there = folder / file.table / file.day / f"{file.sha256[:16]}.parquet"
            if not there.is_file() or there.stat().st_size != file.bytes:
                raise KnownError("analysis.archive_damaged", path=there, reason="incomplete")
            paths[file.table].append(there)
    return _Files(folder, paths, True)


def _all_files(folder: Path, table: str) -> Iterator[Path]:
    for place in _places(folder):
        yield from sorted((place / table).glob("*/*.parquet"))


def _read(files: _Files, table: str) -> pl.DataFrame:
    """Return the columns that we need; those that a file is older than are null."""
    wanted = _wanted(table)
    pieces = [pl.DataFrame(schema=wanted)]
    for path in files.paths[table]:
        try:
            rows = pl.scan_parquet(path)
            there = set(rows.collect_schema().names())
            columns = [
                (pl.col(name) if name in there else pl.lit(None)).cast(kind).alias(name)
                for name, kind in wanted.items()
            ]
            pieces.append(rows.select(columns).collect())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise KnownError("analysis.archive_damaged", path=path, reason=error) from error
    frame = pl.concat(pieces)
    if files.listed:
        return frame
    # A row of a drive that was replayed may still be in an older file that does not know it.
    return frame.sort("replayed", descending=True, nulls_last=True).unique(
        list(_ROW), keep="first", maintain_order=True
    )


def _wanted(table: str) -> dict[str, pl.DataType]:
    word = pl.Categorical()
    origin: dict[str, pl.DataType] = {
        "ts_utc_us": pl.Int64(),
        "time_quality": word,
        "device": word,
        "epoch": word,
        "seq": pl.Int64(),
        "drive_id": word,
        "replayed": pl.Boolean(),
    }
    if table == "drives":
        texts = ("plan_name", "operator", "access_type", "position_uri", "app_version")
        return origin | {name: pl.String() for name in texts} | {"started_utc_us": pl.Int64()}
    if table == "events":
        return origin | {"kind": pl.String()}
    if table == "tests":
        own = {name: kind for name, kind in TEST_COLUMNS.items() if name not in _DERIVED}
        named = {_TEST_NAMES.get(name, name): kind for name, kind in own.items()}
        ages = {f"{end}_fix_age_us": pl.Int64() for end in ("start", "end")}
        return origin | named | ages | {"limits": pl.String(), "end_highway_ref": word}
    own = {name: kind for name, kind in SAMPLE_COLUMNS.items() if name not in _NOT_THERE}
    named = {_SAMPLE_NAMES.get(name, name): kind for name, kind in own.items()}
    return origin | named | {"fix_age_us": pl.Int64()}


def _drives(tables: dict[str, pl.DataFrame], source: str) -> pl.DataFrame:
    """Return one row per drive that any row is of. One row that says "replayed" is enough."""
    of_rows = pl.concat(
        [table.select("drive_id", "device", "replayed") for table in tables.values()]
    )
    told = of_rows.group_by("drive_id").agg(
        pl.col("device").drop_nulls().first(), pl.col("replayed").max()
    )
    own = tables["drives"].unique("drive_id", keep="first", maintain_order=True)
    ended = (
        tables["events"]
        .filter(pl.col("kind") == _DRIVE_END)
        .group_by("drive_id")
        .agg(pl.col("ts_utc_us").max().alias("ended_utc_us"))
    )
    known = own.drop("device", "replayed", "ts_utc_us").rename({"plan_name": "campaign"})
    return (
        told.join(known, on="drive_id", how="left")
        .join(ended, on="drive_id", how="left")
        .with_columns(
            source=pl.lit(source),
            access_type=_known_access("access_type"),
            # The archive's drives do not name their links; tests tell.
            operators_of_links=None,
            access_types_of_links=None,
        )
        .select(pl.col(name).cast(kind) for name, kind in DRIVE_COLUMNS.items())
        .sort("started_utc_us", "drive_id", nulls_last=True)
    )


def _known_access(name: str) -> pl.Expr:
    return pl.when(pl.col(name).cast(pl.String) != AccessType.UNKNOWN.value).then(pl.col(name))


def _numbered(rows: pl.DataFrame, drives: pl.DataFrame) -> pl.DataFrame:
    """Add ``drive``, and take doubtful times away."""
    numbers = drives.select(pl.col("drive_id").cast(pl.Categorical)).with_row_index("drive")
    sure = (pl.col("time_quality").cast(pl.String) != _DOUBTFUL).fill_null(value=True)
    times = [name for name in ("ts_utc_us", "ended_ts_utc_us") if name in rows.columns]
    return rows.with_columns(pl.when(sure).then(pl.col(name)).alias(name) for name in times).join(
        numbers, on="drive_id", how="left", maintain_order="left"
    )


def _samples(tables: dict[str, pl.DataFrame], drives: pl.DataFrame) -> pl.DataFrame:
    rows = _numbered(tables["samples"], drives).sort("drive", "ts_utc_us", "seq")
    rows = _with_runs(rows, _numbered(tables["events"], drives))
    renamed = rows.rename({theirs: ours for ours, theirs in _SAMPLE_NAMES.items()}).with_columns(
        pl.lit(None).alias(name) for name in ("highway_ref", "chainage_m", "settlement_id")
    )
    known = sample_position_known()
    return renamed.with_columns(
        pl.when(known).then(pl.col(name)).alias(name)
        for name in ("latitude_deg", "longitude_deg", "speed_mps")
    ).select(pl.col(name).cast(kind) for name, kind in SAMPLE_COLUMNS.items())


def _with_runs(samples: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add how many times a row's drive had been resumed."""
    resumed = (
        events.filter(pl.col("kind") == EventKind.DRIVE_RESUMED.value)
        .select("drive", "ts_utc_us")
        .drop_nulls()
        .sort("ts_utc_us")
        .with_columns(run=pl.int_range(1, pl.len() + 1).over("drive"))
    )
    asked = samples.with_row_index("row")
    found = (
        asked.select("row", "drive", "ts_utc_us")
        .drop_nulls()
        .sort("ts_utc_us")
        .join_asof(resumed, on="ts_utc_us", by="drive", check_sortedness=False)
        .select("row", "run")
    )
    return (
        asked.join(found, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("run").fill_null(0))
        .drop("row")
    )


def _tests(rows: pl.DataFrame, drives: pl.DataFrame) -> pl.DataFrame:
    tests = _numbered(rows, drives).unique("test_id", keep="first", maintain_order=True)
    return tests.rename({theirs: ours for ours, theirs in _TEST_NAMES.items()}).with_columns(
        access_type=_known_access("access_type")
    )
