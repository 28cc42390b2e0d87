"""A survey file as measurements."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from fieldsurvey.analysis.measurements import (
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    Measurements,
)
from fieldsurvey.export.opening_tests import finished_tests
from fieldsurvey.export.positions import SAMPLE_FIX_AGE_US
from fieldsurvey.model.drive import Drive
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.bulk import sample_frame, test_frame
from fieldsurvey.store.survey_file import SurveyFile

# Ours → the store's, where the names differ.
_TEST_NAMES = {
    "drive": "drive_index",
    "highway_ref": "start_highway_ref",
    "chainage_m": "start_chainage_m",
    "end_chainage_m": "end_chainage_m",
    "settlement_id": "start_settlement_id",
    "settlement_name": "start_settlement_name",
}
_OF_THE_SECOND = ("technology", "rsrp_dbm", "sinr_db")
_BESIDES = ("limits", "start_fix_age_us", "end_fix_age_us", "end_highway_ref")
_LATENCIES = ("idle_latency_us", "download_latency_us")


def open_survey(path: Path, told: Callable[[float], None]) -> Measurements:
    """Return what a survey file holds. Raises the store's KnownError; what ``told`` raises ends the
    reading."""
    wanted = ["drive_index", *(name for name in SAMPLE_COLUMNS if name != "drive")]
    with SurveyFile.open(path, read_only=True) as survey, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(sample_frame, path, wanted, SAMPLE_FIX_AGE_US, told)
        drives = _drives(survey, path.name)
        tests = _tests(survey)
        samples = reading.result()
    # A drive that began after the drives were read is left for the next opening.
    samples = samples.rename({"drive_index": "drive"}).filter(pl.col("drive") < len(drives))
    samples = samples.select(pl.col(name).cast(kind) for name, kind in SAMPLE_COLUMNS.items())
    nobody_asked = (pl.col("cause") == Cause.NOT_ASKED.value).fill_null(value=False)
    samples = samples.with_columns(reachable=pl.when(~nobody_asked).then("reachable"))
    tests = tests.filter(pl.col("drive") < len(drives))
    return Measurements(drives, samples, finished_tests(tests, drives, samples), (path.name,))


def _drives(survey: SurveyFile, source: str) -> pl.DataFrame:
    rows = [_drive_row(drive, source) for drive in survey.drives()]
    return pl.DataFrame(rows, schema=DRIVE_COLUMNS)


def _drive_row(drive: Drive, source: str) -> dict[str, object]:
    plan = drive.plan
    operator, operators_of_links = _of_drive(
        plan.operator or None, {link.operator or None for link in plan.links}
    )
    access_type, access_types_of_links = _of_drive(
        _known(plan.access_type), {_known(link.access_type) for link in plan.links}
    )
    return {
        "drive_id": drive.drive_id,
        "source": source,
        "campaign": plan.name,
        "operator": operator,
        "access_type": access_type,
        "started_utc_us": drive.started_utc_us,
        "ended_utc_us": drive.ended_utc_us,
        "position_uri": drive.position_uri,
        "app_version": drive.app_version,
        "replayed": drive.replayed,
        "operators_of_links": operators_of_links,
        "access_types_of_links": access_types_of_links,
    }


def _of_drive(own: str | None, of_links: set[str | None]) -> tuple[str | None, bool]:
    """Return the drive's word, or the one that all its links have; and whether they differ."""
    if own is None and len(of_links) == 1:
        (own,) = of_links
    return own, own is None and len(of_links) > 1


def _known(access_type: AccessType) -> str | None:
    return None if access_type is AccessType.UNKNOWN else access_type.value


def _tests(survey: SurveyFile) -> pl.DataFrame:
    names = {
        name: _TEST_NAMES.get(name, name)
        for name in (*TEST_COLUMNS, *_BESIDES)
        if name not in _OF_THE_SECOND and name != "result"
    }
    tests = test_frame(survey, list(names.values()))
    return tests.select(pl.col(theirs).alias(name) for name, theirs in names.items()).with_columns(
        **{name: medians(tests[name]) for name in _LATENCIES}
    )


def medians(round_trips_us: pl.Series) -> pl.Series:
    """Return the median of each test, of two in the middle the lower: a round trip that was."""
    counts = round_trips_us.bin.size().fill_null(0).to_numpy() // 4
    times_us = np.frombuffer(b"".join(round_trips_us.drop_nulls()), "<u4")
    tests = np.repeat(np.arange(len(counts)), counts)
    ordered = pl.Series(times_us[np.lexsort((times_us, tests))], dtype=pl.Int64)
    # The middle of each test's own stretch; a test without round trips has none.
    middle = np.cumsum(counts.astype(np.int64)) - counts + (counts - 1) // 2
    return ordered.gather(pl.Series(np.where(counts > 0, middle, len(ordered))), null_on_oob=True)
