"""The busy hour in words: never without its tests, never a rate where there was no service."""

from typing import Any

import polars as pl

from fieldsurvey.analysis.event import HOUR_COLUMNS
from fieldsurvey.analysis.event_sentence import busy_sentence, busy_span


def hours(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {"busy": True, "verdict": "undecided", "event_tests": 30, "event_no_service": 2}
    none = {"baseline_tests": 0, "baseline_no_service": 0}
    return pl.DataFrame([usual | none | row for row in rows], schema=HOUR_COLUMNS)


def test_the_busy_hour_is_told_with_its_tests_and_a_median_that_is_cut() -> None:
    said = busy_sentence(
        hours({"hour": 19, "verdict": "worse", "event_p50_bps": 99_999_999, "baseline_tests": 40})
    )
    assert said is not None
    assert said.text("en") == (
        "Busy hour 19:00–20:00: worse than usual, median 99.9 Mbps; tests: 30 (no service: 2), "
        "usually 40 (no service: 0); 95 %"
    )


def test_no_service_is_no_rate() -> None:
    said = busy_sentence(hours({"hour": 13}))
    assert said is not None
    assert said.text("en") == (
        "Busy hour 13:00–14:00: median no service; tests: 30 (no service: 2); "
        "nothing to compare with"
    )
    assert "0 Мбит" not in said.text("ru")


def test_a_rate_is_never_told_as_zero() -> None:
    for rate_bps, told in ((4_000, "<0.01"), (64_999, "0.06"), (118_340_000, "118")):
        said = busy_sentence(hours({"hour": 13, "event_p50_bps": rate_bps}))
        assert said is not None
        assert f"median {told} Mbps;" in said.text("en")


QUIETER = {"busy": False, "event_p50_bps": 50_000_000}


def test_equally_low_hours_in_a_row_are_one_span() -> None:
    usual = {"baseline_tests": 40, "baseline_no_service": 1}
    found = hours(
        {"hour": 12, **QUIETER},
        *({"hour": hour, "verdict": "worse", **usual} for hour in (13, 14)),
        {"hour": 15, **usual},
    )
    assert busy_span(found) == (13, 16)
    said = busy_sentence(found)
    assert said is not None
    assert said.text("en") == (
        "Busy hours 13:00–16:00, equally low: median no service; tests: 90 (no service: 6), "
        "usually 120 (no service: 3); of 3 hours worse than usual: 2, better: 0; 95 %"
    )


def test_equally_low_hours_apart_are_no_busy_hour() -> None:
    found = hours(*({"hour": hour} for hour in (9, 13, 14)), {"hour": 15, **QUIETER})
    assert busy_span(found) is None
    said = busy_sentence(found)
    assert said is not None
    assert said.text("en").startswith(
        "No single busy hour, 3 are equally low (9:00–10:00, 13:00–15:00): median no service; "
        "tests: 90 "
    )


def test_where_all_hours_are_alike_none_is_busy() -> None:
    too_few = {"hour": 15, "busy": False, "event_tests": 4}
    found = hours({"hour": 13}, {"hour": 14}, too_few)
    assert busy_span(found) is None
    said = busy_sentence(found)
    assert said is not None
    assert said.text("en").startswith("No single busy hour, 2 are equally low (13:00–15:00)")
    assert busy_span(hours({"hour": 13}, too_few)) == (13, 14), "the only one there is"


def test_without_enough_tests_there_is_no_busy_hour() -> None:
    found = hours({"hour": 9, "busy": False})
    assert (busy_sentence(found), busy_span(found)) == (None, None)
