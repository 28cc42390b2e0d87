"""A small archive in which everything is that a question can trip over, and its rows as they are:
drives over midnight, replays, unknown operators, modems that say nothing, doubtful times, missing
positions, missing seconds, tests that failed, were cancelled or skipped, equal rates, a file that
an older release wrote.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.analysis.h3_index import RESOLUTIONS, cells, parents
from fieldsurvey.hq.archive import Archive, days_of
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.shelf import Folder

Row = dict[str, Any]
Rows = dict[str, list[Row]]

MIDNIGHT_UTC_US = 1_767_225_600_000_000  # 2026-01-01
US = 1_000_000
SECONDS = 1_800
OPERATORS = ("Tele2", "Қазақтелеком", None, 'Quoted, "Co"', "Tele2", "Tele2", "Beeline")
REPLAYED = (False, False, False, False, True, None, False)
TECHNOLOGIES = ("4G", "4G", "4G", "5G-NSA", "3G", "none", None)
OLD_DRIVE = 6  # of a release that had no causes yet


@dataclass(frozen=True)
class SmallArchive:
    """``rows``: what is in ``files`` of ``folder``, column by column as the questions see it."""

    folder: Path
    files: list[ArchiveFile]
    rows: Rows

    def named(self) -> dict[str, list[str]]:
        return {table: [one.path for one in self.files if one.table == table] for table in TABLES}


def small_archive(folder: Path, seed: int = 7) -> SmallArchive:
    """Write the archive; the same rows for the same seed."""
    rows = _rows(random.Random(seed))
    files: list[ArchiveFile] = []
    for old in (False, True):
        part = {
            table: [row for row in told if (row["drive_id"] == _id(OLD_DRIVE)) is old]
            for table, told in rows.items()
        }
        added = written(folder, part)
        for file in added if old else ():
            _age(folder / file.path)
        files += added
    return SmallArchive(folder, files, rows)


def written(folder: Path, rows: Rows) -> list[ArchiveFile]:
    """Write rows to the archive in ``folder``, a file for each day; absent columns are null."""
    archive = Archive(Folder(folder))
    return [
        archive.write(table, day, part)
        for table, told in rows.items()
        for day, part in days_of(table, _frame(table, told))
    ]


def _rows(chance: random.Random) -> Rows:
    rows: Rows = {"samples": [], "tests": [], "drives": []}
    for drive, operator in enumerate(OPERATORS):
        origin = {
            "time_quality": "gnss",
            "device": f"device-{drive % 3}",
            "epoch": f"epoch-{drive}",
            "survey": "survey",
            "drive_id": _id(drive),
            "replayed": REPLAYED[drive],
        }
        start_us = MIDNIGHT_UTC_US + (drive * 43_200 - SECONDS // 2) * US
        rows["drives"].append({**origin, "ts_utc_us": start_us, "seq": 0, "operator": operator})
        _drive(chance, rows, {**origin, "old": drive == OLD_DRIVE}, start_us, operator)
    return rows


def _drive(
    chance: random.Random, rows: Rows, origin: Row, start_us: int, operator: str | None
) -> None:
    old = origin.pop("old")
    technology: str | None = "4G"
    seq = 0
    for second in range(SECONDS):
        seq += 1
        if chance.random() < 0.03:
            technology = chance.choice(TECHNOLOGIES)
        common = {**origin, "seq": seq, **_place(chance, second, seq)}
        if chance.random() < 0.01:
            common["time_quality"] = "doubtful"
        ts_utc_us = start_us + second * US + chance.randrange(200_000)
        if chance.random() > 0.02:
            reachable = chance.choices([True, False, None], [87, 10, 3])[0]
            cause = chance.choice(["timed_out", "dns", None]) if reachable is False else None
            cause = None if old else cause
            rows["samples"].append(
                {**common, "ts_utc_us": ts_utc_us, "reachable": reachable, "cause": cause,
                 "radio_technology": technology, "operator": operator}
            )  # fmt: skip
        if second % 9 == 0:
            seq += 1
            test = {**common, "seq": seq, "ts_utc_us": ts_utc_us + chance.randrange(1_500_000)}
            rows["tests"].append({**test, "operator": operator, **_outcome(chance, old)})


def _place(chance: random.Random, second: int, seq: int) -> Row:
    """A road to the north-east; sometimes a tunnel, with the last fix it had."""
    latitude_deg, longitude_deg = 51.0 + second * 2e-4, 71.0 + second * 3e-4
    fix = {"fix_latitude_deg": latitude_deg, "fix_longitude_deg": longitude_deg}
    at = None
    if chance.random() > 0.05:
        at = cells(np.array([latitude_deg]), np.array([longitude_deg]))
    return fix | {f"h3_{n}": None if at is None else int(parents(at, n)[0]) for n in RESOLUTIONS}


def _outcome(chance: random.Random, old: bool) -> Row:
    words = ["completed", "failed", "cancelled", "skipped", "ping", "upload failed"]
    word = chance.choices(words, [70, 12, 4, 4, 5, 5])[0]
    row: Row = {"outcome": word, "cause": None, "download_outcome": None, "download_cause": None,
                "download_bps": None}  # fmt: skip
    if word == "ping":
        row["outcome"] = "completed"
    elif word in ("completed", "upload failed"):
        row["outcome"] = word.split()[-1]
        # Few different rates, so that some are equal.
        row |= {"download_outcome": "completed", "download_bps": chance.randrange(60) * 4_999_999}
    elif word == "failed" and not old:
        row |= {"download_outcome": "failed", "cause": "stalled",
                "download_cause": chance.choice(["cut_off", None])}  # fmt: skip
        # No release should, but then it has to count for nothing.
        row["download_bps"] = chance.choice([None, 900_000_000])
    return row


def _id(drive: int) -> str:
    return f"{drive:08x}-0000-4000-8000-000000000000"


def _frame(table: str, rows: list[Row]) -> pl.DataFrame:
    told = {
        name: pl.String() if kind == pl.Categorical() else kind
        for name, kind in TABLES[table].items()
    }
    columns = {name: [row.get(name) for row in rows] for name in told}
    frame = pl.DataFrame(columns, schema=told)
    return frame.select(pl.col(name).cast(kind) for name, kind in TABLES[table].items())


def _age(path: Path) -> None:
    """Take columns out of a file that it could be older than."""
    frame = pl.read_parquet(path)
    frame.drop("cause", "download_cause", strict=False).write_parquet(path)


def seen(rows: Rows) -> Rows:
    """The rows with the columns that questions see, absent ones null."""
    return {
        table: [{name: row.get(name) for name in columns} for row in rows[table]]
        for table, columns in COLUMNS.items()
    }
