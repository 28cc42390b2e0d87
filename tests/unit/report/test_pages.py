"""What stands on the pages: sentences that tables bear out, nothing hidden without a word."""

import dataclasses
import functools
import re
from collections.abc import Iterator

import msgspec
import pytest

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import BY, Scope
from fieldsurvey.model.messages import LANGUAGES, catalogue
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.verdict import RateLayer
from fieldsurvey.report.blocks import Block, Document, Findings, Table
from fieldsurvey.report.findings import Findings as WholeFindings
from fieldsurvey.report.findings import find
from fieldsurvey.report.places_tables import MOST_ROWS
from fieldsurvey.report.subject import Box, Everything, Highway, Programme, Settlement, Subject
from fieldsurvey.report.wording import Wording
from fieldsurvey.report.writing import compose
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, S, measurements, results
from tests.support.report_survey import REF, places, two_operators


def composed(
    m: Measurements, subject: Subject, language: str = "en", scope: Scope | None = None
) -> Document:
    findings = find(m, subject, RULE, scope or Scope(), NOW_UTC_US)
    return compose(findings, places(), Wording(language))


def blocks(document: Document) -> Iterator[Block]:
    yield from document.cover
    yield from document.body


def tables(document: Document) -> dict[str, Table]:
    """Return the tables by the titles of their first columns."""
    return {one.columns[0].title: one for one in blocks(document) if isinstance(one, Table)}


def said(document: Document) -> str:
    return document.as_json().decode()


@pytest.fixture(scope="module")
def road() -> Document:
    return composed(two_operators(), Highway(REF))


def test_the_first_page_says_what_the_table_bears_out(road: Document) -> None:
    (findings,) = [one for one in road.cover if isinstance(one, Findings)]
    assert [mark for mark, _ in findings.items] == ["below", "above", "above"]
    sentence = findings.items[0][1]
    number, counted = map(int, re.findall(r"each of (\d+) stretches .* (\d+) tests", sentence)[0])
    rows = [row for row in tables(road)["Stretch, km"].rows if row.mark == "below"]
    assert len(rows) == number
    assert sum(int(row.cells[3]) for row in rows) == counted
    (kilometres,) = [one for one in road.cover if isinstance(one, Table)]
    assert kilometres.rows[0].cells[:3] == ("North", "40", "120")


def test_results_of_a_row_add_up_to_its_tests(road: Document) -> None:
    for row in tables(road)["Stretch, km"].rows:
        assert sum(map(int, row.cells[4].split(" / "))) == int(row.cells[3])


def test_tests_add_up_to_all_there_are(road: Document) -> None:
    (*parts, total) = [row.cells[1] for row in tables(road)["Tests"].rows]
    assert sum(map(int, parts)) == int(total) == 400


def test_fewer_than_five_tests_have_no_statistics() -> None:
    document = composed(measurements(results("aaab")), Highway("KAZ01"))
    (row,) = tables(document)["Stretch, km"].rows
    assert row.cells[5:8] == ("n < 5", "n < 5", "n < 5")
    assert "fewer than 5 tests count" in said(document)
    five = composed(measurements(results("aaabb")), Highway("KAZ01"))
    (row,) = tables(five)["Stretch, km"].rows
    assert row.cells[5].startswith("60\xa0% (")
    assert row.cells[6] == "150"


def test_no_service_has_a_cause_and_is_no_rate() -> None:
    rows = [*results("nnnn", cause="no_route"), *results("n", cause="dns"), *results("a")]
    seconds = [{"reachable": False, "cause": word} for word in ("dns", "not_asked", "engine")]
    document = composed(measurements(rows, seconds), Highway("KAZ01"))
    causes = {row.cells[0]: row.cells[1:] for row in tables(document)["Cause"].rows}
    assert causes == {
        "no network connection": ("4", "0"),
        "server name not found (DNS)": ("1", "1"),  # our own side's seconds are not among them
    }
    (row,) = tables(document)["Stretch, km"].rows
    assert row.cells[6:8] == ("no service", "no service")
    assert "0.00" not in said(document)


def test_a_single_number_without_interval_is_said_to_be_one() -> None:
    mean = {"download_low_bps": 9, "download_high_bps": 9, "rule": "mean-against-target/1"}
    rows = [*results("aaa", **mean), *results("bb", rule="interval-against-target/3",
            download_low_bps=1, download_high_bps=2)]  # fmt: skip
    document = composed(measurements(rows), Highway("KAZ01"))
    without = {row.cells[1]: row.cells[3:] for row in tables(document)["Protocol"].rows}
    assert without == {"mean-against-target/1": ("3", "3"), "interval-against-target/3": ("2", "0")}
    assert "their error is not known" in said(document)


def test_many_rows_are_cut_by_urgency_and_it_is_said() -> None:
    rows = [
        {"chainage_m": n * 10_000.0, **row}
        for n in range(MOST_ROWS + 5)
        for row in results("bbb" if n == MOST_ROWS + 4 else "aaaaaaaa")
    ]
    first_us = NOW_UTC_US - 30 * DAY_US  # two minutes apart they are five days
    rows = [{"started_utc_us": first_us + n * 120 * S, **row} for n, row in enumerate(rows)]
    document = composed(measurements(rows), Highway("KAZ01"))
    table = tables(document)["Stretch, km"]
    assert len(table.rows) == MOST_ROWS
    assert table.rows[-1].mark == "below"
    assert "405 rows" in said(document)


def test_where_no_highway_is_cells_are_judged() -> None:
    nowhere = {"highway_ref": None, "chainage_m": None, "settlement_id": None}
    at = {"start_latitude_deg": 50.0, "start_longitude_deg": 60.0}
    document = composed(measurements(results("bbb", **nowhere, **at)), Everything())
    (row,) = tables(document)["Cell"].rows
    assert row.mark == "below"
    assert "Cell at 50." in said(document)


def test_in_a_settlement_access_types_are_kept_apart() -> None:
    rows = [*results("a" * 8, access_type="fibre"), *results("bbb", access_type="mobile")]
    document = composed(measurements(rows), Settlement("s1"))
    cells = {row.cells[2]: row.mark for row in tables(document)["Settlement"].rows}
    assert cells == {"fibre": "above", "mobile": "below"}


def test_operators_beyond_the_drawn_ones_are_named() -> None:
    rows = [row for n, name in enumerate("ABCDE") for row in results("a" * (9 - n), operator=name)]
    for subject in (Highway("KAZ01"), Everything()):
        document = composed(measurements(rows, drives=[{"operator": "A"}]), subject)
        assert "they have the fewest tests: E." in said(document)
        marks = {row.cells[1] for row in tables(document)["Stretch, km"].rows}
        assert marks == set("ABCDE")


def test_that_more_is_judged_than_was_asked_is_said() -> None:
    cut = composed(two_operators(), Highway(REF, 41_000, 52_000))
    assert "this report is about km 40–60" in said(cut)
    assert cut.title == f"{REF}, km 41–52"
    assert "judged whole, so" not in said(composed(two_operators(), Highway(REF, 40_000, 60_000)))


def test_the_filter_is_printed() -> None:
    scope = Scope(operator=("North", None), access_type=("fibre",), end_utc_us=NOW_UTC_US)
    document = composed(two_operators(), Highway(REF), scope=scope)
    expected = "operator: North, unknown; access: fibre; before 2026-09-21 19:13 UTC+5"
    assert expected in said(document)


@pytest.mark.parametrize("subject", [Highway("KAZ02"), Box(1, 1, 2, 2), Settlement("s2"),
                                     Everything(), Programme()])  # fmt: skip
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_measured_is_a_report_that_says_so(subject: Subject, language: str) -> None:
    document = composed(measurements(), subject, language)
    assert "[report." not in said(document)
    assert catalogue()["report.nothing_measured"][language] in said(document)
    # Nor are there figures of nothing.
    assert catalogue()["report.left_out_table"][language] not in said(document)
    if not isinstance(subject, Programme):
        assert tables(document) == {}


def test_what_was_measured_and_is_no_evidence_is_said_to_be_there() -> None:
    replayed = measurements([{}], drives=[{"replayed": True}])
    for subject in (Highway("KAZ01"), Everything(), Programme()):
        document = composed(replayed, subject)
        assert catalogue()["report.empty"]["en"] in said(document)
        assert tables(document)["Tests"].rows[-1].cells == ("in all", "1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_modems_and_targets_are_in_the_readers_language(language: str) -> None:
    words = ("4G", "unknown", "none", None)
    document = composed(
        measurements([{}], [{"technology": word} for word in words]), Highway("KAZ01"), language
    )
    texts = catalogue()
    seconds = tables(document)[texts["report.col_operator"][language]].rows
    assert {row.cells[1] for row in seconds} == {
        "4G", texts["report.unknown"][language], texts["report.technology_none"][language],
        texts["report.technology_unknown"][language],
    }  # fmt: skip
    source = {"en": "Government of", "kk": "Қазақстан Үкіметінің", "ru": "Правительство"}
    rule = dataclasses.replace(RULE, target_version="2025-10-21")
    findings = find(measurements([{}]), Highway("KAZ01"), rule, Scope(), NOW_UTC_US)
    assert source[language] in said(compose(findings, None, Wording(language)))
    programme = said(composed(measurements(), Programme(), language))
    assert texts["analysis.access_fibre"][language] in programme
    assert language == "en" or " fibre" not in programme


def test_the_clock_is_said() -> None:
    assert "by Kazakhstan's clock (UTC+5)" in said(composed(measurements(), Everything()))


def test_far_kilometres_are_written_alike_in_sentence_and_table() -> None:
    rows = results("a" * 9, chainage_m=1_234_000.0)
    document = composed(measurements(rows), Highway("KAZ01"))
    (findings,) = [one for one in document.cover if isinstance(one, Findings)]
    assert "km 1\u202f230–1\u202f240 (A)" in findings.items[0][1]
    (row,) = tables(document)["Stretch, km"].rows
    assert row.cells[0] == "1\u202f230–1\u202f240"


@functools.cache
def judged(subject: Subject) -> WholeFindings:
    return find(two_operators(), subject, RULE, Scope(), NOW_UTC_US)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_nor_left_open(language: str) -> None:
    for subject in (Highway(REF), Everything(), Programme()):
        text = said(compose(judged(subject), places(), Wording(language)))
        for pattern in (r"\[(?:report|analysis|cause)\.", r"\{(?!n\})[a-z_]+\}", "None", "nan"):
            assert not re.findall(pattern, re.sub("<svg.*?</svg>", "", text)), pattern


def test_every_promise_of_the_programme_stands_on_the_board() -> None:
    document = composed(two_operators(), Programme())
    board = tables(document)["Promise"]
    assert len(board.rows) == 11
    assert all(row.mark and row.cells[6] for row in board.rows)
    undecided = [row for row in board.rows if row.mark == "undecided"]
    assert undecided
    assert all("Missing: " in row.note for row in undecided)


def test_a_share_says_that_undecided_tests_are_not_in_it() -> None:
    board = tables(composed(measurements(results("aaabbuuuuu")), Programme()))["Promise"]
    (speed,) = (row for row in board.rows if "Mean where there was service" in row.note)
    assert "Above the target, undecided tests aside: 60\N{NO-BREAK SPACE}%" in speed.note


def test_ids_built_from_words_exist() -> None:
    words = ("above", "below", "undecided", "not_driven")
    ids = [f"report.km_{word}" for word in words]
    ids += [f"report.word_{word}" for word in (*words, "stale", "no_service")]
    ids += [f"report.access_{word.value.replace('-', '_')}" for word in AccessType]
    ids += [f"report.layer_{word.value}" for word in RateLayer]
    ids += [f"report.by_{word}" for word in BY]
    ids += [f"report.run_{word}" for word in ("above", "below", "undecided", "stale")]
    reasons = ("replayed", "recorded", "other_target", "too_close", "old", "failed", "repeated",
               "self_limited", "unjudged", "cancelled", "skipped", "waited")  # fmt: skip
    ids += [f"report.left_out_{word}" for word in reasons]
    assert [id_ for id_ in ids if id_ not in catalogue()] == []


def test_the_document_is_one_json_document(road: Document) -> None:
    content = msgspec.json.decode(road.as_json())
    assert set(content) >= {"title", "cover", "body", "footer", "band"}
    assert {block["kind"] for block in content["cover"]} >= {"facts", "findings", "figures"}
