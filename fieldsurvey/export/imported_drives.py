"""Pieces of a file as drives of a survey, begun when they are first met and ended at the end.

Another tool's file is one drive. One of ours may hold several and keeps their ids, so that what
came from a survey can never be counted twice beside it. Must not commit: the caller holds the
transaction.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from fieldsurvey.export.delimited import LINE
from fieldsurvey.export.mean_verdict import judged_by_mean
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.to_model import samples_from, tests_from
from fieldsurvey.model.drive import Drive, Event, EventKind, Sample, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.model.verdict import Target
from fieldsurvey.store.survey_file import SurveyFile

if TYPE_CHECKING:
    import polars as pl

_ROWS_AT_ONCE = 5_000


class _Open:
    """A drive that was begun."""

    def __init__(self, anchor_utc_us: int) -> None:
        self.anchor_utc_us = anchor_utc_us
        self.ended_utc_us = anchor_utc_us
        self.newest_fix: Fix | None = None


class ImportedDrives:
    """Counts what it wrote: ``samples``, ``tests`` (of them judged by their ``means``), ``events``
    and, of samples that say the very same as another one, ``repeated``."""

    def __init__(
        self,
        drive_id: str,
        *,
        position_uri: str,
        app_version: str,
        keeps_ids: bool,
        target: Target | None,
    ) -> None:
        self._drive_id = drive_id
        self._position_uri = position_uri
        self._app_version = app_version
        self._keeps_ids = keeps_ids
        self._target = target
        self._open: dict[str, _Open] = {}
        self._there: set[str] | None = None
        self.samples = self.tests = self.events = self.repeated = self.means = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, survey: SurveyFile, piece: Piece) -> None:
        """Write what is in ``piece``. Raises ``KnownError`` ``import.twice`` where a drive of it
        is in the survey already."""
        for drive_id, samples, tests in self._by_drive(piece):
            first_us = _first_us(samples, tests, piece)
            if first_us is None:
                continue
            drive = self._opened(survey, drive_id, first_us, tests, samples)
            if tests is not None:
                self._add_tests(survey, drive_id, drive, tests)
            if samples is not None:
                self._add_samples(survey, drive_id, drive, samples)
            self._add_events(survey, drive_id, drive, piece)

    def finish(self, survey: SurveyFile, odd_rows: int) -> None:
        """End all drives; note in each how many rows of the file were put aside."""
        for drive_id, drive in self._open.items():
            if odd_rows:
                note = Event(
                    EventKind.MARK,
                    drive.ended_utc_us,
                    drive.ended_utc_us - drive.anchor_utc_us,
                    message("import.rows_aside", odd=odd_rows),
                )
                survey.append(drive_id, events=[note])
            survey.end_drive(drive_id, drive.ended_utc_us)

    def _by_drive(self, piece: Piece) -> list[tuple[str, pl.DataFrame | None, pl.DataFrame | None]]:
        if not self._keeps_ids:
            return [(self._drive_id, piece.samples, piece.tests)]
        found: list[tuple[str, pl.DataFrame | None, pl.DataFrame | None]] = []
        for number, frame in enumerate((piece.samples, piece.tests)):
            if frame is not None and len(frame):
                for part in frame.partition_by("drive_id", maintain_order=True):
                    pair = (part, None) if number == 0 else (None, part)
                    found.append((str(part["drive_id"][0]), *pair))
        return found

    def _opened(
        self,
        survey: SurveyFile,
        drive_id: str,
        first_us: int,
        tests: pl.DataFrame | None,
        samples: pl.DataFrame | None,
    ) -> _Open:
        if drive_id not in self._open:
            if self._there is None:
                self._there = {drive.drive_id for drive in survey.drives()}
            if drive_id in self._there:
                raise KnownError("import.twice", path=survey.path, name=self._position_uri)
            rows = samples if tests is None else tests
            replayed = rows is not None and "replayed" in rows.columns and bool(rows["replayed"][0])
            drive = Drive(
                drive_id,
                first_us,
                SurveyPlan(name="import", access_type=AccessType.UNKNOWN),
                self._position_uri,
                self._position_uri,
                self._app_version,
                replayed,
            )
            survey.begin_drive(drive)
            self._open[drive_id] = _Open(first_us)
        return self._open[drive_id]

    def _add_samples(
        self, survey: SurveyFile, drive_id: str, drive: _Open, frame: pl.DataFrame
    ) -> None:
        measured = [name for name in frame.columns if name != LINE]
        distinct = frame.unique(subset=measured, keep="first", maintain_order=True)
        self.repeated += len(frame) - len(distinct)
        for rows in distinct.iter_slices(_ROWS_AT_ONCE):
            samples = list(samples_from(rows, drive.anchor_utc_us))
            survey.append(drive_id, samples=samples, fixes=list(_new_fixes(drive, samples)))
            self.samples += len(samples)
            newest = max(sample.utc_us for sample in samples)
            drive.ended_utc_us = max(drive.ended_utc_us, newest)

    def _add_tests(
        self, survey: SurveyFile, drive_id: str, drive: _Open, frame: pl.DataFrame
    ) -> None:
        import polars as pl

        if not self._keeps_ids:
            ids = [str(uuid.uuid5(uuid.UUID(drive_id), str(line))) for line in frame[LINE]]
            started = frame.with_columns(test_id=pl.Series(ids, dtype=pl.String))
            if "started_utc_us" not in frame.columns:
                started = started.with_columns(started_utc_us="utc_us", ended_utc_us="utc_us")
            frame = started
        tests = [self._judged(test) for test in tests_from(frame, drive.anchor_utc_us)]
        survey.append(drive_id, tests=tests)
        self.tests += len(tests)
        for test in tests:
            drive.ended_utc_us = max(drive.ended_utc_us, test.ended_utc_us)

    def _judged(self, test: ThroughputTest) -> ThroughputTest:
        if self._target is None or self._keeps_ids:
            return test
        judged = judged_by_mean(test, self._target)
        self.means += judged.judgement is not None
        return judged

    def _add_events(self, survey: SurveyFile, drive_id: str, drive: _Open, piece: Piece) -> None:
        events = [
            Event(
                EventKind.MARK,
                event.utc_us,
                event.utc_us - drive.anchor_utc_us,
                message("import.foreign_event", what=event.what),
            )
            for event in piece.events
        ]
        survey.append(drive_id, events=events)
        self.events += len(events)
        for event in events:
            drive.ended_utc_us = max(drive.ended_utc_us, event.utc_us)


def _first_us(samples: pl.DataFrame | None, tests: pl.DataFrame | None, piece: Piece) -> int | None:
    """Return the earliest time in a piece."""
    times = [event.utc_us for event in piece.events]
    for frame in (samples, tests):
        if frame is None or not len(frame):
            continue
        column = "utc_us" if "utc_us" in frame.columns else "started_utc_us"
        times.append(int(str(frame[column].min())))
    return min(times, default=None)


def _new_fixes(drive: _Open, samples: list[Sample]) -> list[Fix]:
    """Return each fix once, as a receiver would have given it."""
    fixes = []
    for sample in samples:
        if sample.fix is not None and sample.fix != drive.newest_fix:
            fixes.append(sample.fix)
            drive.newest_fix = sample.fix
    return fixes
