"""A survey file as the tables exporters take, read through the store in pieces.

Memory is bounded by a piece, not by the survey. Must not write to the survey, nor know its SQL.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldsurvey.export.from_model import drives_frame, quantile
from fieldsurvey.export.tables import (
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    SurveyTables,
    schema,
)
from fieldsurvey.export.untold import without_untold
from fieldsurvey.store.columns import TEST_COLUMNS as STORED
from fieldsurvey.store.survey_file import SurveyFile

if TYPE_CHECKING:
    import polars as pl


@contextlib.contextmanager
def open_tables(survey_path: Path, language: str = "en") -> Iterator[SurveyTables]:
    """Open a survey for reading, beside a drive that may still write to it.

    To be used in one thread. Raises the store's ``KnownError`` where the file cannot be read.
    """
    with SurveyFile.open(survey_path, read_only=True) as survey:
        yield tables_of(survey, language)


def tables_of(survey: SurveyFile, language: str = "en") -> SurveyTables:
    """Return the tables of an open survey; they are usable while it is open."""
    drives = drives_frame(survey.drives())
    return SurveyTables(
        drives=drives,
        tests=_tests(survey, drives["drive_id"].to_list()),
        sample_count=survey.summary().samples,
        sample_pieces=lambda: _sample_pieces(survey.path, drives["drive_id"].to_list()),
        language=language,
    )


def _sample_pieces(path: Path, drive_ids: list[str]) -> Iterator[pl.DataFrame]:
    import polars as pl

    from fieldsurvey.store.bulk import sample_pieces

    kinds = schema(SAMPLE_COLUMNS)
    ids = pl.Series("drive_id", drive_ids, dtype=pl.String)
    for piece in sample_pieces(path, ["drive_index", *(n for n in kinds if n != "drive_id")]):
        # Rows of a drive that began after the drives were read are left for the next export.
        known = piece.filter(pl.col("drive_index") < len(ids))
        rows = known.with_columns(ids.gather(known["drive_index"]).alias("drive_id"))
        typed = rows.select(pl.col(name).cast(kind) for name, kind in kinds.items())
        yield from typed.partition_by("drive_id", maintain_order=True)


def _tests(survey: SurveyFile, drive_ids: list[str]) -> pl.DataFrame:
    import polars as pl

    from fieldsurvey.store.bulk import test_frame

    rows = test_frame(survey, list(STORED))
    ids = pl.Series(drive_ids, dtype=pl.String)
    rows = rows.filter(pl.col("drive_index") < len(ids))  # as of the seconds
    made: dict[str, pl.Series | list[Any]] = {"drive_id": ids.gather(rows["drive_index"])}
    for phase in ("idle", "download", "upload"):
        per_test = [
            None if packed is None else np.sort(np.frombuffer(packed, "<u4")).tolist()
            for packed in rows[f"{phase}_latency_us"]
        ]
        for name, share in (("p50", 0.5), ("p90", 0.9)):
            made[f"{phase}_latency_{name}_us"] = [
                None if times_us is None else quantile(times_us, share) for times_us in per_test
            ]
        made[f"{phase}_latency_count"] = [
            None if times_us is None else len(times_us) for times_us in per_test
        ]
    made["tags"] = rows["tags"].set(rows["tags"] == "{}", None)
    made["limits"] = [
        None if limits is None else "|".join(json.loads(limits)) for limits in rows["limits"]
    ]
    series = {
        name: pl.Series(made[name], dtype=kind) if name in made else rows[name].cast(kind)
        for name, kind in schema(TEST_COLUMNS).items()
    }
    return without_untold(pl.DataFrame(series))
