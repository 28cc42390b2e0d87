"""``fieldsurvey sync`` with a real HQ in a process of its own, and with none."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.hq.command import command as hq_command
from fieldsurvey.hq.home import Home
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.policy import Policy
from fieldsurvey.sync.profile import Profile
from tests.support.hq_server import make_home, running
from tests.support.sync_survey import add_rows, make_survey

SHELL = Shell(lambda request: 0, lambda: False, lambda: None, "en")


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "a.fsurvey"
    make_survey(path, 12).close()
    return path


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setenv("FIELDSURVEY_PROFILE", str(tmp_path / "profile"))
    return Profile(tmp_path / "profile")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("headquarters") / "hq")


def sync(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["sync", *map(str, arguments)], obj=SHELL)


def hq(*arguments: object) -> Result:
    done = CliRunner().invoke(hq_command, list(map(str, arguments)), obj=SHELL)
    assert done.exit_code == 0, done.output
    return done


def new_code(home: Home) -> str:
    return hq("enrol", home.folder).stdout.strip()


@pytest.fixture(scope="module")
def hq_url(home: Home) -> Iterator[str]:
    with running(home, "--no-merge") as server:
        yield f"http://127.0.0.1:{server.port}"


def rows_at(home: Home) -> int:
    rows: int = json.loads(hq("status", home.folder, "--json").stdout)["counts"]["rows"]
    return rows


def counts(path: Path) -> dict[str, object]:
    document = json.loads(sync("status", path, "--json").stdout)["surveys"]
    assert len(document) == 1
    found: dict[str, object] = document[0]
    return found


def test_everything_goes_to_headquarters_and_is_signed_for(
    survey: Path, home: Home, hq_url: str, profile: Profile
) -> None:
    before = rows_at(home)
    enrolled = sync("enrol", hq_url, new_code(home))
    assert enrolled.exit_code == 0, enrolled.output
    done = sync("now", survey, "--json")
    assert done.exit_code == 0, done.output
    (document,) = json.loads(done.stdout)["surveys"]
    assert document["acknowledged_rows"] == document["recorded_rows"] == 12
    assert "signed for all 12 rows" in done.stderr
    status = sync("status", survey)
    assert status.exit_code == 0
    assert re.search(r"recorded 12, sealed 12, signed for by headquarters 12", status.stdout)
    assert "{" not in status.stdout
    assert rows_at(home) == before + 12
    with SurveyFile.open(survey) as opened:
        add_rows(opened, 100, 5)
    assert sync("now", survey).exit_code == 0
    assert counts(survey)["acknowledged_rows"] == 17
    assert counts(survey)["durable_rows"] == 12
    assert profile.checkpoint_note() is not None
    assert counts(survey)["log_broken"] is False


def test_on_a_stick_to_headquarters_and_the_receipts_back(
    survey: Path, home: Home, hq_url: str, tmp_path: Path
) -> None:
    stick, receipts = tmp_path / "stick.fspb", tmp_path / "receipts.zip"
    assert sync("enrol", hq_url, new_code(home)).exit_code == 0
    bundled = sync("bundle", survey, "-o", stick)
    assert bundled.exit_code == 0, bundled.output
    assert counts(survey)["acknowledged_rows"] == 0  # written is not delivered
    hq("import", home.folder, stick, "-o", receipts)
    taken = sync("receipts", receipts, "--survey", survey)
    assert taken.exit_code == 0, taken.output
    assert counts(survey)["acknowledged_rows"] == 12
    assert sync("receipts", receipts, "--survey", survey).exit_code == 0
    nothing = sync("bundle", survey, "-o", tmp_path / "second.fspb")
    assert nothing.exit_code == 0
    assert not (tmp_path / "second.fspb").exists()
    # The network finds nothing left to do.
    assert sync("now", survey).exit_code == 0


def test_what_stays_here_and_why(survey: Path, home: Home, hq_url: str, profile: Profile) -> None:
    assert sync("enrol", hq_url, new_code(home)).exit_code == 0
    hq("revoke", home.folder, profile.enrolled()[0].device)
    done = sync("now", survey)
    assert done.exit_code == 1
    assert "12 rows wait on this laptop" in done.stderr
    assert "enrol again" in done.stderr
    assert "enrol again" in str(counts(survey)["last_error"])


def test_without_a_network_it_says_so_soon_and_keeps_everything(survey: Path, home: Home) -> None:
    with running(home, "--no-merge") as server:
        url = f"http://127.0.0.1:{server.port}"
        assert sync("enrol", url, new_code(home)).exit_code == 0
    start_s = time.monotonic()
    done = sync("now", survey)
    assert done.exit_code == 1
    assert time.monotonic() - start_s < 20
    assert "cannot be reached (server refused the connection)" in done.stderr
    with SurveyFile.open(survey) as opened:
        assert Outbox(opened).progress().recorded_rows == 12


def test_a_survey_that_is_being_recorded_is_left_to_its_drive(
    survey: Path, home: Home, hq_url: str
) -> None:
    assert sync("enrol", hq_url, new_code(home)).exit_code == 0
    with SurveyFile.open(survey):
        done = sync("now", survey)
        assert done.exit_code == 1
        assert done.stderr.count("being recorded right now") == 1
        assert len(done.stderr.splitlines()) == 1
        assert counts(survey)["recorded_rows"] == 12  # looking does not disturb it


def test_one_survey_that_cannot_be_opened_does_not_keep_the_others_here(
    survey: Path, home: Home, hq_url: str
) -> None:
    assert sync("enrol", hq_url, new_code(home)).exit_code == 0
    done = sync("now", survey.with_name("none.fsurvey"), survey, survey.with_name("no.fsurvey"))
    assert done.exit_code == 1
    assert "none.fsurvey" in done.stderr
    assert "no.fsurvey" in done.stderr
    assert counts(survey)["acknowledged_rows"] == 12


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hq.example", "not encrypted"),
        ("http://127.0.0.1.example", "not encrypted"),
        ("hq.example", "no address"),
        ("https://name.invalid", "server name not found"),
    ],
)
def test_enrolling_at_the_wrong_address(url: str, words: str, profile: Profile) -> None:
    done = sync("enrol", url, "code")
    assert done.exit_code == 1
    assert words in done.stderr
    assert not (profile.path / "hq.json").exists()


def test_a_wrong_code_is_refused_and_the_right_one_works_afterwards(
    home: Home, hq_url: str
) -> None:
    refused = sync("enrol", hq_url, "wrong")
    assert refused.exit_code == 1
    assert "did not accept the code" in refused.stderr
    code = new_code(home)
    assert sync("enrol", hq_url, code).exit_code == 0
    # The answer was lost, says the person, and types it again.
    assert sync("enrol", hq_url, code).exit_code == 0


def test_without_enrolment_there_is_advice_and_a_status(survey: Path) -> None:
    for arguments in (("now", survey), ("bundle", survey, "-o", survey.with_suffix(".fspb"))):
        done = sync(*arguments)
        assert done.exit_code == 1
        assert "fieldsurvey sync enrol" in done.stderr
    status = sync("status", survey)
    assert status.exit_code == 0
    assert "recorded 12, sealed 0" in status.stdout
    assert "not enrolled" in status.stdout


def test_a_file_of_no_receipts(survey: Path, home: Home, hq_url: str, tmp_path: Path) -> None:
    assert sync("enrol", hq_url, new_code(home)).exit_code == 0
    (tmp_path / "no.zip").write_bytes(b"no receipts")
    done = sync("receipts", tmp_path / "no.zip", "--survey", survey)
    assert done.exit_code == 1
    assert "holds no receipts" in done.stderr


def test_the_policy_is_shown_changed_and_kept(profile: Profile, home: Home, hq_url: str) -> None:
    assert sync("policy", "off").exit_code == 1, "there is no HQ yet"
    sync("enrol", hq_url, new_code(home))
    assert "over any link, at most 67 MB" in sync("policy").stdout
    assert "nothing, at most 5 MB" in sync("policy", "unmetered", "--budget-mb", "5").stdout
    enrolment, _ = profile.enrolled()
    assert (enrolment.policy, enrolment.budget_bytes_per_day) == (Policy.UNMETERED, 5_000_000)
    assert "never, without a bound" in sync("policy", "off", "--budget-mb", "0").stdout
    sync("enrol", hq_url, new_code(home))
    assert profile.enrolled()[0].policy is Policy.OFF, "a new token is no new policy"


def test_without_a_name_all_surveys_of_this_laptop_are_meant(
    tmp_path: Path, home: Home, hq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldsurvey.cli.shell.data_dir", lambda: tmp_path / "data")
    sync("enrol", hq_url, new_code(home))
    nothing = sync("now")
    assert (nothing.exit_code, "surveys" in nothing.stderr) == (1, True)
    (tmp_path / "data" / "surveys").mkdir(parents=True)
    for name in ("april", "may"):
        make_survey(tmp_path / "data" / "surveys" / f"{name}.fsurvey", 5).close()
    waiting = json.loads(sync("status", "--json").stdout)["surveys"]
    assert [Path(one["path"]).stem for one in waiting] == ["april", "may"]
    sent = json.loads(sync("now", "--json").stdout)["surveys"]
    assert [one["acknowledged_rows"] for one in sent] == [5, 5]
