"""All formats by name, and the one way to write one of them to disk.

Shells call :func:`export_survey`; it touches nothing but the files it was asked for, and those
only once they are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from fieldsurvey.export.column_choice import with_choice
from fieldsurvey.export.csv_format import CsvSamples
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.fcc_format import Fcc
from fieldsurvey.export.geojson_format import GeoJson
from fieldsurvey.export.gpkg_format import GeoPackage
from fieldsurvey.export.gpx_format import Gpx
from fieldsurvey.export.homes import HomeArea, without_homes
from fieldsurvey.export.kml_format import Kml
from fieldsurvey.export.parquet_format import ParquetSamples
from fieldsurvey.export.replacing import Cancelled, Replacement, StoppableStream, known_error
from fieldsurvey.export.rtr_format import Rtr
from fieldsurvey.export.tables import LeftOut, SurveyTables
from fieldsurvey.model.errors import KnownError

FORMATS: Mapping[str, Exporter] = {
    exporter.name: exporter
    for exporter in cast(
        list[Exporter],
        [
            *(Gpx(), CsvSamples(), GeoJson(), GeoPackage(), Kml(), ParquetSamples()),
            *(Fcc(), Rtr()),
        ],
    )
}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written. ``points`` are samples (of GPX: those with a position of their own),
    ``bytes`` those of all ``paths``; ``path`` is the first of them. ``left_out``: inside homes."""

    path: Path
    points: int
    tests: int
    bytes: int
    paths: tuple[Path, ...]
    left_out: LeftOut


def export_survey(
    survey_path: Path,
    format_name: str,
    output: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    language: str = "en",
    homes: Sequence[HomeArea] = (),
    columns: Sequence[str] = (),
) -> ExportReport:
    """Write the survey at ``survey_path`` to ``output``, without what lies inside ``homes``; an
    older file there is replaced. Of the seconds, those ``columns`` are written, or all.

    Runs in the calling thread, for seconds; it may be a worker's. ``progress`` is told shares
    from 0 to 1. When ``cancelled`` returns True, or anything fails, files stay as they were.
    Raises ``KnownError``: ``export.unknown_format``, ``.fixed_columns``, ``.no_points``,
    ``.same_file``, ``.no_folder``, ``.read_only``, ``.disk_full``, ``.write_failed``,
    ``.cancelled``, and the store's own where the survey cannot be read.
    """
    from fieldsurvey.export.from_store import open_tables

    exporter = find_format(format_name)
    for path, _exporter in parts(exporter, output):
        if _same_file(path, survey_path):
            raise KnownError("export.same_file", path=path)
    with open_tables(survey_path, language) as tables:
        asked = with_choice(tables, exporter, columns)
        kept = without_homes(asked, homes)
        return write_tables(kept, exporter, output, progress=progress, cancelled=cancelled)


def _same_file(output: Path, survey_path: Path) -> bool:
    """Tell whether both are one file. What is not there, or cannot be looked at, is for those to
    tell that open it."""
    try:
        return output.samefile(survey_path)
    except OSError:
        return False


def find_format(name: str) -> Exporter:
    """Return the exporter called ``name`` or raise ``KnownError``."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise KnownError("export.unknown_format", format=name, known=known) from None


def parts(exporter: Exporter, output: Path) -> list[tuple[Path, Exporter]]:
    """Return the files that an export to ``output`` consists of, with who writes each."""
    files = [(output, exporter)]
    for behind, companion in exporter.companions.items():
        suffix = output.suffix if companion.suffix == exporter.suffix else companion.suffix
        files.append((output.with_name(f"{output.stem}{behind}{suffix}"), companion))
    return files


def write_tables(
    tables: SurveyTables,
    exporter: Exporter,
    output: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ExportReport:
    """Write ``tables`` as :func:`export_survey` does."""
    tell = progress or (lambda _share: None)
    files = parts(exporter, output)
    written, size = [], 0
    tell(0.0)
    try:
        with Replacement() as replacement:
            for number, (path, part) in enumerate(files):
                with replacement.file(path) as file:
                    stream = StoppableStream(file, cancelled or (lambda: False))
                    share = _share_of(tell, number, len(files))
                    written.append(part.write(tables, cast(BinaryIO, stream), share))
                size += stream.bytes_written
            if cancelled is not None and cancelled():
                raise Cancelled
            replacement.commit()
    except Cancelled:
        raise KnownError("export.cancelled", path=output) from None
    except OSError as error:
        raise known_error(error, output) from error
    tell(1.0)
    total = _sum(written)
    paths = tuple(path for path, _ in files)
    return ExportReport(output, total.points, total.tests, size, paths, tables.left_out)


def _share_of(tell: Progress, number: int, count: int) -> Progress:
    return lambda share: tell((number + share) / count)


def _sum(written: list[Written]) -> Written:
    return Written(
        sum(part.points for part in written),
        sum(part.tests for part in written),
    )
