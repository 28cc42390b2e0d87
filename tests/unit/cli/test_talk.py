"""Results in one line: what the network did is not mixed up with what we did."""

from dataclasses import replace

import pytest

from fieldsurvey.cli.shell import Shell
from fieldsurvey.cli.talk import Talk, result_line
from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.throughput import Cause
from tests.support.drive_values import a_failed_test


@pytest.mark.parametrize(
    ("cause", "id_"),
    [
        (Cause.TIMED_OUT, "cli.result_failed"),
        (Cause.CAPTIVE_PORTAL, "cli.result_failed"),
        (Cause.ENGINE, "cli.result_spoiled"),
        (Cause.SERVER_BUSY, "cli.result_spoiled"),
    ],
)
def test_only_the_network_makes_no_service(cause: Cause, id_: str) -> None:
    assert result_line(a_failed_test(cause)).id == id_


def test_results_of_links_together_are_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    tests = [replace(a_failed_test(test_id=link), link=link) for link in ("left", "right")]
    shell = Shell(lambda _: 0, lambda: False, lambda: None, "en")
    Talk(shell).follow(DriveSnapshot(DriveState.DRIVING, 0, 0, None), tests)
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == ["left", "right"]
