"""The last resort: rows that the survey file would not take go to a survey of their own elsewhere.

Only at the end of a process whose disk is full or gone; until then rows simply wait.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from fieldsurvey.drive.recorder import Batch
from fieldsurvey.model.drive import Drive
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.store.survey_file import SurveyFile


def rescue(
    batch: Batch, drive: Drive, survey_path: Path, folders: Iterable[Path | None]
) -> Message:
    """Store ``batch`` in the first of ``folders`` (and at last the temporary one) that takes it."""
    reason: object = None
    for folder in (*folders, Path(tempfile.gettempdir())):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _fresh(folder / f"{survey_path.stem}-rescued.fsurvey")
            with SurveyFile.create(path) as survey:
                survey.begin_drive(drive)
                batch.append_to(survey, drive.drive_id)
        except (KnownError, OSError) as error:
            reason = error
            continue
        return message("drive.rescued", rows=len(batch), path=path)
    return message("drive.not_rescued", rows=len(batch), reason=reason)


def _fresh(path: Path) -> Path:
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return candidate
