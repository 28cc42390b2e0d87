"""Survey plans that people write by hand, with their mistakes."""

from pathlib import Path

import pytest

from fieldsurvey.drive.plan_file import load_plan
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.radio import AccessType


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


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
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, id_: str, part: str) -> None:
    with pytest.raises(KnownError) as caught:
        load_plan(write(tmp_path, text))
    assert caught.value.message.id == id_
    assert part in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(KnownError) as caught:
        load_plan(tmp_path / "none.toml")
    assert caught.value.message.id == "drive.plan_unreadable"
