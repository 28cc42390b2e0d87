"""What is selected as the tables that exporters take.

Out of survey files come all of their columns, for the rows that are selected; what came out of an
archive has the columns that a desk works with, the others are empty. Must not import Qt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fieldsurvey.export.tables import (
    CHUNK_ROWS,
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    SurveyTables,
    schema,
)
from fieldsurvey.gui.workbench.reachable import is_there

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements


@contextmanager
def tables_of_selection(
    selected: Measurements, paths: Sequence[Path], language: str
) -> Iterator[SurveyTables]:
    """Open ``paths`` once more and give what is selected of them; usable inside the block, in one
    thread. Raises the store's ``KnownError``."""
    if paths and not any(path.is_dir() for path in paths):
        with ExitStack() as stack:
            yield _of_surveys(selected, paths, language, stack)
    else:
        yield _of_tables(selected, language)


def _of_surveys(
    selected: Measurements, paths: Sequence[Path], language: str, stack: ExitStack
) -> SurveyTables:
    import polars as pl

    from fieldsurvey.export.from_store import open_tables

    surveys = [stack.enter_context(open_tables(path, language)) for path in paths]
    wanted = _drives(selected)
    tests = pl.concat([survey.tests for survey in surveys])
    drives = pl.concat([survey.drives for survey in surveys])
    times = _times(selected)

    def pieces() -> Iterator[pl.DataFrame]:
        copies: Counter[str] = Counter()  # of each drive, in the surveys before
        for survey in surveys:
            for piece in survey.sample_pieces():
                drive_id = piece["drive_id"][0]
                mine = times.get((drive_id, copies[drive_id]))
                if mine is not None:
                    kept = piece.filter(pl.col("utc_us").is_in(mine.implode()))
                    if len(kept):
                        yield kept
            copies.update(survey.drives["drive_id"])

    return SurveyTables(
        drives.filter(pl.col("drive_id").is_in(wanted.implode())).unique(
            "drive_id", keep="first", maintain_order=True
        ),
        tests.filter(pl.col("test_id").is_in(selected.tests["test_id"].implode())).unique(
            "test_id", keep="first", maintain_order=True
        ),
        len(selected.samples),
        pieces,
        language,
    )


def _drives(selected: Measurements) -> pl.Series:
    import polars as pl

    numbers = pl.concat([selected.tests["drive"], selected.samples["drive"]]).unique()
    return selected.drives["drive_id"].gather(numbers)


def _times(selected: Measurements) -> dict[tuple[str, int], pl.Series]:
    """Return the seconds that are selected of each drive, by its id and which of the copies of it
    that were opened they are of: one alone was taken."""
    import polars as pl

    copy = pl.int_range(pl.len()).over("drive_id")
    drives = selected.drives.select("drive_id", copy=copy).rows()
    return {
        drives[int(key[0])]: part["utc_us"]
        for key, part in selected.samples.select("drive", "utc_us").group_by("drive")
    }


def _of_tables(selected: Measurements, language: str) -> SurveyTables:
    import polars as pl

    drives = selected.drives.with_columns(plan_name="campaign")
    ids = drives["drive_id"]
    no_service = pl.col("result").cast(pl.String) == "no_service"
    tests = selected.tests.with_columns(
        drive_id=ids.gather(selected.tests["drive"]),
        no_service=no_service,
        duration_us=pl.col("ended_utc_us") - pl.col("started_utc_us"),
        idle_latency_p50_us="idle_latency_us",
        download_latency_p50_us="download_latency_us",
        start_highway_ref="highway_ref",
        start_chainage_m="chainage_m",
        end_chainage_m="end_chainage_m",
        start_settlement_id="settlement_id",
        start_settlement_name="settlement_name",
        places_version=pl.lit(selected.places_version),
    )
    samples = selected.samples.with_columns(drive_id=ids.gather(selected.samples["drive"]))

    def pieces() -> Iterator[pl.DataFrame]:
        for part in samples.partition_by("drive", maintain_order=True):
            for start in range(0, len(part), CHUNK_ROWS):
                yield _filled(part.slice(start, CHUNK_ROWS), SAMPLE_COLUMNS)

    wanted = _drives(selected)
    return SurveyTables(
        _filled(drives, DRIVE_COLUMNS).filter(pl.col("drive_id").is_in(wanted.implode())),
        _filled(tests, TEST_COLUMNS),
        len(samples),
        pieces,
        language,
    )


def _filled(frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return ``columns`` in their order, empty where ``frame`` has none of the name."""
    import polars as pl

    kinds = schema(columns)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kinds[name]).alias(name)
        for name in columns
    )


def export_selection(
    selected: Measurements,
    paths: Sequence[Path],
    format_name: str,
    output: Path,
    *,
    columns: Sequence[str] = (),
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
    language: str,
) -> tuple[Path, ...]:
    """Write what is selected to ``output``, of the seconds only ``columns`` if there are any, and
    return all files written. Raises ``KnownError`` as
    :func:`fieldsurvey.export.registry.export_survey` does."""
    from fieldsurvey.export.column_choice import with_choice
    from fieldsurvey.export.registry import find_format, parts, write_tables
    from fieldsurvey.model.errors import KnownError

    exporter = find_format(format_name)
    for path, _part in parts(exporter, output):
        there = [opened for opened in paths if is_there(path) and is_there(opened)]
        if any(path.samefile(opened) for opened in there):
            raise KnownError("export.same_file", path=path)
    with tables_of_selection(selected, paths, language) as tables:
        asked = with_choice(tables, exporter, columns)
        report = write_tables(asked, exporter, output, progress=progress, cancelled=cancelled)
    return report.paths
