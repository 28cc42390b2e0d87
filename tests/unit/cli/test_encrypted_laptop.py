"""A laptop whose headquarters wants its files encrypted, from enrolment to the key given back."""

import json
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell, default_profile_path
from fieldsurvey.hq.command import command as hq_command
from fieldsurvey.hq.home import Home
from fieldsurvey.store import file_key
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.file_keys import LaptopKeys
from fieldsurvey.sync.profile import Profile
from tests.support.file_keys import MemoryKeyring
from tests.support.hq_server import make_home, running
from tests.support.route import write_route

SHELL = Shell(lambda request: 0, lambda: False, lambda: None, "en")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("hq") / "hq", encrypt_laptops=True)


@pytest.fixture(scope="module")
def hq_url(home: Home) -> Iterator[str]:
    with running(home, "--no-merge") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """Folders and a keyring of the laptop's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("FIELDSURVEY_PROFILE", "FIELDSURVEY_PASSPHRASE", "FIELDSURVEY_FILE_KEY"):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(one := MemoryKeyring())
    yield one
    keyring.set_keyring(before)


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, words)), obj=SHELL)


def done(*words: object) -> str:
    """Run a command that must succeed; return its stdout."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def hq(*words: object) -> Result:
    result = CliRunner().invoke(hq_command, list(map(str, words)), obj=SHELL)
    assert result.exit_code == 0, result.output
    return result


def enrol(home: Home, hq_url: str) -> str:
    """Enrol, and return the device's id."""
    code = hq("enrol", home.folder).stdout.strip()
    result = run("sync", "enrol", hq_url, code)
    assert result.exit_code == 0, result.output
    assert "new ones on this laptop are" in result.stderr
    return Profile(default_profile_path()).enrolled()[0].device


def test_from_enrolment_to_the_key_given_back(
    home: Home, hq_url: str, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = enrol(home, hq_url)
    path, csv, plain = (tmp_path / name for name in ("a.fsurvey", "a.csv", "plain.fsurvey"))
    position = f"replay:{write_route(tmp_path / 'route.nmea', seconds=60)}?speed=30"
    drive = ("drive", "--headless", "--survey", path, "--position", position)
    summary = json.loads(done(*drive, "--server", server_url, "--json"))
    assert summary["samples"] > 10  # a busy machine is late
    assert path.read_bytes().startswith(file_key.MARK)
    # All other commands read it as any survey; what was not sent on the way goes now.
    done("sync", "now", path)
    assert json.loads(done("survey", "info", path, "--json")) == summary
    done("survey", "check", path)
    done("export", path, "--format", "csv", "-o", csv)
    assert len(csv.read_text(encoding="utf-8").splitlines()) == summary["samples"] + 1

    # Another computer: no profile, so no key.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    locked = run("survey", "info", path)
    assert locked.exit_code == 1
    assert "hq recover" in locked.stderr
    recovered = hq("recover", home.folder, device)
    (key,) = recovered.stdout.split()
    assert key not in recovered.stderr
    monkeypatch.setenv("FIELDSURVEY_FILE_KEY", key)
    done("survey", "decrypt", path, "-o", plain)
    monkeypatch.delenv("FIELDSURVEY_FILE_KEY")
    copied = json.loads(done("survey", "info", plain, "--json"))
    assert copied == summary | {"survey": str(plain)}


def test_a_laptop_without_its_keyring_does_not_record_in_clear(
    home: Home, hq_url: str, ring: MemoryKeyring, tmp_path: Path
) -> None:
    enrol(home, hq_url)
    ring.kept.clear()
    path = tmp_path / "a.fsurvey"
    position = f"replay:{write_route(tmp_path / 'route.nmea', seconds=5)}"
    result = run(
        *("drive", "--headless", "--survey", path, "--position", position),
        *("--server", "http://127.0.0.1:1"),
    )
    assert result.exit_code == 1
    assert "FIELDSURVEY_FILE_KEY" in result.stderr
    assert list(tmp_path.rglob("*.fsurvey")) == []


def test_another_profile_has_other_keys(home: Home, hq_url: str, tmp_path: Path) -> None:
    enrol(home, hq_url)
    other = tmp_path / "other"
    code = hq("enrol", home.folder).stdout.strip()
    done("sync", "enrol", hq_url, code, "--profile", other)
    with file_key.asking(LaptopKeys(Profile(other))):
        SurveyFile.create(tmp_path / "a.fsurvey").close()
    assert run("sync", "status", tmp_path / "a.fsurvey").exit_code == 1
    done("sync", "status", tmp_path / "a.fsurvey", "--profile", other)
