"""Tests that a regulator's format has no room for, as a list beside it: never filled in, never
dropped in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.tables import SurveyTables

HEADER = ("test_id", "reason")

Reasons = Callable[[SurveyTables], Mapping[str, str]]


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
