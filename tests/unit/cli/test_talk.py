"""Results in one line: what the network did is not mixed up with what we did."""

from dataclasses import replace

import pytest

from fieldsurvey.cli.shell import Shell
from fieldsurvey.cli.talk import Talk, result_line
from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.model.drive import DriveState, PlannedSettlement, PlannedStretch
from fieldsurvey.model.place import Place
from fieldsurvey.model.planned import PlannedProgress
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


def test_the_plan_is_told_where_the_car_came_and_when_it_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    talk = Talk(Shell(lambda _: 0, lambda: False, lambda: None, "en"))
    far, near = (PlannedStretch("KZ38-01", km * 1000, km * 1000 + 10_000, 7) for km in (0, 40))

    def told(made: int, *, here: bool) -> list[str]:
        planned = (PlannedProgress(far, 0), PlannedProgress(near, made))
        snapshot = DriveSnapshot(DriveState.DRIVING, 0, 0, None)
        now = replace(snapshot, planned=planned, planned_here=planned[1:] if here else ())
        talk.follow(now, [])
        return capsys.readouterr().err.splitlines()

    assert told(0, here=False) == []
    assert told(0, here=True) == ["KZ38-01 km 40–50: 0 of 7 tests"]
    assert told(0, here=True) == []
    assert told(1, here=False) == ["KZ38-01 km 40–50: 1 of 7 tests"], "committed after it was left"


def test_a_village_keeps_its_name_when_it_was_left(capsys: pytest.CaptureFixture[str]) -> None:
    talk = Talk(Shell(lambda _: 0, lambda: False, lambda: None, "en"))
    village = PlannedSettlement("osm-7", 6)

    def told(made: int, place: Place | None) -> list[str]:
        planned = (PlannedProgress(village, made),)
        snapshot = DriveSnapshot(DriveState.DRIVING, 0, 0, None)
        here = () if place is None else planned
        talk.follow(replace(snapshot, planned=planned, planned_here=here, place=place), [])
        return capsys.readouterr().err.splitlines()

    inside = Place("kz", settlement_id="osm-7", settlement_name="Шелек")
    assert told(0, inside) == ["Шелек: 0 of 6 tests"]
    assert told(1, None) == ["Шелек: 1 of 6 tests"]
