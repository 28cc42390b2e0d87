"""Survey plans that people write by hand, with their mistakes."""

from pathlib import Path

import pytest

from fieldsurvey.drive.plan_file import load_plan, plan_text
from fieldsurvey.model.drive import (
    AtBudget,
    PlannedLink,
    PlannedSettlement,
    PlannedStretch,
    SurveyPlan,
)
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.verdict import RateLayer


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def stretch(**changes: object) -> str:
    """One stretch as a table, good but for ``changes``."""
    values = {"highway_ref": '"KZ38-01"', "from_m": 40_000, "to_m": 50_000, "tests_needed": 7}
    lines = (f"{name} = {value}" for name, value in (values | changes).items())
    return "\n[[stretches]]\n" + "\n".join(lines)


def test_what_is_given_is_taken_the_rest_is_default(tmp_path: Path) -> None:
    plan = load_plan(
        write(tmp_path, 'name = "Шу"\naccess_type = "satellite"\ntrigger_distance_m = 500\n')
    )
    assert plan == SurveyPlan(name="Шу", access_type=AccessType.SATELLITE, trigger_distance_m=500.0)


@pytest.mark.parametrize(
    ("text", "id_", "part"),
    [
        ('trigger_distance_m = "far"', "drive.plan_wrong", "trigger_distance_m"),
        ('access_type = "pigeon"', "drive.plan_wrong", "pigeon"),
        ("name = ", "drive.plan_wrong", "Invalid value"),
        ("trigger_distanse_m = 500", "drive.plan_unknown_key", "trigger_distanse_m"),
        ('at_budget = "walk"', "drive.plan_wrong", "walk"),
        ("pace_ratio = 1.1", "drive.plan_pace_ratio", "1.1"),
        ('ca_pem = "/etc/ssl/own.pem"', "drive.plan_bad_ca", "BEGIN"),
        (
            'server_url = "https://A.example.org"\nconfirm_server_url = "https://a.example.org/"',
            "drive.plan_same_server",
            "a.example.org",
        ),
        ('confirm_server_url = "second"', "link.bad_server_url", "second"),
        ("links = [1]", "drive.plan_wrong", "links"),
        ('[[links]]\nname = "a"', "drive.plan_wrong", "interface"),
        (
            '[[links]]\nname = "a"\ninterface = "w"\noperater = "x"',
            "drive.plan_unknown_key",
            "links.operater",
        ),
        (
            '[[links]]\nname="a"\ninterface="w0"\n[[links]]\nname="a"\ninterface="w1"',
            "drive.plan_link_twice",
            "“a”",
        ),
        (
            '[[links]]\nname="a"\ninterface="w0"\n[[links]]\nname="b"\ninterface="w0"',
            "drive.plan_interface_twice",
            "w0",
        ),
        (stretch(to_m=40_000), "plan.bad_stretch", "KZ38-01 km 40–40"),
        (stretch(from_m=-1), "plan.bad_stretch", "KZ38-01"),
        (stretch(tests_needed=0), "plan.bad_stretch", "tests_needed 0"),
        (stretch(highway_ref='""'), "plan.bad_stretch", "km 40–50"),
        (stretch(from_m=40.5), "drive.plan_wrong", "from_m"),
        (stretch(lanes=2), "drive.plan_unknown_key", "stretches.lanes"),
        (stretch() + stretch(from_m=49_999, to_m=60_000), "plan.stretches_overlap", "km 50–60"),
        ('settlements=[{settlement_id="",tests_needed=1}]', "plan.bad_settlement", "“”"),
        (
            'settlements=[{settlement_id="s",tests_needed=1},{settlement_id="s",tests_needed=2}]',
            "plan.settlement_twice",
            "“s”",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, id_: str, part: str) -> None:
    with pytest.raises(KnownError) as caught:
        load_plan(write(tmp_path, text))
    assert caught.value.message.id == id_
    assert part in str(caught.value)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    plan = SurveyPlan(
        name='Шу "east"',
        access_type=AccessType.SATELLITE,
        links=(PlannedLink("a", "wwan0"),),
        stretches=(
            PlannedStretch("KZ38-01", 40_000, 50_000, 7),
            PlannedStretch("KZ38-01", 50_000, 60_000, 1),
            PlannedStretch("KZ38-02", 40_000, 50_000, 7),
        ),
        settlements=(PlannedSettlement("s1", 3),),
    )
    text = plan_text(plan, ["7 tests\nto make", "at [[Шу]]"])
    assert text.startswith("# 7 tests\n# to make\n# at [[Шу]]\n")
    assert load_plan(write(tmp_path, text)) == plan


def test_switched_off_has_no_word() -> None:
    with pytest.raises(ValueError, match="trigger_period_s"):
        plan_text(SurveyPlan(trigger_period_s=None), [])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        load_plan(tmp_path / "none.toml")
    assert caught.value.message.id == "drive.plan_unreadable"


def test_links_and_all_that_comes_with_them(tmp_path: Path) -> None:
    text = """
    layer = "goodput"
    at_budget = "stop"
    links_together = true
    [[links]]
    name = "a"
    interface = "wwan0"
    [[links]]
    name = "b"
    interface = "10.0.0.2"
    operator = "Op"
    access_type = "satellite"
    """
    assert load_plan(write(tmp_path, text)) == SurveyPlan(
        layer=RateLayer.GOODPUT,
        at_budget=AtBudget.STOP,
        links_together=True,
        links=(
            PlannedLink("a", "wwan0"),
            PlannedLink("b", "10.0.0.2", "Op", AccessType.SATELLITE),
        ),
    )


def test_the_example_plan_loads() -> None:
    plan = load_plan(resources_dir() / "plans" / "two-modems.toml")
    assert [link.operator for link in plan.links] == ["Operator 1", "Operator 2"]
    assert plan.confirm_server_url
