"""No text leaves its place, whatever names there are: boxes of words as poppler finds them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.messages import LANGUAGES
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.subject import Everything, Highway, Programme, Settlement, Subject
from fieldsurvey.report.writing import write_report
from tests.support.analysis_rows import NOW_UTC_US, S, measurements, results
from tests.support.pdf_reading import Word, needs_poppler, words_of
from tests.support.report_survey import places

pytestmark = needs_poppler

LEFT, RIGHT = 55.0, 541.0  # points: the margins of a page, and a little for posts of a strip
LONGEST = "ҚАЗАҚТЕЛЕКОМСОЛТҮСТІКШЫҒЫСМҰНАЙГАЗБАЙЛАНЫСЫ"
OPERATORS = ("Kcell", "ТрансТелекомКазахстан", LONGEST, "Kazakhtelecom-North_East.Branch", None)
VILLAGES = (
    "Мамлютка-Новомихайловка",
    "Qarağandı",
    "Ұзынағаштыңсолтүстікшығысындағыауыл",
    "Шымкент",
)


def named(names: tuple[str, ...]) -> Places:
    """Return the two villages of :func:`places` by other names."""
    country = places.__wrapped__()  # one to change
    table = country.settlements()
    for column in ("name", "name_en", "name_ru", "name_kk"):
        object.__setattr__(table, column, names)
    return country


def survey() -> Measurements:
    """Return every kind of place with every operator: stretches of all verdicts, old ones and only
    driven ones, settlements of all access types, cells."""
    rows = [
        {"operator": operator, "access_type": access, **where, **row}
        for operator in OPERATORS
        for access, words in (("mobile", "ab" * 8 + "n"), ("fixed-wireless", "n" * 9),
                              (None, "aab"))
        for where in (
            {"chainage_m": 1_230_000.0, "settlement_id": "s1"},
            {"chainage_m": 40_000.0, "settlement_id": "s2",
             "started_utc_us": NOW_UTC_US - 400 * 86_400 * S},
            {"highway_ref": None, "chainage_m": None, "settlement_id": None},
        )
        for row in results(words)
    ]  # fmt: skip
    at = {"start_latitude_deg": 50.0, "start_longitude_deg": 60.0}
    rows = [
        {**at, "drive": n % len(OPERATORS), "test_id": f"t{n}", "cause": "no_route", **row}
        for n, row in enumerate(rows)
    ]
    seconds = [
        {"drive": n % len(OPERATORS), "reachable": n % 3 > 0, "chainage_m": 90_000.0 + n,
         "technology": ("4G", "unknown", None)[n % 3], "cause": None if n % 3 else "no_route"}
        for n in range(60)
    ]  # fmt: skip
    drives = [
        {"operator": operator, "source": f"{LONGEST.lower()}{n}.fsurvey", "device": "0" * 64,
         "access_type": "fixed-wireless", "app_version": LONGEST}
        for n, operator in enumerate(OPERATORS)
    ]  # fmt: skip
    m = measurements(rows, seconds, drives)
    return dataclasses.replace(m, sources=(LONGEST * 3, "a.fsurvey"))


def meeting(words: list[Word]) -> Iterator[tuple[Word, Word]]:
    """Return pairs of words that lie on each other."""
    by_page: dict[int, list[Word]] = {}
    for word in words:
        by_page.setdefault(word.page, []).append(word)
    for same in by_page.values():
        same.sort(key=lambda word: word.top)
        for n, one in enumerate(same):
            for other in same[n + 1 :]:
                if other.top > one.bottom:
                    break
                wide = min(one.right, other.right) - max(one.left, other.left)
                high = min(one.bottom, other.bottom) - other.top
                if wide > 0.5 and high > 3:
                    yield one, other


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "subject", [Highway("KAZ01"), Settlement("s1"), Everything(), Programme()],
    ids=lambda subject: type(subject).__name__,
)  # fmt: skip
@pytest.mark.parametrize("villages", [VILLAGES[:2], VILLAGES[2:]])
def test_words_of_neighbours_do_not_meet(
    tmp_path: Path, language: str, subject: Subject, villages: tuple[str, ...]
) -> None:
    path = tmp_path / "x.pdf"
    written = write_report(
        survey(), subject, path, places=named(villages), language=language, now_utc_us=NOW_UTC_US
    )
    assert written.archival
    words = words_of(path)
    assert len(words) > 200
    assert list(meeting(words)) == []
    assert [word for word in words if word.left < LEFT or word.right > RIGHT] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_have_room_are_not_cut(tmp_path: Path, language: str) -> None:
    """Of eleven columns, headers and ordinary names stay whole; a long one is cut between its
    parts."""
    rows = [
        {"operator": operator, "access_type": access, "settlement_id": "s1", **row}
        for operator in ("ТрансТелекомКазахстан", "Kcell")
        for access in ("mobile", "fixed-wireless")
        for row in results("ab" * 60)
    ]
    path = tmp_path / "x.pdf"
    write_report(
        measurements(rows), Settlement("s1"), path,
        places=named(("Петропавловск", "Шымкент")), language=language, now_utc_us=NOW_UTC_US,
    )  # fmt: skip
    said = {word.text for word in words_of(path)}
    assert {"ТрансТелекомКазахстан", "Петропавловск", "Kcell"} <= said
    cut = {word for word in said if "\u200b" in word}  # the zero-width space that words are cut by
    assert cut <= {"Транс\u200bТелеком\u200b", "Казахстан"}
