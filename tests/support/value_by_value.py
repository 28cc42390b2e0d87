"""The seconds of a survey read a value at a time: what the quick way is compared with."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldsurvey.store.columns import SAMPLE_COLUMNS
from fieldsurvey.store.survey_file import SurveyFile


def read_seconds(path: Path, only: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Return ``only`` some of ``SAMPLE_COLUMNS``, in ``seq`` order; NaN where a number is not
    known, None where a word is not."""
    values = ", ".join(SAMPLE_COLUMNS[name][0] for name in only)
    sql = f"SELECT {values} FROM sample t LEFT JOIN sample_place p ON p.sample_seq = t.seq"
    with SurveyFile.open(path, read_only=True) as survey:
        cursor = survey.connection.execute(f"{sql} ORDER BY t.seq")
        rows = np.fromiter(cursor, dtype=[(name, SAMPLE_COLUMNS[name][1]) for name in only])
        columns = {name: np.ascontiguousarray(rows[name]) for name in only}
        for name, sql, side in (
            ("drive_index", "SELECT seq FROM drive", "left"),
            ("run", "SELECT seq FROM event WHERE kind = 'drive_resumed'", "right"),
        ):
            if name in columns:
                seqs = sorted(seq for (seq,) in survey.connection.execute(sql))
                columns[name] = np.searchsorted(seqs, columns[name], side)  # type: ignore[call-overload] # a literal in a tuple is any text
    return columns
