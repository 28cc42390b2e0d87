"""An archive of a hundred million seconds: fifty days of a fleet that drives a country's roads.

    python -m tests.support.engine_bulk FOLDER QUESTION RESOLUTION

asks DuckDB in this process and prints what it took as JSON. The files are written by the
archive itself, with all its columns.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from fieldsurvey.analysis.evidence import COLUMNS
from fieldsurvey.analysis.h3_index import RESOLUTIONS, cells, parents
from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.shelf import Folder
from tests.support.peak_memory import peak_mb

DAYS, LAPTOPS, SECONDS = 50, 70, 28_800
TEST_EVERY_S = 60
ROADS, POINTS = 600, 1_000
SECONDS_A_POINT = 7  # 160 m at 23 m/s
DAY_US = 86_400_000_000
START_UTC_US = 1_767_225_600_000_000  # 2026-01-01
WORDS = pl.DataFrame(
    {"technology": ["4G", "5G-NSA", "3G", "none", None], "share": [0.7, 0.1, 0.1, 0.05, 0.05]}
)
OPERATORS = ("Beeline", "Kcell", "Tele2")


def write_bulk(folder: Path, days: int = DAYS) -> int:
    """Write the archive; return how many seconds it tells of."""
    chance = np.random.default_rng(1)
    roads = _roads(chance)
    archive = Archive(Folder(folder))
    rows = 0
    for day in range(days):
        name = time.strftime("%Y-%m-%d", time.gmtime(START_UTC_US // 1_000_000 + day * 86_400))
        samples = _samples(chance, roads, day)
        rows += archive.write("samples", name, _whole("samples", samples)).rows
        tests = _tests(chance, samples)
        archive.write("tests", name, _whole("tests", tests))
    return rows


def _roads(chance: np.random.Generator) -> pl.DataFrame:
    """Points along roads that wind over the country."""
    heading = chance.uniform(0, 2 * np.pi, (ROADS, 1)) + np.cumsum(
        chance.normal(0, 0.05, (ROADS, POINTS)), axis=1
    )
    north = chance.uniform(42, 54, (ROADS, 1)) + np.cumsum(np.cos(heading), axis=1) * 0.00145
    east = chance.uniform(50, 85, (ROADS, 1)) + np.cumsum(np.sin(heading), axis=1) * 0.0022
    finest = cells(north.ravel(), east.ravel())
    columns = {f"h3_{n}": parents(finest, n) for n in RESOLUTIONS}
    return pl.DataFrame(
        {"fix_latitude_deg": north.ravel(), "fix_longitude_deg": east.ravel(), **columns}
    )


def _samples(chance: np.random.Generator, roads: pl.DataFrame, day: int) -> pl.DataFrame:
    laptop = np.repeat(np.arange(LAPTOPS), SECONDS)
    second = np.tile(np.arange(SECONDS), LAPTOPS)
    begin = chance.integers(0, len(roads), LAPTOPS)[laptop]
    count = len(laptop)
    ids = pl.Series([f"{day:08x}-{at:04x}-4000-8000-000000000000" for at in range(LAPTOPS)])
    devices = pl.Series([f"{at:08x}-0000-4000-8000-000000000000" for at in range(LAPTOPS)])
    ts_utc_us = START_UTC_US + day * DAY_US + second * 1_000_000 + chance.integers(0, 9_999, count)
    # A technology lasts for a minute.
    spell = chance.choice(len(WORDS), (LAPTOPS, SECONDS // 60 + 1), p=WORDS["share"].to_numpy())
    reachable = chance.random(count) > 0.05
    origin = pl.DataFrame(
        {
            "ts_utc_us": ts_utc_us,
            "seq": second,
            "device": devices.gather(laptop),
            "drive_id": ids.gather(laptop),
            "radio_technology": WORDS["technology"].gather(spell[laptop, second // 60]),
            "reachable": reachable,
            "utc_us": ts_utc_us + chance.integers(-90_000, 90_000, count),
            "mono_us": second * 1_000_000,
            "round_trip_us": np.where(reachable, chance.integers(20_000, 90_000, count), 0),
            "radio_rsrp_dbm": np.round(chance.normal(-95, 9, count)),
        }
    ).with_columns(
        pl.lit("gnss").alias("time_quality"),
        pl.lit("0000000000000000").alias("epoch"),
        pl.lit("survey").alias("survey"),
        pl.lit(False).alias("replayed"),
        pl.Series(OPERATORS).gather(laptop % 3).alias("operator"),
        pl.when("reachable").then(None).otherwise(pl.lit("timed_out")).alias("cause"),
    )
    return origin.hstack(roads[(begin + second // SECONDS_A_POINT) % len(roads)])


def _tests(chance: np.random.Generator, samples: pl.DataFrame) -> pl.DataFrame:
    tests = samples.gather_every(TEST_EVERY_S).drop("cause")
    done = chance.random(len(tests)) > 0.08
    word = pl.when(pl.Series(done)).then(pl.lit("completed")).otherwise(pl.lit("failed"))
    bps = pl.Series(chance.gamma(2.0, 4e7, len(tests)).astype(np.int64))
    return tests.with_columns(
        word.alias("outcome"),
        word.alias("download_outcome"),
        pl.when(pl.Series(done)).then(bps).alias("download_bps"),
        pl.lit(OPERATORS[0]).alias("operator"),
    )


def _whole(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Give a frame all columns of its table."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in TABLES[table].items()
    )


def ask(folder: Path, question: str, resolution: int) -> dict[str, float]:
    """Ask by cells; return seconds, cells and how much memory it took more than before."""
    import duckdb  # noqa: F401 - loading it is no part of a question

    from fieldsurvey.analysis.evidence import Question
    from fieldsurvey.analysis.questions import Scope, answer
    from fieldsurvey.hq.engines.engine import Archived
    from fieldsurvey.hq.engines.on_duckdb import OnDuckDb

    files = {
        table: [
            path.relative_to(folder).as_posix()
            for path in sorted((folder / table).rglob("*.parquet"))
        ]
        for table in COLUMNS
    }
    before_mb = peak_mb()
    started_s, cpu_s = time.perf_counter(), time.process_time()
    with contextlib.closing(OnDuckDb(Archived(folder, files))) as engine:
        answered = engine.answer(answer(Question(question), Scope(resolution)))
    return {
        "took_s": time.perf_counter() - started_s,
        "cpu_s": time.process_time() - cpu_s,
        "more_mb": peak_mb() - before_mb,
        "rows": len(answered),
        "cells": answered["cell"].n_unique(),
        "counted": answered.get_column(answered.columns[3]).sum(),
    }


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))  # noqa: T201 - the answer
