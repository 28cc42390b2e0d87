"""From a stretch without a verdict to the plan, the drive that follows it, and the verdict."""

from pathlib import Path

from fieldsurvey.model.verdict import Verdict
from tests.support.headless import measurement_server, run_cli, run_json, start_drive
from tests.support.plan_road import REF, road_places, write_survey
from tests.support.route import write_route

BASE = """
calibrate_every = 0
max_test_s = 1.0
minimum_gap_s = 1.0
trigger_distance_m = 1_000_000.0
trigger_period_s = 1_000_000.0
trigger_kilometre_post = false
trigger_settlement = false
"""


def test_from_a_gap_to_a_verdict(tmp_path: Path) -> None:
    road_places(tmp_path, km=5.0)
    places = ("--places", str(tmp_path / "road.places"))
    first = tmp_path / "first.fsurvey"
    write_survey(first, [(200 + 700 * n, Verdict.ABOVE) for n in range(6)], replayed=True)
    (tmp_path / "base.toml").write_text(BASE, "utf-8")
    plan, base = tmp_path / "next.toml", tmp_path / "base.toml"

    made = run_json(
        *("plan", "make", str(first), *places, "--replayed", "--json"),
        *("--base", str(base), "-o", str(plan), "--gpx", str(tmp_path / "next.gpx")),
    )
    assert made["evidence"] is False
    (leg,) = made["route"]  # type: ignore[misc] # a list of one
    assert (leg["highway_ref"], leg["why"], leg["tests_needed"]) == (REF, "not_enough", 3)
    assert run_json("plan", "progress", str(first), "--replayed", "--json")["crews"][0][  # type: ignore[index]
        "decided"
    ] == 0

    second = tmp_path / "second.fsurvey"
    route = write_route(tmp_path / "route.nmea", 250, speed_mps=20.0)
    with measurement_server() as server:
        drive = start_drive(
            *(second, f"replay:{route}?speed=30", server),
            *("--plan", str(plan), *places, "--json"),
        )
        out, talk = drive.communicate(timeout=60)
    assert drive.returncode == 0, talk
    assert f"{REF} km 0–10: 3 of 3 tests" in talk, talk
    assert '"tests_made": 3' in out, "three were lacking, and the usual triggers are far away"

    both = (str(first), str(second))
    again = run_cli("plan", "make", *both, *places, "--replayed", "-o", str(plan))
    assert (again.returncode, "has a verdict" in again.stderr) == (1, True), again.stderr
    progress = run_json("plan", "progress", *both, "--replayed", "--json")
    assert [row["decided"] for row in progress["crews"]] == [0, 1]  # type: ignore[attr-defined]
    assert progress["evidence"] is False
    real = run_json("plan", "make", *both, *places, "-o", str(plan), "--json")
    assert real["route"][0]["why"] == "not_driven", "replays are no evidence"  # type: ignore[index]
