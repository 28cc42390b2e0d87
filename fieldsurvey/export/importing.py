"""Another tool's file into a survey: all of it or none of it, and never twice.

The one way in; commands and window call :func:`import_file`. A file becomes a drive whose id is a
digest of its content, so that the same file is known again under any name. What was not understood
goes into a file beside the survey and not to headquarters: nobody knows what is in it. Must not
change what a reader found, other than to judge it by its mean.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldsurvey import __version__
from fieldsurvey.export.delimited import OddRow
from fieldsurvey.export.exporter import Progress
from fieldsurvey.export.foreign import known_zone
from fieldsurvey.export.imported_drives import ImportedDrives
from fieldsurvey.export.odd_rows import odd_path_of, write_odd_rows
from fieldsurvey.export.readers import find_reader
from fieldsurvey.export.reading import Piece, Reader
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.model.verdict import Target
from fieldsurvey.store.survey_file import SurveyFile

_NAMESPACE = uuid.UUID("6f0f6a4e-5d4f-5c7e-9b0a-8a7f3d1c2b10")  # of drives that are imported


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. ``rows`` were read; each is a sample, a test or an event (one row may
    be several), or counted in ``repeated`` (the very same row once more), ``known`` (in the survey
    already, from a shorter or otherwise saved copy of the file), ``left_out`` (by
    message id), ``refused`` (out of the survey's ranges, kept as text) or ``odd``, of which
    ``cells_missing`` have lost cells on their way here.
    ``unused_columns`` have no place in a survey; ``absent_columns`` are those of an export of ours
    that this one does without."""

    format: str
    survey_path: Path
    drives: int
    rows: int
    samples: int
    tests: int
    events: int
    repeated: int
    odd: int
    odd_path: Path | None
    refused: int = 0
    known: int = 0
    cells_missing: int = 0
    means: int = 0  # tests judged by their mean alone
    left_out: Mapping[str, int] = field(default_factory=dict)
    unreadable_cells: Mapping[str, int] = field(default_factory=dict)
    unused_columns: tuple[str, ...] = ()
    absent_columns: tuple[str, ...] = ()
    zone: str = "UTC"
    zone_assumed: bool = False  # times without a zone, and nobody said of which they are


def import_file(
    path: Path,
    survey_path: Path,
    *,
    target: Target | None = None,
    zone: str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImportReport:
    """Add the measurements in ``path`` to the survey at ``survey_path``, which is made if need be.

    ``target``: by which tests without a verdict are judged; none are without it. ``zone``: an IANA
    name, for formats whose times have none; UTC if it is None, which the report tells. Runs in the
    calling thread for seconds. When ``cancelled`` returns True, or anything fails, the survey stays
    as it was. Raises ``KnownError`` ``import.unknown_format``, ``.missing``, ``.unreadable``,
    ``.needed_columns``, ``.nothing``, ``.nothing_kept``, ``.nothing_understood``,
    ``.nothing_whole``, ``.strange_cell``, ``.twice``, ``.unknown_zone``, ``.cancelled``, and the
    store's own.
    """
    tell = progress or (lambda _share: None)
    used_zone = known_zone(zone)
    tell(0.0)
    source = Source(path)
    reader = find_reader(source)
    drive_id = str(uuid.uuid5(_NAMESPACE, source.digest()))
    taking = _Taking(path.name, reader, drive_id, target, tell, cancelled or (lambda: False))
    is_new = not survey_path.exists()
    survey = SurveyFile.create(survey_path) if is_new else SurveyFile.open(survey_path)
    try:
        with survey, survey.transaction():
            taking.take(survey, reader.read(source, used_zone))
            odd_path = _keep_odd_rows(survey_path, source, drive_id, taking.odd)
    except BaseException:
        if is_new:
            survey_path.unlink(missing_ok=True)
        raise
    tell(1.0)
    return ImportReport(
        format=reader.name,
        survey_path=survey_path,
        drives=len(taking.drives),
        rows=taking.rows,
        samples=taking.drives.samples,
        tests=taking.drives.tests,
        events=taking.drives.events,
        repeated=taking.drives.repeated + taking.repeated,
        odd=len(taking.odd),
        odd_path=odd_path,
        refused=taking.drives.refused,
        known=taking.drives.known,
        cells_missing=taking.cells_missing,
        means=taking.drives.means,
        left_out=dict(taking.left_out),
        unreadable_cells=dict(taking.unreadable_cells),
        unused_columns=tuple(sorted(taking.unused_columns)),
        absent_columns=tuple(sorted(taking.absent_columns)),
        zone=used_zone,
        zone_assumed=zone is None and (taking.without_zone or not reader.has_zone),
    )


class _Taking:
    """One file on its way into one survey."""

    def __init__(
        self,
        file_name: str,
        reader: Reader,
        drive_id: str,
        target: Target | None,
        tell: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        self._file_name = file_name
        self._tell = tell
        self._cancelled = cancelled
        self.drives = ImportedDrives(
            drive_id,
            position_uri=f"import:{reader.name}:{file_name}",
            app_version=f"{__version__} import {reader.name}",
            keeps_ids=reader.exported,
            target=target,
        )
        self.rows = self.repeated = 0
        self.without_zone = False
        self.odd: list[OddRow] = []
        self.left_out: Counter[str] = Counter()
        self.unreadable_cells: Counter[str] = Counter()
        self.unused_columns: set[str] = set()
        self.absent_columns: set[str] = set()

    def take(self, survey: SurveyFile, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if self._cancelled():
                raise KnownError("import.cancelled", path=self._file_name)
            self.drives.add(survey, piece)
            self.rows += piece.rows
            self.repeated += piece.repeated
            self.without_zone |= piece.without_zone
            self.odd += piece.odd
            self.left_out += piece.left_out
            self.unreadable_cells += piece.unreadable_cells
            self.unused_columns |= piece.unused_columns
            self.absent_columns |= piece.absent_columns
            self._tell(min(piece.share, 1.0))
        self.drives.finish(survey, len(self.odd))
        if not (self.drives.samples or self.drives.tests or self.drives.events):
            if self.drives.known:
                raise KnownError("import.twice", path=survey.path, name=self._file_name)
            raise self._nothing()

    def _nothing(self) -> KnownError:
        odd = len(self.odd)
        if self.cells_missing:
            return KnownError("import.nothing_whole", path=self._file_name, odd=odd)
        left_out = self.left_out + Counter(refused=self.drives.refused)
        if not odd and left_out:
            ((name, count),) = left_out.most_common(1)
            why = message(f"import.{name}", count=count)
            return KnownError("import.nothing_kept", path=self._file_name, why=why)
        if not odd:
            return KnownError("import.nothing", path=self._file_name)
        reason, _count = Counter(row.reason for row in self.odd).most_common(1)[0]
        why = message(f"import.{reason}")
        return KnownError("import.nothing_understood", path=self._file_name, odd=odd, why=why)

    @property
    def cells_missing(self) -> int:
        """Return how many odd rows have lost cells; one that is torn off is where a log ended."""
        reasons = Counter(row.reason for row in self.odd)
        rows = reasons["odd_cells"] + reasons["odd_short"]
        return rows if reasons["odd_cells"] or rows > 1 else 0


def _keep_odd_rows(
    survey_path: Path, source: Source, drive_id: str, odd: Sequence[OddRow]
) -> Path | None:
    if not odd:
        return None
    path = odd_path_of(survey_path, source.path, drive_id)
    write_odd_rows(path, source.path.name, odd)
    return path
