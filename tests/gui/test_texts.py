"""Words and numbers on screen: never flattering, in three languages to the same standard."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.gui.texts import Texts, chosen_language
from fieldsurvey.model.messages import LANGUAGES, catalogue

GUI_MESSAGES = {id_: texts for id_, texts in catalogue().items() if id_.startswith("gui.")}


@pytest.mark.parametrize(
    ("mbps", "shown"),
    [
        (99.96, "99.9"),
        (99.999, "99.9"),
        (100.0, "100"),
        (87.3, "87.3"),
        (1_239.0, "1,230"),
        (9.999, "9.99"),
        (0.456, "0.45"),
        (0.004, "<0.01"),
        (0.0, "<0.01"),
    ],
)
def test_a_rate_is_cut_to_three_figures(mbps: float, shown: str) -> None:
    assert Texts("en").rate(mbps) == shown


@given(st.floats(0.01, 20_000))
def test_a_rate_shown_is_never_above_the_rate_measured(mbps: float) -> None:
    shown = Texts("en").rate(mbps).replace(",", "")
    assert float(shown) <= mbps * (1 + 1e-8)
    assert float(shown) >= mbps * 0.99 - 0.01
    assert len(shown.replace(".", "").strip("0")) <= 3


def test_russian_and_kazakh_write_a_comma() -> None:
    assert Texts("ru").rate(87.3) == "87,3"
    assert Texts("kk").rate(87.3) == "87,3"


@pytest.mark.parametrize(("seconds", "shown"), [(12.9, "12 s"), (240, "4 min"), (7_300, "2 h")])
def test_ages_are_told_in_units_that_fit(seconds: float, shown: str) -> None:
    assert Texts("en").span(seconds) == shown


def test_the_language_goes_round() -> None:
    texts = Texts("en")
    seen = []
    for _ in range(4):
        seen.append(texts.language)
        texts = texts.next_language()
    assert seen == ["en", "kk", "ru", "en"]
    assert chosen_language("kk") == "kk"
    assert chosen_language("xx") in LANGUAGES


@pytest.mark.parametrize("id_", sorted(GUI_MESSAGES))
def test_every_text_exists_in_three_languages_with_the_same_arguments(id_: str) -> None:
    texts = GUI_MESSAGES[id_]
    assert set(texts) == set(LANGUAGES)
    arguments = {
        language: {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for language, text in texts.items()
    }
    assert arguments["kk"] == arguments["en"] == arguments["ru"]
    if re.search(r"[a-z]{4}", texts["en"]) and id_ not in ("gui.title", "gui.language_name"):
        assert re.search(r"[а-яәіңғүұқөһ]", texts["kk"].lower())
        assert re.search(r"[а-я]", texts["ru"].lower())
