"""From a stretch without a verdict to the plan, the drive that follows it, and the verdict."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.model.verdict import Verdict
from tests.support.headless import measurement_server, start_drive
from tests.support.plan_road import REF, road_places, write_survey
from tests.support.route import write_route

SPEED = 15  # at 40 a busy machine was too late for the third test

# The usual triggers are far away: what is tested is what the plan lacks.
BASE = """
calibrate_every = 0
max_test_s = 1.0
minimum_gap_s = 1.0
trigger_distance_m = 1_000_000.0
trigger_period_s = 1_000_000.0
trigger_kilometre_post = false
trigger_settlement = false
"""


def run(*words: object) -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language="en")
    return CliRunner().invoke(cli, list(map(str, words)), obj=shell)


def run_json(*words: object) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_from_a_gap_to_a_verdict(tmp_path: Path) -> None:
    road_places(tmp_path, km=5.0)
    places = ("--places", tmp_path / "road.places")
    first, second = tmp_path / "first.fsurvey", tmp_path / "second.fsurvey"
    write_survey(first, [(200 + 700 * n, Verdict.ABOVE) for n in range(6)], replayed=True)
    base, plan, gpx = (tmp_path / name for name in ("base.toml", "next.toml", "next.gpx"))
    base.write_text(BASE, "utf-8")

    options = ("--replayed", "--base", base, "-o", plan, "--gpx", gpx)
    made = run_json("plan", "make", first, *places, *options)
    (leg,) = made["route"]
    assert (leg["highway_ref"], leg["reason"], leg["tests_needed"]) == (REF, "undecided", 3)
    assert made["evidence"] is False
    (crew,) = run_json("plan", "progress", first, *places, "--replayed")["crews"]
    assert (crew["tests"], crew["decided_stretches"]) == (6, 0)

    route = write_route(tmp_path / "route.nmea", 200, speed_mps=20.0)
    with measurement_server() as server:
        drive = start_drive(
            *(second, f"replay:{route}?speed={SPEED}", server),
            *("--plan", str(plan), *map(str, places), "--json"),
        )
        summary, talk = drive.communicate(timeout=120)
    assert drive.returncode == 0, talk
    assert f"{REF} km 0–5: 3 of 3 tests" in talk, talk
    assert [one["tests_made"] for one in json.loads(summary)["planned"]] == [3]

    judged = run_json("analyse", "coverage", first, second, *places, "--replayed")
    assert [(row["verdict"], row["tests"]) for row in judged["rows"]] == [("above", 9)]
    again = run("plan", "make", first, second, *places, "--replayed", "-o", plan)
    assert again.exit_code == 1
    assert "Every stretch asked about has a verdict" in again.stderr
    crews = run_json("plan", "progress", first, second, *places, "--replayed")["crews"]
    assert [crew["decided_stretches"] for crew in crews] == [1, 1]
    real = run_json("plan", "make", first, second, *places, "-o", plan)
    assert real["route"][0]["reason"] == "not_driven", "replays are no evidence"
