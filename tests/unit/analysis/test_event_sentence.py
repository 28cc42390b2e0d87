"""The busy hour in words: never without its tests, never a rate where there was no service."""

from typing import Any

import polars as pl

from fieldsurvey.analysis.event import HOUR_COLUMNS
from fieldsurvey.analysis.event_sentence import busy_sentence


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


def test_no_service_is_no_rate_and_equals_are_told() -> None:
    said = busy_sentence(hours({"hour": 13}, {"hour": 14}))
    assert said is not None
    assert said.text("en") == (
        "Busy hour 13:00–14:00: median no service; tests: 30 (no service: 2); "
        "nothing to compare with. Equally low hours besides: 1"
    )
    assert "0 Мбит" not in said.text("ru")


def test_without_enough_tests_there_is_no_busy_hour() -> None:
    assert busy_sentence(hours({"hour": 9, "busy": False})) is None
