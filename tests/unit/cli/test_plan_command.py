"""``fieldsurvey plan`` as it is typed: what it plans, writes and says, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import gpxpy
import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.drive.plan_file import load_plan
from fieldsurvey.model.drive import PlannedLink, PlannedSettlement, PlannedStretch
from fieldsurvey.model.verdict import Verdict
from tests.support.plan_road import REF, road_places, write_survey

ABOVE, BELOW = Verdict.ABOVE, Verdict.BELOW


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 km of highway: the first ten are decided for A and open for B, the next ten open."""
    path = tmp_path_factory.mktemp("plan")
    road_places(path)
    a = [(100 + 900 * n, ABOVE) for n in range(10)]
    write_survey(path / "a.fsurvey", [*a, (12_000, BELOW)], operator="A", driven_m=13_000)
    write_survey(path / "b.fsurvey", [(500, ABOVE)], operator="B", days_ago=3)
    write_survey(path / "old.fsurvey", [(22_000, ABOVE)], operator="A", days_ago=500)
    return path


def run(*words: object, language: str = "en") -> Result:
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language=language)
    return CliRunner().invoke(cli, ["plan", *map(str, words)], obj=shell)


def make(folder: Path, out: Path, *words: object, surveys: str = "a") -> Any:
    done = run("make", *paths(folder, surveys), *words, *options(folder, out), "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def paths(folder: Path, surveys: str) -> list[Path]:
    return [folder / f"{name}.fsurvey" for name in surveys.split()]


def options(folder: Path, out: Path) -> list[object]:
    return ["--places", folder / "road.places", "-o", out / "next.toml"]


def stretches(document: Any) -> list[tuple[int, str]]:
    return [(leg["from_m"] // 1000, leg["reason"]) for leg in document["route"]]


def test_what_is_open_is_planned_and_the_plan_can_be_driven(folder: Path, tmp_path: Path) -> None:
    document = make(folder, tmp_path, "--gpx", tmp_path / "next.gpx", surveys="a old")
    assert stretches(document) == [(10, "undecided"), (20, "stale")]
    assert document["evidence"] is True
    assert document["pace_measured"] is True
    plan = load_plan(tmp_path / "next.toml")
    first, last = plan.stretches
    assert (plan.name, first.highway_ref, first.to_m) == ("next", REF, 20_000)
    assert last == PlannedStretch(REF, 20_000, pytest.approx(24_000, abs=20), 6)
    gpx = gpxpy.parse((tmp_path / "next.gpx").read_text("utf-8"))
    assert [str(point.name).split(":")[0] for point in gpx.waypoints] == [
        f"{REF} km 10–20",
        f"{REF} km 20–24",
    ]


def test_each_operator_needs_a_verdict_of_its_own(folder: Path, tmp_path: Path) -> None:
    both = make(folder, tmp_path, surveys="a b")
    assert stretches(both) == [(0, "undecided"), (10, "not_driven"), (20, "not_driven")]
    alone = make(folder, tmp_path, "--operator", "A", surveys="a b")
    assert stretches(alone)[0] == (10, "undecided")
    assert load_plan(tmp_path / "next.toml").operator == "A"


def test_no_plan_takes_the_place_of_a_survey(folder: Path, tmp_path: Path) -> None:
    survey = tmp_path / "b.fsurvey"
    survey.write_bytes((folder / "b.fsurvey").read_bytes())
    for options_of in (["-o", survey], ["-o", tmp_path / "a.toml", "--gpx", survey]):
        done = run("make", *paths(folder, "a"), "--places", folder / "road.places", *options_of)
        assert done.exit_code == 1, done.stderr
        assert "b.fsurvey is a survey" in done.stderr
    assert survey.read_bytes() == (folder / "b.fsurvey").read_bytes()
    assert not (tmp_path / "a.toml").exists()


def test_an_operator_nobody_tested_yet_is_planned_everywhere_and_said_to_be_unknown(
    folder: Path, tmp_path: Path
) -> None:
    done = run("make", *paths(folder, "a b"), "--operator", "C", *options(folder, tmp_path))
    assert done.exit_code == 0, done.stderr
    assert "No test of operator C" in done.stderr
    assert "Operators there: A, B." in done.stderr
    assert [one.from_m for one in load_plan(tmp_path / "next.toml").stretches] == [
        0,
        10_000,
        20_000,
    ]
    done = run("make", *paths(folder, "a b"), "--operator", "a", *options(folder, tmp_path))
    assert "No test of operator" not in done.stderr


def test_so_it_does_in_settlements(folder: Path, tmp_path: Path) -> None:
    villager = [(6_500 + 200 * n, ABOVE) for n in range(8)]
    write_survey(tmp_path / "village.fsurvey", villager, operator="A", settlement_id="s1")
    both = folder / "b.fsurvey", tmp_path / "village.fsurvey"

    def villages(*words: object) -> list[Any]:
        done = run("make", *words, "--settlements", *options(folder, tmp_path), "--json")
        assert done.exit_code == 0, done.stderr
        return [leg for leg in json.loads(done.stdout)["route"] if "settlement_id" in leg]

    (leg,) = villages(*both)
    assert (leg["settlement_name"], leg["reason"]) == ("Шелек", "not_driven")
    assert leg["operators"] == [{"operator": "B", "tests_needed": leg["tests_needed"]}]
    assert load_plan(tmp_path / "next.toml").settlements[0].tests_needed == leg["tests_needed"]
    assert villages(tmp_path / "village.fsurvey") == [], "B is nobody who is asked about"
    assert villages(*both, "--operator", "A") == []


def test_start_length_and_settlements(folder: Path, tmp_path: Path) -> None:
    document = make(
        folder, tmp_path, "--from", "43.3,77", "--max-km", 15, "--settlements", surveys="a b"
    )
    assert document["left_out"] == 3
    assert document["driven_km"] + document["straight_lines_km"] <= 15
    assert stretches(document) == [(20, "not_driven")]
    assert document["route"][0]["turned"] is True
    near = make(folder, tmp_path, "--from", "43.063,77", "--settlements")
    assert near["route"][0]["settlement_name"] == "Шелек"
    assert load_plan(tmp_path / "next.toml").settlements == (PlannedSettlement("s1", 6),)


def test_other_entries_are_those_of_the_base(folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text(
        'server_url = "https://m.example"\n[[links]]\nname = "a"\ninterface = "wwan0"\n', "utf-8"
    )
    make(folder, tmp_path, "--base", base)
    plan = load_plan(tmp_path / "next.toml")
    assert (plan.server_url, plan.links) == ("https://m.example", (PlannedLink("a", "wwan0"),))
    assert plan.stretches


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Places: 2", "1. KZ38-01 km 10–20", "straight lines"]),
        ("kk", ["Орындар: 2", "1. KZ38-01 10–20 км", "түзу сызық"]),
        ("ru", ["Мест: 2", "1. KZ38-01 км 10–20", "прямые"]),
    ],
)
def test_it_is_told_in_words_and_so_is_the_file(
    folder: Path, tmp_path: Path, language: str, words: list[str]
) -> None:
    done = run("make", folder / "a.fsurvey", *options(folder, tmp_path), language=language)
    text = (tmp_path / "next.toml").read_text("utf-8")
    for word in words:
        assert word in done.stdout
        assert word in text


def test_a_highway_may_be_typed_in_small_letters(folder: Path, tmp_path: Path) -> None:
    written = []
    for ref in (REF, REF.lower()):
        options_ = options(folder, tmp_path)
        done = run("make", folder / "a.fsurvey", "--highway", ref, *options_)
        assert done.exit_code == 0, done.stderr
        written.append((tmp_path / "next.toml").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--highway", "M36"], 1, "no highway M36"),
        (["--max-km", "0.001", "--from", "50,60"], 1, "within 0.001 km"),
        (["--from", "77"], 2, "two numbers"),
        (["--from", "177,43"], 2, "latitude"),
        (["--gpx", "/nowhere/a.gpx"], 1, "/nowhere"),
    ],
)
def test_what_cannot_be_planned_writes_no_plan(
    folder: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = run("make", folder / "a.fsurvey", *words, *options(folder, tmp_path))
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_progress_by_crew_and_day(folder: Path) -> None:
    surveys = paths(folder, "a b")
    crews = json.loads(run("progress", *surveys, "--json").stdout)["crews"]
    by_crew = {row["crew"]: row for row in crews}
    assert by_crew["a.fsurvey"]["km_driven"] == 13
    assert by_crew["a.fsurvey"]["tests"] == 11
    assert by_crew["a.fsurvey"]["decided_stretches"] == 1
    assert by_crew["b.fsurvey"]["tests"] == 1
    assert by_crew["b.fsurvey"]["day"] < by_crew["a.fsurvey"]["day"]
    told = run("progress", *surveys, "--operator", "A").stdout
    assert "a.fsurvey: 13 km, tests: 11, stretches decided: 1" in told
