"""Only the columns that were asked for, in that order, in every format that has columns."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pyogrio
import pytest

from fieldsurvey.export.column_choice import columns_from
from fieldsurvey.export.from_model import DriveRows
from fieldsurvey.export.importing import import_file
from fieldsurvey.export.registry import export_survey
from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.export_surveys import drive, real_life

ASKED = ("rssi_dbm", "sampled_utc", "drive_id", "cell_id")
NARROW = {"csv": "a.csv", "gpkg": "a.gpkg", "parquet": "a.parquet", "geojson": "a.geojson"}


def survey_of(path: Path, rows: DriveRows) -> Path:
    with SurveyFile.create(path) as survey:
        survey.begin_drive(rows.drive)
        survey.append(rows.drive.drive_id, samples=rows.samples, tests=rows.tests)
    return path


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = replace(real_life(3, 60), drive=drive(3, replayed=False))
    return survey_of(tmp_path_factory.mktemp("survey") / "a.fsurvey", rows)


@pytest.fixture(scope="module")
def narrow(survey: Path) -> Path:
    folder = survey.parent
    for name, file in NARROW.items():
        export_survey(survey, name, folder / file, columns=ASKED)
    export_survey(survey, "csv", folder / "whole.csv")
    return folder


def columns_in(folder: Path, name: str) -> list[str]:
    if name == "csv":
        with (folder / "a.csv").open(encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream))
    if name == "gpkg":
        return list(pyogrio.read_info(folder / "a.gpkg", layer="samples")["fields"])
    if name == "parquet":
        return [name for name in pq.read_schema(folder / "a.parquet").names if name != "geometry"]
    first = (folder / "a-samples.geojsonl").read_text(encoding="utf-8").splitlines()[0]
    return list(json.loads(first)["properties"])


@pytest.mark.parametrize("name", NARROW)
def test_columns_stand_in_the_order_of_the_wish(narrow: Path, name: str) -> None:
    assert columns_in(narrow, name) == list(ASKED)


def test_cells_and_points_are_those_of_the_whole_export(narrow: Path) -> None:
    with (narrow / "whole.csv").open(encoding="utf-8", newline="") as stream:
        whole = list(csv.DictReader(stream))
    with (narrow / "a.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == [{n: row[n] for n in ASKED} for row in whole]
    _meta, _fids, points, _fields = pyogrio.raw.read(narrow / "a.gpkg", layer="samples")
    known = [row["latitude_deg"] != "" for row in whole]
    assert [point is not None for point in points] == known
    assert any(known)
    geometries = pq.read_table(narrow / "a.parquet")["geometry"].to_pylist()
    assert [point is not None for point in geometries] == known
    assert (narrow / "a-tests.csv").read_bytes() == (narrow / "whole-tests.csv").read_bytes()


@pytest.mark.parametrize("file", ["a.csv", "a.geojson", "a.parquet"])
def test_a_narrow_file_comes_back_and_claims_nothing_more(
    narrow: Path, tmp_path: Path, file: str
) -> None:
    report = import_file(narrow / file, tmp_path / "back.fsurvey")
    assert (report.samples, report.tests) == (60, 1)
    assert {"reachable", "latitude_deg"} <= set(report.absent_columns)
    assert not set(ASKED) & set(report.absent_columns)
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        back = list(survey.samples())
    assert {sample.reachability for sample in back} == {
        Reachability(reachable=False, cause=Cause.NOT_ASKED)
    }
    assert any(sample.radio is not None and sample.radio.cell_id for sample in back)


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_file_that_could_count_twice_is_refused(survey: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a.{name}"
    export_survey(survey, name, path, columns=("latitude_deg", "longitude_deg"))
    (tmp_path / f"a-tests.{name}").unlink()
    with pytest.raises(KnownError) as caught:
        import_file(path, tmp_path / "back.fsurvey")
    assert caught.value.message.id == "import.needed_columns"
    assert caught.value.message.args["names"] == "drive_id, sampled_utc"
    assert not (tmp_path / "back.fsurvey").exists()


def test_what_other_columns_cannot_be_read_without_comes_along(tmp_path: Path) -> None:
    path = survey_of(tmp_path / "a.fsurvey", real_life(1, 5))  # a replayed drive
    export_survey(path, "csv", tmp_path / "a.csv", columns=("reachable", "band"))
    assert columns_in(tmp_path, "csv") == ["reachable", "band", "no_service_cause", "replayed"]


def test_an_unknown_column_is_refused_with_near_ones() -> None:
    assert columns_from("cell_id, band,cell_id") == ("cell_id", "band")
    for wish, near in (
        ("latitude", "latitude_deg"),
        ("lat", "latitude_deg"),
        ("rsrp", "rsrp_dbm"),
        ("", "drive_id"),
    ):
        with pytest.raises(KnownError) as caught:
            columns_from(f"band,{wish}")
        assert caught.value.message.id == "export.unknown_column"
        assert near in str(caught.value.message.args["near"]).split(", ")


@pytest.mark.parametrize("name", ["gpx", "kml", "fcc", "rtr"])
def test_formats_with_columns_of_their_own_refuse(survey: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(KnownError) as caught:
        export_survey(survey, name, tmp_path / "a", columns=ASKED)
    assert caught.value.message.id == "export.fixed_columns"
