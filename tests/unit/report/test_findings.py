"""Every number of a report adds up, and only what is evidence counts."""

import dataclasses
import random

import polars as pl
import pytest

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.findings import Findings, find
from fieldsurvey.report.kilometres import highways_of, in_all, lengths_of, stretches_of
from fieldsurvey.report.roads import Roads
from fieldsurvey.report.runs import run_sentence, runs_of
from fieldsurvey.report.subject import Box, Everything, Highway, Settlement, Subject
from fieldsurvey.report.wording import Wording
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, Row, S, measurements, results
from tests.support.report_survey import LENGTH_M, REF, places, two_operators

EN = Wording("en")


def found(m: Measurements, subject: Subject | None = None, **how: object) -> Findings:
    scope = how.pop("scope", Scope())
    return find(m, subject or Everything(), RULE, scope, NOW_UTC_US, **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def country() -> Places:
    return places()


def test_all_tests_are_counted_or_left_out_for_a_reason() -> None:
    rows = [
        *results("aabn"),
        *results("frr"),
        *[{"result": word} for word in ("self_limited", "unjudged", "cancelled", "skipped")],
        {"target_id": "another"},
        {"started_utc_us": NOW_UTC_US - 400 * DAY_US},
        {"drive": 1},
        {"drive": 2},
    ]
    close = [{"started_utc_us": NOW_UTC_US - 2 * DAY_US + n * S} for n in range(3)]
    drives: list[Row] = [{}, {"replayed": True}, {"replayed": None}]
    findings = found(measurements([*rows, *close], drives=drives))
    assert findings.left_out == {
        "replayed": 2, "other_target": 1, "too_close": 2, "old": 1, "failed": 1, "self_limited": 1,
        "unjudged": 1, "cancelled": 1, "skipped": 1, "repeated": 2,
    }  # fmt: skip
    assert len(findings.tests) == 5
    assert findings.asked == len(findings.tests) + sum(findings.left_out.values())


def test_a_training_report_is_of_replayed_drives_alone() -> None:
    m = measurements([{}, {"drive": 1}, {"drive": 1}], drives=[{}, {"replayed": True}])
    findings = found(m, trained=True)
    assert len(findings.tests) == 2
    assert findings.left_out == {"recorded": 1}


def test_the_digest_tells_evidence_apart_and_not_its_order() -> None:
    m = two_operators()
    order = list(range(len(m.tests)))
    random.Random(1).shuffle(order)
    shuffled = dataclasses.replace(m, tests=m.tests[order], samples=m.samples.reverse())
    digest = found(m).digest()
    assert found(shuffled).digest() == digest
    slower = m.tests.with_columns(pl.col("compared_bps") - 1)
    assert found(dataclasses.replace(m, tests=slower)).digest() != digest


def test_kilometres_add_up_to_the_highway(country: Places) -> None:
    findings = found(two_operators(), Highway(REF))
    north, south = lengths_of(findings, Roads(country), REF)
    for lengths in (north, south):
        assert sum(lengths.metres.values()) == pytest.approx(LENGTH_M)
        assert lengths.known
    assert (north.operator, south.operator) == ("North", "South")
    assert north.metres["above"] == 40_000
    assert north.metres["below"] == south.metres["above"] == 120_000
    assert south.metres["not_driven"] == pytest.approx(LENGTH_M - 120_000)
    assert north.no_service == 7
    (total, _) = in_all([north, south, north])
    assert total.metres["above"] == 80_000


def test_without_places_it_is_not_known_what_was_not_driven() -> None:
    findings = found(two_operators(), Highway(REF))
    assert not any(one.known for one in lengths_of(findings, Roads(None), REF))
    part = found(two_operators(), Highway(REF, 0, 200_000))
    north, _ = lengths_of(part, Roads(None), REF)
    assert (north.known, north.metres["not_driven"]) == (True, 40_000)


def test_a_part_of_a_highway_has_its_stretches_only(country: Places) -> None:
    part = found(two_operators(), Highway(REF, 41_000, 59_000))
    stretches = stretches_of(part, Roads(country), REF)
    assert [(one.operator, one.from_m, one.word) for one in stretches] == [
        ("North", 40_000, "below"), ("North", 50_000, "below"),
        ("South", 40_000, "above"), ("South", 50_000, "above"),
    ]  # fmt: skip
    assert part.settlements.is_empty()  # of which only a part was looked at


def test_a_box_knows_highways_that_nobody_drove(country: Places) -> None:
    findings = found(two_operators(), Box(74.9, 43.0, 76.0, 43.7))
    assert highways_of(findings, Roads(country)) == ["KAZ02", REF]
    crossing = lengths_of(findings, Roads(country), "KAZ02")
    assert all(one.metres["not_driven"] > 10_000 for one in crossing)
    assert highways_of(found(two_operators(), Settlement("s1")), Roads(country)) == []


def test_neighbours_of_one_verdict_are_said_together(country: Places) -> None:
    findings = found(two_operators(), Highway(REF))
    runs = runs_of(stretches_of(findings, Roads(country), REF))
    assert [(run[0].operator, run[0].from_m, run[-1].to_m, run[0].word) for run in runs] == [
        ("North", 0, 40_000, "above"), ("North", 40_000, 160_000, "below"),
        ("South", 0, 120_000, "above"),
    ]  # fmt: skip
    said = run_sentence(runs[1], RULE.rate_bps, EN).text("en")
    assert said.startswith(f"{REF}, km 40–160 (North): each of 12 stretches below 100 Mbps")
    assert said.endswith("without service: 7")
    single = run_sentence(runs[0][:1], RULE.rate_bps, EN).text("en")
    assert single == f"{REF}, km 0–10 (North): above 100 Mbps, 15 tests, 95 %"


def test_a_gap_or_age_ends_a_run() -> None:
    def metres(*kilometres: int) -> list[dict[str, object]]:
        return [
            {"chainage_m": km * 1_000.0, **row} for km in kilometres for row in results("a" * 8)
        ]

    old = [
        {**row, "started_utc_us": NOW_UTC_US - (400 + n) * DAY_US}
        for n, row in enumerate(metres(40))
    ]
    findings = found(measurements([*metres(0, 10, 30), *old]))
    runs = runs_of(stretches_of(findings, Roads(None), "KAZ01"))
    assert [[one.from_m for one in run] for run in runs] == [[0, 10_000], [30_000], [40_000]]
    assert "more than a year old" in run_sentence(runs[2], RULE.rate_bps, EN).text("en")


def test_the_filter_is_applied(country: Places) -> None:
    findings = found(two_operators(), Highway(REF), scope=Scope(operator=("South",)))
    assert findings.operators == ("South",)
    assert set(findings.tests["operator"]) == {"South"}
