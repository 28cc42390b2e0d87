"""Kazakh, Russian and English are equal, and every id that the code names exists."""

import re
import string
from pathlib import Path

import pytest

from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.messages import LANGUAGES, catalogue, message, preferred_language
from fieldsurvey.model.throughput import Cause, Outcome, PhaseKind
from fieldsurvey.model.verdict import Verdict

PACKAGE = Path(__file__).resolve().parents[3] / "fieldsurvey"
NAMED = re.compile(r"""(?:message|KnownError|tell|tr)\(\s*"([a-z_0-9]+\.[a-z_0-9]+)\"""")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("id_", sorted(catalogue()))
def test_every_language_says_it_with_the_same_arguments(id_: str) -> None:
    entry = catalogue()[id_]
    assert set(entry) == set(LANGUAGES)
    assert all(text.strip() for text in entry.values())
    assert {language: fields(text) for language, text in entry.items()} == dict.fromkeys(
        LANGUAGES, fields(entry["en"])
    )


def test_russian_and_kazakh_are_not_left_in_english() -> None:
    same = [
        id_
        for id_, entry in catalogue().items()
        if entry["en"] != "FieldSurvey"
        and re.search(r"[a-z]{4}", re.sub(r"\{\w*\}", "", entry["en"]))
        and entry["en"] in (entry["ru"], entry["kk"])
    ]
    assert not same


def test_every_id_in_the_code_is_in_the_catalogue() -> None:
    named = {
        (id_, path.name)
        for path in PACKAGE.rglob("*.py")
        for id_ in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert named, "the search pattern finds nothing"
    assert sorted(item for item in named if item[0] not in catalogue()) == []


def test_ids_built_from_enums_exist() -> None:
    ids = [f"cause.{cause.value}" for cause in Cause]
    ids += [f"cli.state_{state.value}" for state in DriveState]
    ids += [f"cli.result_{word.value}" for word in (*Verdict, *Outcome)]
    ids += [f"cli.verdict_{word.value}" for word in (*Verdict, *Outcome)]
    ids += [f"cli.phase_{phase.value}" for phase in PhaseKind]
    assert [id_ for id_ in ids if id_ not in catalogue()] == []


def test_a_message_may_hold_a_message() -> None:
    text = message("drive.no_service", cause=message("cause.refused")).text("ru")
    assert text == "нет связи: сервер отклонил соединение"


def test_what_is_unknown_is_shown_not_hidden() -> None:
    assert str(message("nobody.knows", a=1)) == "[nobody.knows: a=1]"
    assert "{seconds}" in message("drive.service_back").text()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "kk_KZ.UTF-8"}, "kk"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "en_GB"}, "en"),
        ({"LANGUAGE": "de:ru", "LANG": "de_DE"}, "ru"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_language_follows_the_locale(environment: dict[str, str], expected: str) -> None:
    assert preferred_language(environment) == expected
