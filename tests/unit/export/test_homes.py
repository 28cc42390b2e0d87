"""Rows inside homes are left out of every format, counted, and nothing else changes."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.homes import HomeArea, home_area_from, without_homes
from fieldsurvey.export.registry import FORMATS, ExportReport, export_survey, write_tables
from fieldsurvey.export.tables import LeftOut, SurveyTables
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.export_reading import csv_rows, gpx_of
from tests.support.export_surveys import (
    START_UTC_US,
    S,
    fix,
    fresh,
    one_drive,
    real_life,
    sample,
    throughput_test,
)

Pair = tuple[float, float]  # latitude, longitude

HOME = HomeArea(43.2, 76.9, 300.0)  # where all these drives begin


def seconds_of(tables: SurveyTables) -> list[int]:
    """Which seconds of the drive are left."""
    return [
        (utc_us - START_UTC_US) // S
        for piece in tables.sample_pieces()
        for utc_us in piece["utc_us"].to_list()
    ]


def trimmed(samples: Sequence[Sample], *homes: HomeArea) -> SurveyTables:
    return without_homes(tables_from(one_drive(samples)), homes or (HOME,))


def test_exactly_what_lies_inside_is_left_out() -> None:
    samples = [fresh(second) for second in range(60)]
    tables = trimmed(samples)
    outside = [
        second
        for second, one in enumerate(samples)
        if one.fix is not None
        and distance_m(43.2, 76.9, one.fix.latitude_deg, one.fix.longitude_deg) > 300
    ]
    assert 40 < len(outside) < 55
    assert seconds_of(tables) == outside
    assert tables.left_out == LeftOut(60 - len(outside), 0)
    assert tables.sample_count == len(outside)


def test_an_old_fix_inside_still_gives_the_place_away() -> None:
    at_home = fix(0)
    samples = [sample(second, at_home) for second in range(1, 30)]
    assert seconds_of(trimmed(samples)) == []


def test_seconds_before_the_first_fix_belong_to_where_it_was() -> None:
    begins = [sample(second, None) for second in range(5)]
    at_home = [*begins, *(fresh(second) for second in range(5, 60))]
    elsewhere = [*begins, *(fresh(second) for second in range(40, 60))]
    assert not set(range(5)) & set(seconds_of(trimmed(at_home)))
    assert seconds_of(trimmed(elsewhere)) == [*range(5), *range(40, 60)]
    assert seconds_of(trimmed(begins)) == [0, 1, 2, 3, 4]  # nobody knows where that was


def test_a_test_that_begins_or_ends_inside_is_left_out() -> None:
    tests = [
        throughput_test(1, second=1.0),
        throughput_test(2, second=40.0),
        throughput_test(3, second=40.0, end_fix=fix(0)),
        throughput_test(4, second=40.0, start_fix=None, end_fix=None),
    ]
    (drive,) = one_drive([fresh(second) for second in range(30, 60)])
    tables = without_homes(tables_from([DriveRows(drive.drive, drive.samples, tests)]), [HOME])
    assert tables.tests["test_id"].to_list() == [tests[1].test_id, tests[3].test_id]
    assert tables.left_out.tests == 2


def test_several_homes_and_the_edge_of_the_map() -> None:
    samples = [fresh(0), fresh(60), fresh(61, latitude_deg=10.0, longitude_deg=-179.9999)]
    east = HomeArea(10.0, 179.9999, 100.0)
    assert seconds_of(trimmed(samples, east)) == [0, 60]
    assert seconds_of(trimmed(samples, east, HOME)) == [60]
    tables = tables_from(one_drive(samples))
    assert without_homes(tables, []) is tables


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "s.fsurvey"
    rows = real_life(1)
    with SurveyFile.create(path) as made:
        made.begin_drive(replace(rows.drive, replayed=False))
        made.append(rows.drive.drive_id, samples=rows.samples, tests=rows.tests)
    return path


def of_columns(rows: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """Positions in rows with the columns of the CSV."""
    return [
        (float(row[f"{end}latitude_deg"]), float(row[f"{end}longitude_deg"]))
        for row in rows
        for end in ("", "start_", "end_")
        if row.get(f"{end}latitude_deg")
    ]


def positions_in(report: ExportReport, name: str) -> list[Pair]:
    """All positions in the files of an export."""
    path, data = report.path, report.path.read_bytes()
    match name:
        case "csv":
            return of_columns(row for one in report.paths for row in csv_rows(one.read_bytes()))
        case "gpx":
            gpx = gpx_of(data)
            parts = [part for track in gpx.tracks for part in track.segments]
            points = [point for part in parts for point in part.points]
            return [(point.latitude, point.longitude) for point in (*points, *gpx.waypoints)]
        case "geojson":
            features = json.loads(data)["features"]
            lines = report.paths[1].read_text(encoding="utf-8").splitlines()
            features += map(json.loads, lines)
            drawn = [one["geometry"]["coordinates"] for one in features if one["geometry"]]
            return [(y, x) for x, y in drawn] + of_columns(one["properties"] for one in features)
        case "kml":
            drawn = re.findall(r"^(?:.*<coordinates>)?([\d.]+),([\d.]+)", data.decode(), flags=re.M)
            return [(float(latitude), float(longitude)) for longitude, latitude in drawn]
        case "gpkg":
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.row_factory = sqlite3.Row
                layers = [connection.execute(f"SELECT * FROM {t}") for t in ("samples", "tests")]
                return of_columns(dict(row) for layer in layers for row in layer)
        case "parquet":
            frames = [pl.read_parquet(one) for one in report.paths]
            return of_columns(row for frame in frames for row in frame.iter_rows(named=True))
        case "fcc":
            tests = [one["tests"] for one in json.loads(data)["submissions"]]
            places = [p for test in tests for p in test["download"]["locations"]]
            return [(place["latitude"], place["longitude"]) for place in places]
        case "rtr":
            return [(float(row["lat"]), float(row["long"])) for row in csv_rows(data)]
    raise NotImplementedError(name)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_format_has_a_position_inside(survey: Path, tmp_path: Path, name: str) -> None:
    before = survey.read_bytes()
    whole = export_survey(survey, name, tmp_path / f"whole.{name}")
    report = export_survey(survey, name, tmp_path / f"kept.{name}", homes=[HOME])
    assert report.left_out.samples > 5
    assert whole.left_out == LeftOut()
    assert survey.read_bytes() == before
    pairs = positions_in(report, name)
    if name in ("fcc", "rtr"):
        assert len(pairs) > 3
    else:
        assert report.points < whole.points
        assert len(pairs) > 100
    assert all(distance_m(43.2, 76.9, *pair) > 299.9 for pair in pairs)
    if name == "csv":
        assert report.points + report.left_out.samples == whole.points
        assert report.tests + report.left_out.tests == whole.tests
    if name == "gpx":
        text = report.path.read_text(encoding="utf-8")
        left_out = report.left_out.samples
        assert f"<fs:seconds_left_out_count>{left_out}</fs:seconds_left_out_count>" in text
        assert "left_out" not in whole.path.read_text(encoding="utf-8")


def test_a_map_of_nothing_but_home_is_no_map(tmp_path: Path) -> None:
    tables = trimmed([fresh(second) for second in range(5)])
    with pytest.raises(KnownError) as caught:
        write_tables(tables, FORMATS["gpx"], tmp_path / "a.gpx")
    assert caught.value.message.id == "export.no_points"


def test_the_command_says_how_many_rows_are_missing(survey: Path, tmp_path: Path) -> None:
    shell = Shell(lambda request: 0, lambda: False, lambda: None, "en")

    def export(*homes: str) -> tuple[int, str]:
        options = [word for home in homes for word in ("--trim-home", home)]
        words = ["export", str(survey), "--format", "csv", "-o", str(tmp_path / "a.csv"), *options]
        done = CliRunner().invoke(cli, words, obj=shell)
        return done.exit_code, done.stderr

    code, told = export("43.2,76.9,300", "50, 70, 100")
    assert code == 0
    assert "inside homes:" in told
    assert "inside homes" not in export()[1]
    code, told = export("43.2;76.9")
    assert code == 1
    assert "43.2389,76.8897,500" in told


@pytest.mark.parametrize(
    "text", ["", "1,2", "1,2,3,4", "91,0,5", "0,181,5", "0,0,0", "0,0,-5", "0,0,50001", "nan,0,5",
             "0,nan,5", "0,0,nan", "a,b,c"]
)  # fmt: skip
def test_what_is_no_area(text: str) -> None:
    with pytest.raises(KnownError) as caught:
        home_area_from(text)
    assert caught.value.message.id == "export.bad_home"
