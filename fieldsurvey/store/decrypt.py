"""A plain copy of an encrypted survey, for tools that know SQLite only. The survey stays as it is.

The copy is for reading. Recorded into and sent, it would be a clone of the survey, and headquarters
would say so.
"""

import contextlib
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.driver import Connection, known_errors
from fieldsurvey.store.opening import connect_reader, examine, new_file


def decrypt(path: Path, plain_path: Path) -> None:
    """Make ``plain_path`` from the encrypted survey at ``path``; nobody else may read it.

    Raises KnownError ``store.plain`` where there is nothing to decrypt, ``store.exists``, and what
    opening a survey raises; there is no copy then.
    """
    key = examine(path, thoroughly=False)
    if key is None:
        raise KnownError("store.plain", path=path)
    with new_file(plain_path) as draft:
        draft.touch(0o600, exist_ok=False)
        with known_errors(path), contextlib.closing(connect_reader(path, key)) as survey:
            _export(survey, draft)
        examine(draft, thoroughly=True)


def _export(survey: Connection, draft: Path) -> None:
    survey.execute("ATTACH ? AS plain KEY ''", (f"{draft.absolute().as_uri()}?mode=rw",))
    survey.execute("BEGIN")  # one moment of a survey that may be recorded into
    survey.execute("SELECT sqlcipher_export('plain')").fetchone()
    for pragma in ("application_id", "user_version"):
        (value,) = survey.execute(f"PRAGMA main.{pragma}").fetchone()
        survey.execute(f"PRAGMA plain.{pragma}={value:d}")
    survey.execute("COMMIT")
    survey.execute("DETACH plain")
