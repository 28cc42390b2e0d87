"""Commands that are told to end by a signal leave no half of anything."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.export import importing
from fieldsurvey.export.replacing import Replacement
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.export_reading import leftovers
from tests.support.export_surveys import drive, fresh

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there it ends a process at once")


@pytest.fixture(autouse=True)
def deaf() -> Iterator[None]:
    """Where nobody listens, the signal would end the tests."""
    previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGTERM, previous) is signal.SIG_IGN


def told_to_end(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def run(*arguments: object) -> Result:
    shell = Shell(lambda _request: 0, lambda: False, lambda: None, "en")
    return CliRunner().invoke(cli, list(map(str, arguments)), obj=shell)


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "a.fsurvey"
    with SurveyFile.create(path) as made:
        made.begin_drive(drive(replayed=False))
        made.append(drive().drive_id, samples=[fresh(second) for second in range(5)])
    return path


def test_an_export(survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"old")
    monkeypatch.setattr(Replacement, "commit", told_to_end)
    assert run("export", survey, "--format", "csv", "-o", folder / "a.csv").exit_code == 1
    assert leftovers(folder) == ["a.csv"]
    assert (folder / "a.csv").read_bytes() == b"old"


def test_an_import(survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert run("export", survey, "--format", "csv", "-o", tmp_path / "a.csv").exit_code == 0
    monkeypatch.setattr(importing, "_keep_odd_rows", told_to_end)
    assert run("import", tmp_path / "a.csv", "--survey", folder / "b.fsurvey").exit_code == 1
    assert leftovers(folder) == []
