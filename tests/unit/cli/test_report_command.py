"""``fieldsurvey report`` on survey files, as somebody types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.model.messages import catalogue
from tests.support.opening_bulk import write_long_survey
from tests.support.pdf_reading import needs_poppler, text_of

NOW = ("--now", "2025-11-01")  # the survey is of October


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_survey(tmp_path_factory.mktemp("survey") / "long.fsurvey", 2_000)


@pytest.fixture(autouse=True)
def no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def report(*arguments: object, language: str = "en") -> Result:
    shell = Shell(lambda request: 1, lambda: False, lambda: None, language)
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(cli, ["report", *words], obj=shell)


@needs_poppler
def test_a_highway(survey: Path, tmp_path: Path) -> None:
    output = tmp_path / "road.pdf"
    done = report(survey, "-o", output, "--highway", "KAZ02:310-320", "--language", "kk", *NOW)
    assert (done.exit_code, done.stdout) == (0, "")
    # As many as its stretches count: the car of this survey stands still on its highway.
    assert "11 of 40 tests count" in done.stderr
    text = text_of(output)
    assert catalogue()["report.kind"]["kk"].upper() in text
    assert "KAZ02, 310–320 км" in text
    assert "long.fsurvey" in text
    assert str(survey.parent) not in text


def test_a_highway_is_found_in_whatever_case(survey: Path, tmp_path: Path) -> None:
    for name in ("KAZ02", "kaz02"):
        done = report(survey, "-o", tmp_path / name, "--highway", name, *NOW)
        assert done.exit_code == 0
    assert (tmp_path / "KAZ02").read_bytes() == (tmp_path / "kaz02").read_bytes()


@needs_poppler
def test_now_is_a_day_of_kazakhstan(survey: Path, tmp_path: Path) -> None:
    output = tmp_path / "road.pdf"
    assert report(survey, "-o", output, *NOW).exit_code == 0
    assert "2025-11-01 23:59 UTC+5" in text_of(output)


@needs_poppler
def test_what_is_old_is_said_to_be(survey: Path, tmp_path: Path) -> None:
    output = tmp_path / "road.pdf"
    assert report(survey, "-o", output, "--now", "2027-01-01").exit_code == 0
    assert "more than a year old" in text_of(output)


def test_what_is_later_than_the_day_asked_for_is_left_out_and_said(
    survey: Path, tmp_path: Path
) -> None:
    done = report(survey, "-o", tmp_path / "early.pdf", "--now", "2025-09-30")
    assert done.exit_code == 0
    assert "Dated after 2025-09-30 23:59 and left out: tests 40, seconds 2000" in done.stderr
    assert "Dated after" not in report(survey, "-o", tmp_path / "road.pdf", *NOW).stderr


def test_without_a_subject_it_is_about_everything(survey: Path, tmp_path: Path) -> None:
    output = tmp_path / "all.pdf"
    assert report(survey, "-o", output, *NOW).exit_code == 0
    assert report(survey, "-o", tmp_path / "again.pdf", *NOW).exit_code == 0
    assert output.read_bytes() == (tmp_path / "again.pdf").read_bytes()
    assert output.read_bytes().startswith(b"%PDF-")


def test_nothing_there_is_said(survey: Path, tmp_path: Path) -> None:
    done = report(survey, "-o", tmp_path / "x.pdf", "--replayed", *NOW)
    assert "nothing was measured" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "id_"),
    [
        (("--highway", "KAZ01", "--programme"), "report.one_subject"),
        (("--highway", "KAZ01:x"), "report.bad_highway"),
        (("--highway", "kaz77"), "report.no_highway"),
        (("--region", "1,2,3,4,5"), "report.needs_places"),
        (("--region", "9,9,1,1"), "report.bad_region"),
        (("--target", "none"), "analysis.no_target"),
        (("--operator", "Nobody"), "analysis.no_such_operator"),
        (("--access", "carrier-pigeon"), "analysis.no_such_access_type"),
        (("--places", "nowhere.places"), "places.missing"),
    ],
)
def test_mistakes_are_known_errors_in_the_users_language(
    survey: Path, tmp_path: Path, arguments: tuple[str, ...], id_: str
) -> None:
    output = tmp_path / "x.pdf"
    done = report(survey, "-o", output, *arguments, language="ru")
    assert done.exit_code == 1
    assert catalogue()[id_]["ru"].split("{")[0][:20] in done.stderr
    assert not output.exists()


def test_another_survey_is_never_replaced(survey: Path, tmp_path: Path) -> None:
    other = tmp_path / "day2.fsurvey"
    other.write_bytes(survey.read_bytes())
    done = report(survey, "-o", other, *NOW)
    assert done.exit_code == 1
    assert other.read_bytes() == survey.read_bytes()
    assert "day2.fsurvey is a survey" in done.stderr


def test_of_several_files_the_good_ones_are_reported(survey: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.fsurvey"
    bad.write_text("not a survey")
    output = tmp_path / "x.pdf"
    done = report(survey, bad, "-o", output, *NOW)
    assert done.exit_code == 0
    assert "bad.fsurvey" in done.stderr
    assert report(bad, "-o", output).exit_code == 1
