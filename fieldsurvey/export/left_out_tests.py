"""Tests that a regulator's format has no room for, as a list beside it: never filled in, never
dropped in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from fieldsurvey.export.columns import with_drives
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.model.tally import Result, result_of
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict

HEADER = ("test_id", "reason")

Row = Mapping[str, Any]
Reasons = Callable[[SurveyTables], Mapping[str, str]]


def reasons_by(tables: SurveyTables, missing: Callable[[Row], str | None]) -> dict[str, str]:
    """Return test id → reason, of the tests (with what is known of their drives) that have one."""
    tests = with_drives(tables, tables.tests).iter_rows(named=True)
    reasons = {str(test["test_id"]): missing(test) for test in tests}
    return {test_id: reason for test_id, reason in reasons.items() if reason is not None}


def no_evidence(test: Row) -> str | None:
    """Say why a test is evidence of no network, for any regulator: ``not_made``, ``replayed``, or
    the tally's word where our own side or a busy server failed it or held it back."""
    if test["outcome"] not in (Outcome.COMPLETED, Outcome.FAILED):
        return "not_made"
    if test["replayed"]:
        return "replayed"
    result = result_of(
        Outcome(test["outcome"]),
        None if test["cause"] is None else Cause(test["cause"]),
        None if test["verdict"] is None else Verdict(test["verdict"]),
        limited=bool(test["limits"]),
        repeats=False,  # a second try on another server is a row of its own here
    )
    return result.value if result in (Result.FAILED, Result.SELF_LIMITED) else None


@dataclass(frozen=True, slots=True)
class LeftOutTests:
    """A row for each test that is left out; ``reasons`` gives test id → reason."""

    reasons: Reasons
    name: str = "left-out"
    suffix: str = ".csv"
    media_type: str = "text/csv; charset=utf-8; header=present"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write the list, which may have a header only."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(HEADER)
        writer.writerows(self.reasons(tables).items())
        stream.write(text.getvalue().encode())
        progress(1.0)
        return Written()
