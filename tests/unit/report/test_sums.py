"""Every table and figure of a report is about the same tests: sums agree, whatever the subject."""

import re
from typing import Any

import pytest

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.report.blocks import Document, Figure, Table
from fieldsurvey.report.findings import find
from fieldsurvey.report.subject import (
    Box,
    Everything,
    Highway,
    Programme,
    Settlement,
    Subject,
    of_subject,
)
from fieldsurvey.report.wording import Wording
from fieldsurvey.report.writing import compose
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, S, measurements, results
from tests.support.report_survey import places

BEGAN_US = NOW_UTC_US - 2 * DAY_US
BOX = Box(59.0, 49.0, 61.0, 51.0)


def waiting() -> Measurements:
    """Return a car that waits on a highway, in a village on it, in a village beside it and nowhere:
    six tests each, five minutes apart. Then tests too close in time, old ones, and one at 30 m a
    test: of these the highway counts others than time alone would."""
    spots: list[dict[str, Any]] = [
        {"chainage_m": 5_000.0, "settlement_id": None, "start_latitude_deg": 50.0},
        {"chainage_m": 15_000.0, "settlement_id": "s1", "start_latitude_deg": 50.1},
        {"highway_ref": None, "chainage_m": None, "settlement_id": "s2",
         "start_latitude_deg": 50.2},
        {"highway_ref": None, "chainage_m": None, "settlement_id": None,
         "start_latitude_deg": 50.3},
    ]  # fmt: skip
    rows = []
    for drive, operator in enumerate("AB"):
        same = {"drive": drive, "operator": operator, "start_longitude_deg": 60.0}
        for n, spot in enumerate(spots):
            rows += [
                {**same, **spot, **row, "started_utc_us": BEGAN_US + n * 3_600 * S + k * 300 * S}
                for k, row in enumerate(results("aabnua"))
            ]
            rows += [
                {**same, **spot, **row, "started_utc_us": BEGAN_US - (400 + k) * DAY_US}
                for k, row in enumerate(results("ab"))
            ]
        rows += [
            {**same, "settlement_id": None, "chainage_m": 25_000.0 + 30 * k, **row,
             "start_latitude_deg": 50.5 + 30 * k / 111_195,
             "started_utc_us": BEGAN_US + 40_000 * S + k * gap_s * S}
            for gap_s in (20, 55, 100)
            for k, row in enumerate(results("abu" * 5))
        ]  # fmt: skip
        rows += [{**same, "target_id": "other"}]
    seconds = [{"drive": n, "chainage_m": 5_000.0} for n in range(2)]
    drives = [{"operator": operator} for operator in "AB"]
    rows = [{**row, "test_id": f"t{n}"} for n, row in enumerate(rows)]
    return measurements(rows, seconds, drives)


def number(text: str) -> int:
    return int(text.replace("\u202f", ""))


def of_column(document: Document, first: str, column: str) -> int:
    """Return the sum of a column of the tables that begin with another; old rows do not count."""
    total = 0
    for table in (*document.cover, *document.body):
        titles = [one.title for one in table.columns] if isinstance(table, Table) else [""]
        if isinstance(table, Table) and titles[0] == first and column in titles:
            at = titles.index(column)
            rows = [row for row in table.rows if "older than a year" not in " ".join(row.cells)]
            total += sum(number(row.cells[at]) for row in rows)
    return total


def of_curves(document: Document) -> int:
    """Return how many tests the curves of the distribution are of."""
    drawn = "".join(one.svg for one in document.body if isinstance(one, Figure))
    return sum(map(number, re.findall(r"of ([\d\u202f]+) tests faster than", drawn)))


@pytest.mark.parametrize(
    "subject", [Highway("KAZ01"), Settlement("s1"), Settlement("s2"), BOX, Everything(),
                Programme()],
)  # fmt: skip
def test_all_figures_are_of_the_tests_that_count(subject: Subject) -> None:
    m = waiting()
    findings = find(m, subject, RULE, Scope(), NOW_UTC_US)
    document = compose(findings, places(), Wording("en"))
    counted = len(findings.tests)
    assert counted > 0
    assert findings.asked == counted + sum(findings.left_out.values())
    assert len(of_subject(m, subject).tests) == findings.asked
    (left_out,) = [
        one
        for one in document.body
        if isinstance(one, Table) and one.caption.startswith("All tests of")
    ]
    assert number(left_out.rows[0].cells[1]) == counted
    assert number(left_out.rows[-1].cells[1]) == findings.asked
    assert of_column(document, "Drive", "Tests that count") == counted
    road = int(findings.tests["on_highway"].sum())
    village = int(findings.tests["in_settlement"].sum())
    elsewhere = int(findings.tests["elsewhere"].sum())
    both = int((findings.tests["on_highway"] & findings.tests["in_settlement"]).sum())
    if isinstance(subject, Programme):
        (number_said,) = re.findall(r"kilometres counts (\d+)", document.as_json().decode())
        assert of_column(document, "Highway", "Tests that count") == int(number_said) < counted
        return
    assert of_curves(document) == counted
    if isinstance(subject, Highway):
        assert of_column(document, "Operator", "Tests that count") == counted
        assert of_column(document, "Stretch, km", "Tests") == counted == road
        assert findings.left_out["waited"] > 0
        return
    assert of_column(document, "Settlement", "Tests") == village
    if isinstance(subject, Settlement):
        assert counted == village
        return
    assert of_column(document, "Operator", "Tests that count") == road
    assert of_column(document, "Highway", "Tests that count") == road
    assert of_column(document, "Stretch, km", "Tests") == road
    assert of_column(document, "Cell", "Tests") == elsewhere
    assert counted == road + village + elsewhere - both
    assert both > 0
    said = document.as_json().decode()
    expected = f"{road} count on highways, {village} in settlements and {elsewhere} in neither"
    assert expected in said


def test_a_waiting_car_is_one_look_at_a_highway_and_is_said_to_be() -> None:
    spot = {"start_latitude_deg": 50.0, "start_longitude_deg": 60.0, "settlement_id": None}
    rows = [
        {**row, **spot, "started_utc_us": BEGAN_US + n * 300 * S}
        for n, row in enumerate(results("aaaaaa"))
    ]
    for subject in (Highway("KAZ01"), Everything()):
        findings = find(measurements(rows), subject, RULE, Scope(), NOW_UTC_US)
        assert (len(findings.tests), findings.left_out) == (1, {"waited": 5})
    village = [{**row, "settlement_id": "s1"} for row in rows]
    for subject in (Settlement("s1"), Everything()):
        findings = find(measurements(village), subject, RULE, Scope(), NOW_UTC_US)
        assert (len(findings.tests), findings.left_out) == (6, {})


def test_a_box_does_not_judge_a_place_by_the_part_that_came_with_another() -> None:
    """A village reaches out of the box along a highway: its tests there come with it, and the
    stretch beyond, of which no other test came, is not judged by them."""
    inside = {"start_latitude_deg": 50.0, "start_longitude_deg": 60.0}
    outside = {"start_latitude_deg": 55.0, "start_longitude_deg": 60.0}
    rows = [
        {**inside, "chainage_m": 9_000.0, "settlement_id": "s1"},
        *[{**outside, "chainage_m": 11_000.0, "settlement_id": "s1", **row}
          for row in results("a" * 9)],
        *[{**outside, "chainage_m": 15_000.0, "settlement_id": None, **row}
          for row in results("b" * 9)],
        {**outside, "chainage_m": 1_000.0, "settlement_id": "s2"},
        *[{**outside, "chainage_m": None, "highway_ref": None, "settlement_id": "s2"}] * 5,
    ]  # fmt: skip
    rows = [{**row, "started_utc_us": BEGAN_US + n * 300 * S} for n, row in enumerate(rows)]
    findings = find(measurements(rows), BOX, RULE, Scope(), NOW_UTC_US)
    assert findings.asked == 11
    assert findings.stretches["from_m"].to_list() == [0]
    assert findings.settlements["settlement_id"].to_list() == ["s1"]
    assert findings.cells.is_empty()


def test_a_drive_whose_links_have_operators_is_none_without_one() -> None:
    drives = [
        {"drive_id": "11111111", "operator": None, "access_type": None,
         "operators_of_links": True, "access_types_of_links": True},
        {"drive_id": "22222222", "operator": None, "access_type": None},
    ]  # fmt: skip
    seconds = [{"drive": drive, "utc_us": BEGAN_US + n * S} for drive in (0, 1) for n in range(9)]
    m = measurements([], seconds, drives)
    body = compose(find(m, Everything(), RULE, Scope(), NOW_UTC_US), None, Wording("en")).body
    rows = [row.cells for table in body if isinstance(table, Table) for row in table.rows]
    assert [cells[:4] for cells in rows if cells[1] == "4G"] == [
        ("operator not recorded", "4G", "9", "100\N{NO-BREAK SPACE}%"),
        ("of its links", "4G", "9", "100\N{NO-BREAK SPACE}%"),
    ]
    listed = {cells[0]: cells[3:5] for cells in rows}
    assert listed["11111111"] == ("of its links", "of its links")
    assert listed["22222222"] == ("operator not recorded", "unknown")
