"""The import command, in words and as JSON."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from tests.support.foreign_logs import (
    GNETTRACK_LOG,
    GNETTRACK_TESTS,
    gnettrack_second,
    gnettrack_test,
    write_log,
)


def run(*arguments: object, language: str = "en") -> Result:
    shell = Shell(lambda _request: 0, lambda: False, lambda: None, language)
    return CliRunner().invoke(cli, ["import", *map(str, arguments)], obj=shell)


def test_two_files_into_one_survey(tmp_path: Path) -> None:
    rows = [*(gnettrack_second(second) for second in range(5)), ["torn"]]
    log = write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows)
    tests = write_log(tmp_path / "t.txt", GNETTRACK_TESTS, [gnettrack_test(0, 1, 1)])
    survey = tmp_path / "s.fsurvey"
    result = run(log, tests, "--survey", survey, "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)
    assert (first["samples"], first["odd"], second["tests"]) == (5, 1, 1)
    for words in ("6 rows read; 5 seconds", "1 rows were not understood", "taken for UTC",
                  "mean-against-target/2"):  # fmt: skip
        assert words in result.stderr
    again = run(log, "--survey", survey)
    assert again.exit_code == 1
    assert "nothing counts twice" in again.output


def test_wrong_usage_and_other_languages(tmp_path: Path) -> None:
    assert run().exit_code == 2
    log = write_log(tmp_path / "log.txt", GNETTRACK_LOG, [gnettrack_second(1)])
    survey = tmp_path / "s.fsurvey"
    result = run(log, "--survey", survey, "--target", "nobody", language="ru")
    assert result.exit_code == 1
    assert "Цели «nobody» нет" in result.output
    assert not survey.exists()
    result = run(log, "--survey", survey, "--zone", "Asia/Almaty", language="kk")
    assert result.exit_code == 0
    assert "1 секунд" in result.output
