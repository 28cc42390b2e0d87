"""Pieces of a file as drives of a survey, begun when they are first met and ended at the end.

Another tool's file is one drive. One of ours may hold several and keeps their ids, so that what
came from a survey can never be counted twice beside it. Must not commit: the caller holds the
transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fieldsurvey.export.delimited import LINE
from fieldsurvey.export.known_rows import KnownRows
from fieldsurvey.export.mean_verdict import judged_by_mean
from fieldsurvey.export.reading import ForeignEvent, Piece
from fieldsurvey.export.to_model import samples_from, tests_from
from fieldsurvey.model.drive import Drive, Event, EventKind, Sample, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
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

    def __init__(self, anchor_utc_us: int, before: KnownRows | None) -> None:
        self.before = before  # what an earlier import brought of it
        self.anchor_utc_us = anchor_utc_us
        self.ended_utc_us = anchor_utc_us
        self.newest_fix: Fix | None = None
        self.samples, self.tests, self.events = _Taken(), _Taken(), _Taken()


class _Taken:
    """Knows rows again that say the very same, in a file of any length: of each 16 bytes are kept,
    by which one in 10²⁰ pairs would pass for another."""

    def __init__(self) -> None:
        self._digests: pl.DataFrame | None = None

    def is_new(self, rows: pl.DataFrame) -> pl.Series:
        """Tell which rows say what none before them said; the number of a line says nothing."""
        import polars as pl

        said = rows.drop(LINE, strict=False)
        digests = pl.DataFrame([said.hash_rows(seed=seed).alias(str(seed)) for seed in (1, 2)])
        is_new = digests.to_struct().is_first_distinct()
        if self._digests is not None:
            # Those of the file are many: the table to look in is made of the piece's.
            again = self._digests.join(digests, on=digests.columns, how="semi")
            is_new &= ~digests.to_struct().is_in(again.to_struct().implode())
        news = digests.filter(is_new)
        self._digests = news if self._digests is None else self._digests.vstack(news)
        return is_new


class ImportedDrives:
    """Counts what it wrote: ``samples``, ``tests`` (of them judged by their ``means``), ``events``,
    what the store ``refused``, rows that an earlier import brought (``known``) and, of rows that
    say the very same as another one, ``repeated``."""

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
        self._kind = position_uri.rpartition(":")[0] + ":"  # without the name of the file
        self._app_version = app_version
        self._keeps_ids = keeps_ids
        self._target = target
        self._open: dict[str, _Open] = {}
        self._there: set[str] | None = None
        self.samples = self.tests = self.events = self.repeated = self.means = self.refused = 0
        self.known = 0

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
            repeated: set[int] = set()  # lines: one may be a second and a test
            known: set[int] = set()
            if tests is not None:
                new = self._new_of(tests, drive.tests, repeated)
                self._add_tests(survey, drive_id, drive, new, known)
            if samples is not None:
                new = self._new_of(samples, drive.samples, repeated)
                self._add_samples(survey, drive_id, drive, new, known)
            if piece.events:
                self._add_events(survey, drive_id, drive, piece.events, repeated, known)
            self.repeated += len(repeated)
            self.known += len(known)

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
            before = None if self._keeps_ids else KnownRows(survey, self._kind, first_us)
            survey.begin_drive(drive)
            self._open[drive_id] = _Open(first_us, before)
        return self._open[drive_id]

    def _new_of(self, frame: pl.DataFrame, taken: _Taken, repeated: set[int]) -> pl.DataFrame:
        """Return the rows that were not there before; add the lines of the others."""
        is_new = taken.is_new(frame)
        again = frame.filter(~is_new)
        # Our own tables come without lines, and each row of them is one thing.
        repeated.update(again[LINE] if LINE in frame.columns else range(len(again)))
        return frame.filter(is_new)

    def _add_samples(
        self,
        survey: SurveyFile,
        drive_id: str,
        drive: _Open,
        frame: pl.DataFrame,
        known: set[int],
    ) -> None:
        for rows in frame.iter_slices(_ROWS_AT_ONCE):
            samples = list(samples_from(rows, drive.anchor_utc_us))
            if drive.before is not None:
                samples = drive.before.without(samples, rows[LINE], known)
            if not samples:
                continue
            fixes = list(_new_fixes(drive, samples))
            said = survey.append(drive_id, samples=samples, fixes=fixes)
            self.samples += len(samples) - self._refused(said, Sample)
            newest = max(sample.utc_us for sample in samples)
            drive.ended_utc_us = max(drive.ended_utc_us, newest)

    def _add_tests(
        self,
        survey: SurveyFile,
        drive_id: str,
        drive: _Open,
        frame: pl.DataFrame,
        known: set[int],
    ) -> None:
        import polars as pl

        if not self._keeps_ids:
            # A file of JSON may be one line; the first test of a line has its name from that alone.
            places = frame.select(LINE, pl.int_range(pl.len()).over(LINE)).iter_rows()
            names = (f"{line}.{before}" if before else str(line) for line, before in places)
            ids = [str(uuid.uuid5(uuid.UUID(drive_id), name)) for name in names]
            started = frame.with_columns(test_id=pl.Series(ids, dtype=pl.String))
            if "started_utc_us" not in frame.columns:
                started = started.with_columns(started_utc_us="utc_us", ended_utc_us="utc_us")
            frame = started
        tests = list(tests_from(frame, drive.anchor_utc_us))
        if drive.before is not None:
            tests = drive.before.without(tests, frame[LINE], known)
        tests = [self._judged(test) for test in tests]
        said = survey.append(drive_id, tests=tests)
        self.tests += len(tests) - self._refused(said, ThroughputTest)
        for test in tests:
            drive.ended_utc_us = max(drive.ended_utc_us, test.ended_utc_us)

    def _refused(self, said: Sequence[Message], kind: type) -> int:
        """Return how many rows of a kind the store kept as text only, by what it says of them."""
        refused = sum(one.args["kind"] == kind.__name__ for one in said)
        self.refused += refused
        return refused

    def _judged(self, test: ThroughputTest) -> ThroughputTest:
        if self._target is None or self._keeps_ids:
            return test
        judged = judged_by_mean(test, self._target)
        self.means += judged.judgement is not None
        return judged

    def _add_events(
        self,
        survey: SurveyFile,
        drive_id: str,
        drive: _Open,
        found: list[ForeignEvent],
        repeated: set[int],
        known: set[int],
    ) -> None:
        import polars as pl

        said = [(event.line, event.utc_us, event.what) for event in found]
        rows = pl.DataFrame(said, schema=[LINE, "utc_us", "what"], orient="row")
        is_new = drive.events.is_new(rows)
        repeated.update(rows.filter(~is_new)[LINE])
        events = [
            Event(
                EventKind.MARK,
                event.utc_us,
                event.utc_us - drive.anchor_utc_us,
                message("import.foreign_event", what=event.what),
            )
            for event, new in zip(found, is_new, strict=True)
            if new
        ]
        if drive.before is not None:
            events = drive.before.without(events, rows.filter(is_new)[LINE], known)
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
