"""Whose a drive's seconds are, and that nobody is an operator whom nobody named."""

import pytest

from fieldsurvey.analysis.gaps import find_gaps
from fieldsurvey.analysis.naming import named
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.analysis.stretches import judge_stretches
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
