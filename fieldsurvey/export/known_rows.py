"""Rows that an earlier import brought: a log that has grown since, or was saved anew.

Such a file is another one by its content, and all that it shares with the earlier one would count
twice. It begins at the same time and is of the same format; then its rows are compared, so that two
phones that set out together stay two. Must not look at drives of our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import TypeVar

from fieldsurvey.model.drive import Event, Sample
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.survey_file import SurveyFile

_Row = TypeVar("_Row", Sample, ThroughputTest, Event)


class KnownRows:
    """What drives of a survey hold whose ``position_uri`` begins with ``kind`` and that begin at
    ``first_us``; of each row a digest is kept."""

    def __init__(self, survey: SurveyFile, kind: str, first_us: int) -> None:
        self._signs: set[bytes] = set()
        for drive in survey.drives():
            if drive.started_utc_us == first_us and drive.position_uri.startswith(kind):
                self._signs.update(map(_sign, survey.samples(drive.drive_id)))
                self._signs.update(map(_sign, survey.tests(drive.drive_id)))
                self._signs.update(map(_sign, survey.events(drive.drive_id)))

    def without(self, rows: Iterable[_Row], lines: Iterable[int], known: set[int]) -> list[_Row]:
        """Return the rows that are not there yet; add the lines of the others to ``known``."""
        if not self._signs:
            return list(rows)
        news = []
        for row, line in zip(rows, lines, strict=True):
            if _sign(row) in self._signs:
                known.add(line)
            else:
                news.append(row)
        return news


def _sign(row: Sample | ThroughputTest | Event) -> bytes:
    """By the whole content: a row taken for another one would be lost. (Python's own hash takes -1
    for -2.) A test's id comes from its file, and its judgement from the target of the day."""
    if isinstance(row, ThroughputTest):
        row = replace(row, test_id="", judgement=None)
    return blake2b(repr(row).encode(), digest_size=16).digest()
