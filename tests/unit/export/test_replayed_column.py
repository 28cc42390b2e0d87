"""A replayed drive between real ones says so in every row, and no other does."""

from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.export.from_store import open_tables
from fieldsurvey.export.registry import find_format, write_tables
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.plan_road import road_drive
from tests.support.store_values import a_sample

START_UTC_US = 1_760_000_000_000_000
REPLAYED = (False, True, False)
ROWS = 5


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_each_row_has_its_own_drives_word(tmp_path: Path, name: str) -> None:
    wanted = {}
    with SurveyFile.create(tmp_path / "s.fsurvey") as survey:
        for number, replayed in enumerate(REPLAYED):
            began_utc_us = START_UTC_US + number * 10**9
            drive = road_drive(SurveyPlan(name="x"), began_utc_us, replayed=replayed)
            wanted[drive.drive_id] = replayed
            survey.begin_drive(drive)
            seconds = [a_sample(number * 1_000 + second) for second in range(ROWS)]
            survey.append(drive.drive_id, samples=seconds)
            survey.end_drive(drive.drive_id, began_utc_us + 10**8)
    output = tmp_path / f"out.{name}"
    with open_tables(tmp_path / "s.fsurvey") as tables:
        write_tables(tables, find_format(name), output)
    rows = pl.read_csv(output) if name == "csv" else pl.read_parquet(output)
    assert len(rows) == ROWS * len(REPLAYED)
    assert dict(rows.select("drive_id", "replayed").unique().iter_rows()) == wanted
