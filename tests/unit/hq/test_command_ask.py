"""``fieldsurvey hq ask``: what an operator types, and what comes back."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.analysis.evidence import Question
from fieldsurvey.analysis.questions import Scope
from fieldsurvey.cli.main import COMMANDS, cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.hq.home import Home, Settings, init_home
from fieldsurvey.model.errors import KnownError
from tests.support.engine_archive import MIDNIGHT_UTC_US, SmallArchive, seen, small_archive
from tests.support.engine_reference import DAY_US, expected


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ask") / "hq"


@pytest.fixture(scope="module")
def archive(hq: Path) -> SmallArchive:
    home = init_home(hq, Settings("hq.test", durable_without_mirror=True))
    made = small_archive(home.archive)
    # A file that is there and not in the manifest does not count.
    small_archive(home.archive, seed=8)
    ledger = home.ledger()
    ledger.swap_archive(made.files, [], [])
    ledger.close()
    return made


def ask(folder: Path, *words: object) -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language="en")
    before = dict(COMMANDS)
    COMMANDS["hq"] = "fieldsurvey.hq.command"  # as the composition root does
    try:
        return CliRunner().invoke(cli, ["hq", "ask", str(folder), *map(str, words)], obj=shell)
    finally:
        COMMANDS.clear()
        COMMANDS.update(before)


def test_json_of_a_day_and_an_operator(hq: Path, archive: SmallArchive) -> None:
    words = ("--resolution", 5, "--from", "2026-01-01", "--to", "2026-01-01", "--operator", "Tele2")
    done = ask(hq, "speed", *words, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["question"], document["engine"]) == ("speed", "duckdb")
    scope = Scope(5, MIDNIGHT_UTC_US, MIDNIGHT_UTC_US + DAY_US, "Tele2")
    right = expected(Question.SPEED, scope, seen(archive.rows))
    assert [tuple(row.values())[1:] for row in document["rows"]] == [row[1:] for row in right]
    cells = [row["cell"] for row in document["rows"]]
    assert cells == [None if row[0] is None else f"{row[0]:x}" for row in right]
    assert all(cell is None or (len(cell) == 15 and cell.startswith("85")) for cell in cells)


def test_a_table_for_people(hq: Path, archive: SmallArchive) -> None:
    lines = ask(hq, "days", "--operator", "Tele2").stdout.splitlines()
    assert lines[0].split() == [
        "day", "operator", "technology", "seconds", "seconds_with_service", "tests",
        "failed_tests", "p10_bps", "median_bps",
    ]  # fmt: skip
    right = expected(Question.DAYS, Scope(operator="Tele2"), seen(archive.rows))
    assert len(lines) == 1 + len(right)
    assert lines[1].startswith("2025-12-31  Tele2")
    assert lines[-1].startswith("–")  # no day can be told
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["coverage", "--resolution", "6"],
        ["prices"],
        ["coverage", "--from", "yesterday"],
        ["coverage", "--engine", "postgresql"],
        ["coverage", "--dsn", "postgresql://hq@/hq"],
        ["coverage", "--master", "spark://127.0.0.1:7077"],
    ],
)
def test_bad_usage(words: list[str], tmp_path: Path) -> None:
    assert ask(tmp_path, *words).exit_code == 2


def test_a_folder_that_is_no_hq(tmp_path: Path) -> None:
    done = ask(tmp_path, "extent")
    assert done.exit_code == 1
    assert "hq init" in done.stderr
    with pytest.raises(KnownError):
        Home.open(tmp_path)
