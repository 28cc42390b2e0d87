"""``fieldsurvey analyse`` as it is typed: sentences, JSON, and nothing that passes for evidence."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from h3 import get_resolution, is_valid_cell

from fieldsurvey.analysis.board_row import BoardRow
from fieldsurvey.cli.analyse import board_lines
from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.model.drive import Drive, Sample
from fieldsurvey.model.messages import message
from fieldsurvey.model.place import Place
from fieldsurvey.model.throughput import Cause, ThroughputTest
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.places.places_file import open_places
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.analysis_places import small_country
from tests.support.store_values import S, a_drive, a_fix, a_sample, a_test

AS_OF = ("--as-of", "2025-12-01")
TEN = Place("kz", "KAZ01", 41_000.0, 3.0)


def test_at(second: int, verdict: Verdict, operator: str, place: Place) -> ThroughputTest:
    assert place.chainage_m is not None
    return dataclasses.replace(
        a_test(second, verdict, start_place=place),
        start_fix=a_fix(second, north_m=place.chainage_m),
        test_id=f"{operator}{second}",
        link="one",
        operator=operator,
    )


test_at.__test__ = False  # type: ignore[attr-defined]


def write(path: Path, drive: Drive, samples: list[Sample], tests: list[ThroughputTest]) -> Path:
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        survey.append(drive.drive_id, samples=samples, tests=tests)
    return path


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kcell is below on km 40 to 50, and slower than Tele2 there and before."""
    folder = tmp_path_factory.mktemp("survey")
    samples = [
        dataclasses.replace(a_sample(n, Cause.NO_ROUTE if n % 4 == 0 else None), place=TEN)
        for n in range(1, 41)
    ]
    tests = []
    for km in range(33, 50):
        place = dataclasses.replace(TEN, chainage_m=km * 1_000.0 + 5)
        second = (km - 30) * 130
        tests.append(test_at(second, Verdict.BELOW, "Kcell", place))
        faster = test_at(second + 3, Verdict.ABOVE, "Tele2", place)
        idle, download = faster.measurement.phases
        assert download.estimate is not None
        download = dataclasses.replace(
            download, estimate=dataclasses.replace(download.estimate, rate_bps=236_000_000)
        )
        measurement = dataclasses.replace(faster.measurement, phases=(idle, download))
        tests.append(dataclasses.replace(faster, measurement=measurement))
    return write(folder / "one.fsurvey", a_drive("one"), samples, tests)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drive = dataclasses.replace(a_drive("two"), replayed=True)
    posts = [dataclasses.replace(TEN, chainage_m=41_000.0 + n * 900) for n in range(9)]
    tests = [test_at(n * 130, Verdict.ABOVE, "Kcell", post) for n, post in enumerate(posts)]
    return write(tmp_path_factory.mktemp("replay") / "two.fsurvey", drive, [], tests)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places")
    small_country(folder)
    return folder / "test.places"


@pytest.fixture(autouse=True)
def _nobodys_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def run(*words: object, language: str = "en") -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language=language)
    return CliRunner().invoke(cli, ["analyse", *(str(word) for word in words)], obj=shell)


def document(*words: object) -> dict:
    done = run(*words, "--json", *AS_OF)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_sentence_that_a_supervisor_signs(survey: Path) -> None:
    done = run("coverage", survey, *AS_OF)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "KAZ01, km 40–50 (Kcell): below 100 Mbps, 10 tests, 95 %" in lines
    assert "KAZ01, km 40–50 (Tele2): above 100 Mbps, 10 tests, 95 %" in lines
    assert (
        "KAZ01, km 30–40 (Tele2): not enough data for 100 Mbps (tests: 7); "
        "drive one more test here" in lines
    )
    figures = next(line for line in lines if line.startswith("    above 0, below 10"))
    assert "2025-10-09" in figures
    kazakh = run("coverage", survey, *AS_OF, language="kk").stdout
    assert "KAZ01, 40–50 км (Kcell): 100 Мбит/с нысанасынан төмен, 10 сынақ, 95 %" in kazakh
    russian = run("coverage", survey, *AS_OF, language="ru").stdout
    assert "KAZ01, км 40–50 (Kcell): ниже 100 Мбит/с, тестов: 10, 95 %" in russian


def test_a_year_later_it_is_stale(survey: Path) -> None:
    done = run("coverage", survey, "--as-of", "2026-12-01", "--operator", "Kcell")
    assert "the tests are more than a year old; drive 6 more tests here" in done.stdout
    assert "below 100" not in done.stdout


def test_a_day_in_the_past_knows_nothing_of_later_ones(survey: Path) -> None:
    """The tests are of 9 October 2025."""
    done = run("coverage", survey, "--as-of", "2025-10-08")
    assert done.stdout == ""
    assert "Dated after 2025-10-08 23:59 and left out: tests 34, seconds 40" in done.stderr
    found = json.loads(run("targets", survey, "--as-of", "2025-10-08", "--json").stdout)
    assert {row["tests"] for row in found["rows"]} == {0}
    (note,) = found["notes"]
    assert "wrong" in note
    sides = ("--a", "operator=Kcell", "--b", "operator=Tele2")
    found = json.loads(run("pairs", survey, *sides, "--as-of", "2025-10-08", "--json").stdout)
    assert found["rows"] == []
    event = run("event", survey, "--day", "2025-10-09", "--as-of", "2025-10-08")
    assert event.stdout == ""
    assert run("coverage", survey, "--as-of", "2025-10-09").stdout.count("10 tests, 95 %") == 2


def test_one_json_document(survey: Path) -> None:
    found = document("coverage", survey, "--length-km", "1", "--mixed")
    assert found["evidence"] is True
    assert found["target"]["rule"] == "bernoulli-sprt/1(0.6,0.9,0.05,0.05)"
    assert found["sources"] == ["one.fsurvey"]
    row = next(row for row in found["rows"] if row["from_m"] == 41_000)
    assert (row["tests"], row["above"], row["below"], row["seconds"]) == (2, 1, 1, 40)
    assert row["evidence"] is True
    assert row["sentence"].startswith("KAZ01, km 41–42: not enough data")
    assert document("settlements", survey)["rows"] == []


def test_a_settlement_has_its_name_of_the_places_file(tmp_path: Path, places: Path) -> None:
    """Also where nobody tested: then no name was recorded."""
    there = open_places(places).settlements()
    where = Place("kz", settlement_id=there.id[there.name.index("Ақсай")], settlement_name="?")
    survey = write(
        tmp_path / "village.fsurvey",
        a_drive("village"),
        [dataclasses.replace(a_sample(second), place=where) for second in range(3)],
        [],
    )
    (row,) = document("settlements", survey, "--places", places)["rows"]
    assert row["settlement_name"] == "Ақсай"
    assert row["sentence"].startswith("Ақсай")


def test_the_last_stretch_ends_with_its_highway(tmp_path: Path, places: Path) -> None:
    end = dataclasses.replace(TEN, highway_ref="KAZ02", chainage_m=1_000.0)
    tests = [test_at(100, Verdict.BELOW, "Kcell", end)]
    survey = write(tmp_path / "end.fsurvey", a_drive("end"), [], tests)
    (row,) = document("coverage", survey, "--places", places)["rows"]
    assert (row["from_m"], row["to_m"]) == (0, pytest.approx(2_500, abs=5))
    assert row["sentence"].startswith("KAZ02, km 0–2.5 (Kcell)")
    (row,) = document("coverage", survey)["rows"]
    assert row["to_m"] == 10_000, "without places nobody knows"


def test_replayed_drives_say_on_every_line_that_they_are_no_evidence(
    survey: Path, replayed: Path
) -> None:
    both = document("coverage", survey, replayed)
    assert both["rows"] == [
        {**row, "evidence": True} for row in document("coverage", survey)["rows"]
    ]
    alone = run("coverage", replayed, *AS_OF)
    assert alone.stdout == ""
    assert "Nothing here can be judged" in alone.stderr
    shown = run("coverage", survey, replayed, "--replayed", *AS_OF)
    assert shown.stdout.count("\n") == shown.stdout.count("[replayed, no evidence]") == 2
    assert "above 100 Mbps, 9 tests" in shown.stdout
    found = document("coverage", replayed, "--replayed")
    assert found["evidence"] is False
    assert {row["evidence"] for row in found["rows"]} == {False}


def test_the_board(survey: Path, places: Path) -> None:
    found = document("targets", survey, "--places", places)
    assert found["programme_version"] == "2025-10-21"
    rows = {row["id"]: row for row in found["rows"]}
    assert len(rows) == 11
    assert rows["average-speed"]["tests"] == 34
    assert rows["highways-4g"]["missing"] == [
        "the places file has only 28 km of highways of 40 000",
        "kilometres that were driven and are not in the places file, so not counted: 1",
    ]
    done = run("targets", survey, "--places", places, *AS_OF, language="ru")
    assert "40 000 км автодорог с 4G на всём протяжении: недостаточно данных" in done.stdout


def test_the_board_writes_numbers_as_people_read_them() -> None:
    row = BoardRow(
        "x", message("analysis.missing_event"), "1", unit="km", value=12_345.0, low=12_345.0,
        high=40_000.0, km=15_000,
    )  # fmt: skip
    _, value = (line.text("en") for line in board_lines(row))
    assert value.strip().startswith(
        "12 345 km (between 12 345 and 40 000); kilometres decided 15 000"
    )
    share = dataclasses.replace(row, unit="share", value=0.5, low=0.25, high=1.0, tests=1_234)
    _, value = (line.text("en") for line in board_lines(share))
    assert value.strip().startswith("50 % (25–100); tests 1 234")
    nearly = dataclasses.replace(share, value=0.99999, low=0.919999, high=0.29)
    _, value = (line.text("en") for line in board_lines(nearly))
    assert value.strip().startswith("99.99 % (91.99–29);"), "cut, never rounded up"
    slow = dataclasses.replace(row, unit="bps", value=93_996_000.0, low=4_000.0, high=99_960_000.0)
    _, value = (line.text("en") for line in board_lines(slow))
    assert value.strip().startswith("93.9 Mbps (<0.01–99.9);")


def test_an_interval_is_told_no_narrower_than_it_is(survey: Path) -> None:
    row, _ = document("coverage", survey, "--mixed")["rows"]
    assert (row["share_low"], row["share_high"]) == (
        pytest.approx(0.1659, abs=1e-4),
        pytest.approx(0.8341, abs=1e-4),
    )
    assert "50 % (16–84)" in run("coverage", survey, "--mixed", *AS_OF).stdout


def test_pairs(survey: Path) -> None:
    done = run("pairs", survey, "--a", "operator=Kcell", "--b", "operator=Tele2", *AS_OF)
    assert done.stdout.startswith("operator=Tele2 is faster than operator=Kcell")
    assert "usually 2.00 times as fast" in done.stdout
    found = document("pairs", survey, "--a", "operator=Kcell", "--b", "operator=Tele2")
    assert (found["verdict"], found["faster"], len(found["rows"])) == ("faster", 17, 17)
    wrong = run("pairs", survey, "--a", "weather=bad", "--b", "operator=Tele2")
    assert wrong.exit_code == 2
    late = document("pairs", survey, "--a", "to=2025-10-08", "--b", "from=2025-10-09")
    assert (late["verdict"], late["rows"]) == ("undecided", [])


def test_gaps(survey: Path, places: Path) -> None:
    found = document("gaps", survey, "--places", places, "--operator", "Kcell")
    reasons = {(row["highway_ref"], row["from_m"]): row["reason"] for row in found["rows"]}
    assert reasons == {
        ("KAZ01", 0): "not_driven",
        ("KAZ01", 10_000): "not_driven",
        ("KAZ01", 20_000): "not_driven",
        ("KAZ02", 0): "not_driven",
    }
    (crew,) = found["progress"]
    assert (crew["crew"], crew["tests"], crew["decided_stretches"]) == ("one.fsurvey", 17, 2)
    done = run("gaps", survey, "--places", places, "--operator", "Kcell", *AS_OF)
    assert "KAZ02, km 0–2.5" in done.stdout
    assert "drive 6 more tests here" in done.stdout


def test_who_was_tested_in_villages_only_has_gaps_on_highways(places: Path, tmp_path: Path) -> None:
    village = dataclasses.replace(TEN, highway_ref=None, chainage_m=None, settlement_id="s1")
    test = dataclasses.replace(
        a_test(1, Verdict.ABOVE, start_place=village), link="one", operator="Алтел"
    )
    survey = write(tmp_path / "village.fsurvey", a_drive("village"), [], [test])
    found = document("gaps", survey, "--places", places)
    assert {row["operator"] for row in found["rows"]} == {"Алтел"}
    mixed = document("gaps", survey, "--places", places, "--mixed")
    assert [row["from_m"] for row in mixed["rows"]] == [row["from_m"] for row in found["rows"]]


def test_an_event(tmp_path: Path) -> None:
    tests = [dataclasses.replace(test_at(n * 100, Verdict.ABOVE, "Kcell", TEN)) for n in range(200)]
    survey = write(tmp_path / "fair.fsurvey", a_drive("fair"), [], tests)
    done = run("event", survey, "--day", "2025-10-09", *AS_OF)
    assert done.exit_code == 0, done.output
    assert "2025-10-09 13:50: p10 " in done.stdout
    hours = run("event", survey, "--day", "2025-10-09", "--baseline", "2025-10-08", *AS_OF)
    assert "14:00: median 118 Mbps" in hours.stdout
    *rows, sentence = hours.stdout.splitlines()
    assert all(row.endswith("not enough data") for row in rows)
    assert sentence.startswith("No single busy hour, 6 are equally low (14:00–20:00): median 118")
    assert "nothing to compare with" in sentence
    assert tests[-1].started_utc_us - tests[0].started_utc_us == 19_900 * S


def test_an_operator_is_found_however_he_is_written_and_missed_by_name(survey: Path) -> None:
    found = run("coverage", survey, "--operator", " kcell", *AS_OF)
    assert found.stdout == run("coverage", survey, "--operator", "Kcell", *AS_OF).stdout
    wrong = run("coverage", survey, "--operator", "Kcel", *AS_OF)
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "No operator Kcel occurs" in wrong.stderr
    assert "Kcell, Tele2" in wrong.stderr
    sides = ("--a", "operator=KCELL", "--b", "technology=6G")
    wrong = run("pairs", survey, *sides, *AS_OF)
    assert wrong.exit_code == 1
    assert "No radio technology 6G occurs" in wrong.stderr


def test_what_was_measured_elsewhere_is_not_said_to_be_no_evidence(survey: Path) -> None:
    told = run("settlements", survey, *AS_OF)
    assert (told.exit_code, told.stdout) == (0, "")
    assert "Nothing was measured in places of this kind: the " in told.stderr
    assert "--replayed" not in told.stderr
    none = run("settlements", survey, "--as-of", "2001-01-01")
    assert "no evidence in what was asked for" in none.stderr


def test_what_is_wrong_is_said(tmp_path: Path, survey: Path) -> None:
    missing = run("coverage", tmp_path / "none.fsurvey")
    assert missing.exit_code == 1
    assert "none.fsurvey" in missing.stderr
    partly = run("coverage", tmp_path / "none.fsurvey", survey, *AS_OF)
    assert partly.exit_code == 0
    assert "none.fsurvey" in partly.stderr
    assert run("coverage", survey, "--target", "x").exit_code == 1
    assert run("coverage", survey, "--as-of", "yesterday").exit_code == 2
    for option in (("--by", "campaign"), ("--mixed",)):  # which would change nothing
        refused = run("targets", survey, *option)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert f"No such option '{option[0]}'" in refused.stderr
        assert run("gaps", survey, *option, *AS_OF).exit_code == 0
    assert run("coverage").exit_code == 2
    apart_and_not = run("coverage", survey, "--by", "operator", "--mixed", *AS_OF)
    assert (apart_and_not.exit_code, apart_and_not.stdout) == (2, "")
    same = run("pairs", survey, "--a", "operator=Kcell", "--b", " operator=Kcell", *AS_OF)
    assert (same.exit_code, same.stdout) == (2, "")
    assert "the same as --a" in same.stderr


def test_cells_have_the_names_of_h3_and_one_verdict_each(survey: Path) -> None:
    found = document("cells", survey, "--resolution", "5", "--operator", "Kcell")
    assert sum(row["tests"] for row in found["rows"]) == 17
    cells = [row["cell"] for row in found["rows"]]
    assert all(is_valid_cell(cell) and get_resolution(cell) == 5 for cell in cells)
    coarse = run("cells", survey, "--resolution", "4", "--operator", "Kcell", *AS_OF)
    assert coarse.stdout.startswith("Cell at ")
    assert run("cells", survey, "--resolution", "10").exit_code == 2
