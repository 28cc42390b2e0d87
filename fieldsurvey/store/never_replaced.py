"""Surveys are evidence: nothing that is made of them for people to read takes the place of one."""

from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.migrations import APPLICATION_ID
from fieldsurvey.store.survey_file import SUFFIX

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = 68  # of 4 bytes, big-endian. Source: SQLite, "Database File Format"


def refuse_survey(path: Path) -> None:
    """Raise KnownError ``store.never_replaced`` where ``path`` has the name of a survey (an
    encrypted one has no head to tell it by), or is one of another name.

    What cannot be looked at is for those to tell who write there.
    """
    if path.suffix == SUFFIX or _is_survey(path):
        raise KnownError("store.never_replaced", path=path)


def _is_survey(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_APPLICATION_ID_AT + 4)
    except OSError:
        return False
    application_id = int.from_bytes(head[_APPLICATION_ID_AT:], "big")
    return head.startswith(_MAGIC) and application_id == APPLICATION_ID
