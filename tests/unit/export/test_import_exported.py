"""What we exported comes back: each format imported, exported again, and compared cell by cell."""

import csv
import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.export.exported_columns import test_rows as rows_of_tests
from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.importing import import_file
from fieldsurvey.export.registry import FORMATS, export_survey, write_tables
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.export_surveys import drive, one_drive, real_life, throughput_test

TARGET = Target("another", "1", 1_000_000, RateLayer.GOODPUT)
MAIN = {"csv": "a.csv", "geojson": "a.geojson", "parquet": "a.parquet", "gpx": "a.gpx"}

# What does not come back where it was: shares of bytes cannot be turned back and become tags.
TO_TAGS = ("download_retransmission_percent", "upload_retransmission_percent")
LOST = ("fix_type", "fix_flags", "fix_age_s", "gnss_utc")


def drives() -> list[DriveRows]:
    """One that was replayed, one that was not."""
    first, second = real_life(1, 200), real_life(2, 200)
    return [first, replace(second, drive=drive(2, replayed=False))]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def compared(sent: list[dict[str, str]], back: list[dict[str, str]]) -> None:
    assert len(back) == len(sent)
    for before, after in zip(sent, back, strict=True):
        for prefix in ("", "start_", "end_"):
            if not before.get(f"{prefix}latitude_deg"):  # such a fix cannot be told
                before |= {prefix + name: "" for name in LOST if prefix + name in before}
        if "tags" in before:
            tags = json.loads(before["tags"] or "{}")
            shares = {name: value for name in TO_TAGS if (value := before.pop(name))}
            kept = json.loads(after["tags"] or "{}")
            assert {name: float(kept.pop(name)) for name in shares} == {
                name: float(value) for name, value in shares.items()
            }
            assert kept == tags
            del before["tags"]
        for name, value in before.items():
            assert after[name] == value, name


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for name, file in MAIN.items():
        write_tables(tables_from(drives()), FORMATS[name], folder / file)
    return folder


@pytest.mark.parametrize("name", ["csv", "geojson", "parquet"])
def test_every_cell_comes_back(exports: Path, tmp_path: Path, name: str) -> None:
    report = import_file(exports / MAIN[name], tmp_path / "back.fsurvey", target=TARGET)
    assert (report.drives, report.odd, report.repeated) == (2, 0, 0)
    assert (report.samples, report.tests) == (400, 10)
    export_survey(report.survey_path, "csv", tmp_path / "a.csv")
    compared(rows(exports / "a-tests.csv"), rows(tmp_path / "a-tests.csv"))
    compared(rows(exports / "a.csv"), rows(tmp_path / "a.csv"))


@pytest.mark.parametrize("edited", [3, 400])
def test_rows_that_no_survey_takes_are_told_and_count_as_nothing(
    exports: Path, tmp_path: Path, edited: int
) -> None:
    """Somebody edited an export in a spreadsheet; where nothing else is in it, it is none."""
    seconds = rows(exports / "a.csv")
    for second in seconds[:edited]:
        second["round_trip_ms"] = "-5"
    path = tmp_path / "edited.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(seconds[0]))
        writer.writeheader()
        writer.writerows(seconds)
    if edited == len(seconds):
        with pytest.raises(KnownError, match="measurement: 400 rows hold a value"):
            import_file(path, tmp_path / "back.fsurvey")
        return
    report = import_file(path, tmp_path / "back.fsurvey")
    assert (report.rows, report.samples, report.refused) == (400, 397, 3)
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        assert len(list(survey.samples())) == 397


def test_what_gpx_holds_comes_back(exports: Path, tmp_path: Path) -> None:
    report = import_file(exports / "a.gpx", tmp_path / "back.fsurvey")
    export_survey(report.survey_path, "gpx", tmp_path / "b.gpx")

    def told(path: Path) -> list[str]:
        # The program that wrote it is another one now; a resumed drive begins no new run. The
        # operator of the plan has become that of the test, which <desc> names.
        lines = path.read_text(encoding="utf-8").splitlines()
        names = "|".join(f"fs:{name}" for name in (*TO_TAGS, "tags"))
        shares = rf"<({names}|desc)>.*?</\1>"
        return [re.sub(shares, "", line) for line in lines if line.startswith(("<trkpt", "<wpt"))]

    assert told(tmp_path / "b.gpx") == told(exports / "a.gpx")
    assert report.tests == 10
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        assert [one.replayed for one in survey.drives()] == [True, False]
        verdicts = {test.judgement.verdict for test in survey.tests() if test.judgement}
        assert verdicts == {drives()[0].tests[1].judgement.verdict}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", MAIN)
def test_no_number_comes_back_as_another_one(exports: Path, tmp_path: Path, name: str) -> None:
    """GPX has some columns only. What it does not tell is empty afterwards, and never 0."""
    report = import_file(exports / MAIN[name], tmp_path / "back.fsurvey")
    export_survey(report.survey_path, "csv", tmp_path / "a.csv")
    back = {row["test_id"]: row for row in rows(tmp_path / "a-tests.csv")}
    for sent in rows(exports / "a-tests.csv"):
        after = back[sent["test_id"]]
        unlike = {n for n, value in sent.items() if after[n] not in ("", value)} - {"tags"}
        assert unlike <= {"places_version"}  # "unknown" by GPX
        said = {column for column, value in after.items() if value}
        if name == "gpx" and sent["download_mbps"]:
            assert said >= {"download_low_mbps", "idle_latency_p50_ms", "end_latitude_deg"}


def test_what_was_not_told_is_named_in_a_tag(exports: Path, tmp_path: Path) -> None:
    """The model has no unknown number of connections; headquarters reads the tag."""
    report = import_file(exports / "a.gpx", tmp_path / "back.fsurvey")
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        tags = [test.tags for test in survey.tests() if test.measurement.phases]
    assert tags
    assert all("download_connections" in one["untold"].split() for one in tags)
    whole = import_file(exports / "a.csv", tmp_path / "whole.fsurvey")
    with SurveyFile.open(whole.survey_path, read_only=True) as survey:
        assert not any("untold" in test.tags for test in survey.tests())


def test_a_surveyors_own_words_are_no_columns(tmp_path: Path) -> None:
    """Tags may be called anything."""
    tags = {"untold": "story of a road", "upload_latency_count": "many", "idle_latency_count": "9"}
    test = throughput_test(1, tags=tags)
    (row,) = tables_from(one_drive(tests=[test])).tests.iter_rows(named=True)
    assert json.loads(row["tags"]) == tags
    assert (row["idle_latency_count"], row["download_connections"]) == (3, 4)


@pytest.mark.parametrize("name", MAIN)
def test_what_was_replayed_never_becomes_evidence(exports: Path, tmp_path: Path, name: str) -> None:
    report = import_file(exports / MAIN[name], tmp_path / "back.fsurvey")
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        kept = {one.drive_id: one.replayed for one in survey.drives()}
    assert kept == {drive(1).drive_id: True, drive(2).drive_id: False}


def test_either_of_the_two_files_brings_both(exports: Path, tmp_path: Path) -> None:
    for number, file in enumerate(("a-tests.csv", "a-samples.geojsonl", "a-tests.parquet")):
        report = import_file(exports / file, tmp_path / f"{number}.fsurvey")
        assert (report.samples, report.tests) == (400, 10)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("csv", "north-tests.csv"),
        ("parquet", "north-tests.parquet"),
        ("geojson", "north-samples.geojson"),
        ("geojson", "north.json"),
    ],
)
def test_both_are_found_by_what_they_hold(tmp_path: Path, name: str, file: str) -> None:
    """A name may end as that of a companion does, or in another suffix."""
    paths = write_tables(tables_from(drives()), FORMATS[name], tmp_path / file).paths
    for number, path in enumerate(paths):
        report = import_file(path, tmp_path / f"{number}.fsurvey")
        assert (report.samples, report.tests) == (400, 10)


@pytest.mark.parametrize("name", ["csv", "geojson"])
def test_both_are_found_where_they_are_packed(tmp_path: Path, name: str) -> None:
    exporter, plain = FORMATS[name], tmp_path / "plain"
    plain.mkdir()
    packed = []
    for path in write_tables(tables_from(drives()), exporter, plain / f"a.{name}").paths:
        packed.append(tmp_path / f"{path.name}.gz")
        packed[-1].write_bytes(gzip.compress(path.read_bytes()))
    for number, path in enumerate(packed):
        report = import_file(path, tmp_path / f"{number}.fsurvey")
        assert (report.samples, report.tests) == (400, 10)


def test_a_collection_without_tests_brings_its_seconds(tmp_path: Path) -> None:
    untested = [replace(one, tests=[]) for one in drives()]
    write_tables(tables_from(untested), FORMATS["geojson"], tmp_path / "a.geojson")
    report = import_file(tmp_path / "a.geojson", tmp_path / "back.fsurvey")
    assert (report.samples, report.tests) == (400, 0)


def test_a_survey_takes_its_own_export_never_twice(exports: Path, tmp_path: Path) -> None:
    path = tmp_path / "back.fsurvey"
    import_file(exports / "a.csv", path)
    for file in MAIN.values():
        with pytest.raises(KnownError) as caught:
            import_file(exports / file, path)
        assert caught.value.message.id == "import.twice"


def test_a_spreadsheet_may_have_saved_it(exports: Path, tmp_path: Path) -> None:
    """With semicolons and a byte order mark, as Excel does in Kazakhstan."""
    with (tmp_path / "x.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        with (exports / "a.csv").open(encoding="utf-8", newline="") as sent:
            writer.writerows(csv.reader(sent))
    assert import_file(tmp_path / "x.csv", tmp_path / "back.fsurvey").samples == 400


@pytest.mark.parametrize(("true", "false"), [("TRUE", "FALSE"), ("ИСТИНА", "ЛОЖЬ")])
def test_a_spreadsheet_may_have_spelled_truth_anew(
    exports: Path, tmp_path: Path, true: str, false: str
) -> None:
    spelled = {"true": true, "false": false}
    for file in ("a.csv", "a-tests.csv"):
        text = (exports / file).read_text(encoding="utf-8")
        text = re.sub(r"\b(true|false)\b", lambda found: spelled[found[0]], text)
        (tmp_path / file).write_text(text, encoding="utf-8")
    import_file(tmp_path / "a.csv", tmp_path / "back.fsurvey")
    with SurveyFile.open(tmp_path / "back.fsurvey", read_only=True) as survey:
        assert survey.check() == []
        assert [one.replayed for one in survey.drives()] == [True, False]
    export_survey(tmp_path / "back.fsurvey", "csv", tmp_path / "b.csv")
    reached = [row["reachable"] for row in rows(exports / "a.csv")]
    assert [row["reachable"] for row in rows(tmp_path / "b.csv")] == reached


def test_a_truth_that_nobody_understands_is_not_false(exports: Path, tmp_path: Path) -> None:
    text = (exports / "a.csv").read_text(encoding="utf-8").replace(",true,", ",maybe,")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(KnownError, match="maybe") as caught:
        import_file(tmp_path / "a.csv", tmp_path / "back.fsurvey")
    assert caught.value.message.id == "import.strange_cell"


@pytest.mark.parametrize(
    ("file", "ours", "other", "column"),
    [
        ("a-tests.csv", r"2026-05-28T(\S{12})Z", r"2026/05/28 \1", "started_utc"),  # Gnumeric
        ("a.csv", r",76\.9", ",76°9", "longitude_deg"),
        ("a.csv", ",4G,", ",6G,", "technology"),
        ("a.csv", r"2026-05-28T\S{12}Z,true", ",true", "sampled_utc"),
        ("a-tests.csv", ",distance,", ",height,", "trigger"),
        ("a-tests.csv", "completed", "done", "outcome"),
        ("a.csv", ",123456789,", ",1e30,", "cell_id"),
        ("a.gpx", "(<fs:ended_utc>)[^<]*", r"\1yesterday", "ended_utc"),
        ("a.gpx", "(<fs:download_mbps>)[^<]*", r"\1fast", "download_mbps"),
        ("a.gpx", "(<fs:reachable>)[^<]*", r"\1maybe", "reachable"),
    ],
)
def test_a_cell_that_we_do_not_write_is_named(
    exports: Path, tmp_path: Path, file: str, ours: str, other: str, column: str
) -> None:
    text = (exports / file).read_text(encoding="utf-8")
    (tmp_path / file).write_text(re.sub(ours, other, text), encoding="utf-8")
    with pytest.raises(KnownError) as caught:
        import_file(tmp_path / file, tmp_path / "back.fsurvey")
    assert caught.value.message.id == "import.strange_cell"
    assert caught.value.message.args["column"] == column
    assert not (tmp_path / "back.fsurvey").exists()


def test_a_gpx_of_service_everywhere_says_so(tmp_path: Path) -> None:
    whole = real_life(3, 200)
    reached = [one for one in whole.samples if one.reachability.reachable]
    path = tmp_path / "a.gpx"
    write_tables(tables_from([DriveRows(drive(), reached, [])]), FORMATS["gpx"], path)
    back = import_file(path, tmp_path / "back.fsurvey")
    with SurveyFile.open(back.survey_path, read_only=True) as survey:
        found = [one.reachability for one in survey.samples()]
    assert {(one.reachable, one.cause) for one in found} == {(True, None)}


def test_a_waypoint_may_say_nothing_of_round_trips(tmp_path: Path) -> None:
    sent = throughput_test()
    phases = tuple(
        replace(phase, round_trips_us=(), round_trips_lost=0)
        for phase in sent.measurement.phases
        if phase.kind is PhaseKind.DOWNLOAD
    )
    plain = replace(sent, measurement=replace(sent.measurement, phases=phases))
    path = tmp_path / "a.gpx"
    write_tables(tables_from([DriveRows(drive(), [], [plain])]), FORMATS["gpx"], path)
    assert "_latency_" not in path.read_text(encoding="utf-8")
    assert import_file(path, tmp_path / "back.fsurvey").tests == 1


def test_a_broken_export_is_refused_whole(exports: Path, tmp_path: Path) -> None:
    for file in ("a.csv", "a.parquet", "a.geojson", "a.gpx"):
        whole = (exports / file).read_bytes()
        torn = tmp_path / file
        torn.write_bytes(whole[: len(whole) // 2 - 3])
        with pytest.raises(KnownError) as caught:
            import_file(torn, tmp_path / "back.fsurvey")
        assert caught.value.message.id in ("import.unreadable", "import.unknown_format")
        assert not (tmp_path / "back.fsurvey").exists()


def test_tags_stand_in_one_order_in_every_run() -> None:
    """A test's key in the survey is made of them."""
    names = [f"{phase}_latency_p{n}_ms" for phase in ("upload", "idle") for n in (90, 50)]
    exported = pl.DataFrame({name: ["1.5"] for name in ("test_id", *names)})
    (tags,) = rows_of_tests(exported)["tags"]
    assert list(json.loads(tags)) == sorted(names)
