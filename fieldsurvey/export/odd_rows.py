"""Rows of an imported file that were not understood, as a CSV file beside the survey.

One file for each import, so that importing again after a failure writes the same one.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fieldsurvey.export.delimited import OddRow
from fieldsurvey.export.replacing import Replacement, known_error
from fieldsurvey.model.messages import message

HEADER = ("source_file", "line", "reason", "content")


def odd_path_of(survey_path: Path, source_path: Path, drive_id: str) -> Path:
    """Return where the odd rows of a file go: ``survey-import-odd-log-1a2b3c4d.csv``."""
    name = f"{survey_path.stem}-import-odd-{source_path.stem}-{drive_id[:8]}.csv"
    return survey_path.with_name(name)


def write_odd_rows(path: Path, source_name: str, odd: Sequence[OddRow]) -> None:
    """Write ``odd`` with the numbers of their lines. Raises ``KnownError`` as an export does."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in odd:
        reason = message(f"import.{row.reason}").text("en")
        writer.writerow((source_name, row.line, reason, row.content))
    try:
        with Replacement() as replacement:
            with replacement.file(path) as stream:
                stream.write(text.getvalue().encode("utf-8", errors="replace"))
            replacement.commit()
    except OSError as error:
        raise known_error(error, path) from error
