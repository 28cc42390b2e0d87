"""Whose a drive's seconds are, and that nobody is an operator whom nobody named."""

import pytest

from fieldsurvey.analysis.gaps import find_gaps
from fieldsurvey.analysis.naming import named
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import catalogue
from tests.support.analysis_rows import NOW_UTC_US, RULE, measurements, results

NOBODY = {"operator": None, "access_type": None}


def of_links(*operators: str | None, **drive: object) -> tuple[str | None, bool]:
    """The operator of a drive's seconds, and whether its links have several, by its tests."""
    tests = [row for one in operators for row in results("a", operator=one)]
    found = named(measurements(tests, drives=[NOBODY | drive])).drives
    return found["operator"][0], found["operators_of_links"][0]


def test_a_drive_without_an_operator_has_that_of_its_tests() -> None:
    assert of_links("A", "A") == ("A", False)
    assert of_links("A", "B") == (None, True)
    assert of_links("A", None) == (None, True)
    assert of_links(None) == (None, False)
    assert of_links() == (None, False)
    assert of_links("B", operator="A") == ("A", False), "what was recorded stays"
    assert of_links("A", operators_of_links=True) == (None, True), "its plan names others"


def test_an_operator_is_one_however_he_is_written() -> None:
    """The spelling of most tests stands, without spaces around."""
    tests = [
        *results("aa", operator="kcell "),
        *results("a", operator="Kcell", drive=1),
        *results("a", operator="kcell", drive=2),
        *results("a", operator=" Tele2   KZ", drive=3),
        *results("a", operator="  ", drive=3),
    ]
    words = ["kcell ", "Kcell", "KCELL", "Tele2 KZ", "Altel"]
    m = named(measurements(tests, drives=[{"operator": word} for word in words]))
    assert m.tests["operator"].to_list() == [*["kcell"] * 4, "Tele2 KZ", None]
    assert m.drives["operator"].to_list() == [*["kcell"] * 3, "Tele2 KZ", "Altel"]
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    assert judged.select("operator", "tests").rows()[:2] == [("Tele2 KZ", 1), ("kcell", 4)]
    assert m.tests.schema == measurements(tests).tests.schema
    even = named(measurements([*results("a", operator="B "), *results("a", operator="b")]))
    assert set(even.tests["operator"]) == {"B"}, "of equally many the first in order"


def test_a_scope_finds_words_however_they_are_written() -> None:
    tests = [*results("a", operator="Tele2 KZ"), *results("a", technology="5G-SA")]
    m = measurements(tests, [{}, {"technology": "3G"}], [{"campaign": "North 1"}])
    assert len(Scope(operator={" tele2  kz"}).apply(m).tests) == 1
    assert len(Scope(campaign={"NORTH 1"}).apply(m).samples) == 2
    assert len(Scope(technology={"3g"}).apply(m).samples) == 1
    assert len(Scope(technology={"5g-sa"}).apply(m).tests) == 1


def test_a_word_that_occurs_nowhere_is_an_error() -> None:
    m = measurements(results("a", operator="B"), [{"technology": "3G"}])
    Scope(operator={"a", "b", None}, technology={"3G", "4g"}, campaign={"North"}).check(m)
    for name, known in (
        ("operator", "A, B"), ("technology", "3G, 4G"), ("campaign", "north"),
        ("access_type", "mobile"),
    ):  # fmt: skip
        with pytest.raises(KnownError) as caught:
            Scope(**{name: {"C"}}).check(m)
        assert caught.value.message.id in catalogue()
        assert caught.value.message.args == {"word": "C", "known": known}


def test_access_types_likewise() -> None:
    tests = [*results("a", access_type="fibre"), *results("a", access_type="satellite")]
    found = named(measurements(tests, drives=[NOBODY])).drives
    assert (found["access_type"][0], found["access_types_of_links"][0]) == (None, True)
    found = named(measurements(tests[:1], drives=[NOBODY])).drives
    assert (found["access_type"][0], found["access_types_of_links"][0]) == ("fibre", False)


def test_several_links_bring_no_operator_that_nobody_named() -> None:
    tests = [*results("aaa", operator="A"), *results("bbb", operator="B", access_type="fibre")]
    samples = [{"settlement_id": "s1"}] * 5
    m = named(measurements(tests, samples, [NOBODY]))
    for judged in (
        judge_stretches(m, RULE, now_utc_us=NOW_UTC_US),
        judge_settlements(m, RULE, now_utc_us=NOW_UTC_US),
    ):
        assert judged.select("operator", "seconds").rows() == [("A", 0), ("B", 0)]
    gaps = find_gaps(judge_stretches(m, RULE, now_utc_us=NOW_UTC_US), RULE, None)
    assert gaps["operator"].to_list() == ["A"]
    by = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US, by=("access_type",))
    assert by["access_type"].to_list() == ["fibre", "mobile"]
    (together,) = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US, by=()).iter_rows(named=True)
    assert together["seconds"] == 5, "taken together they tell of service"


@pytest.mark.parametrize("words", [{None}, {"A"}])
def test_such_seconds_are_in_no_operators_scope(words: set[str | None]) -> None:
    tests = [*results("a", operator="A"), *results("a", operator="B")]
    m = named(measurements(tests, [{}], [NOBODY]))
    assert Scope(operator=words).apply(m).samples.is_empty()
    assert len(Scope(campaign={"north"}).apply(m).samples) == 1


def test_seconds_of_a_drive_that_names_nobody_are_a_group_of_their_own() -> None:
    tests = results("aaa", operator="A")
    drives = [{}, NOBODY]
    m = named(measurements(tests, [{}, {"drive": 1}], drives))
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    assert judged.select("operator", "tests", "seconds").rows() == [("A", 3, 1), (None, 0, 1)]
    m = named(measurements([*tests, *results("b", operator=None, drive=1)], [], drives))
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    assert judged.select("operator", "tests").rows() == [("A", 3), (None, 1)]
