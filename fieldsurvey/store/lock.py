"""One recorder per survey file. The lock is the operating system's: it goes when the process does.

It lies on a file beside the survey, not on the survey itself: closing any second handle to the
survey would drop SQLite's own locks. Readers need no lock.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path

from fieldsurvey.model.errors import KnownError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class SurveyLock:
    """Held from construction to :meth:`release`.

    Raises KnownError ``store.in_use`` if somebody else holds it, ``store.read_only`` or
    ``store.io`` if no file can be made in the folder.
    """

    def __init__(self, survey_path: Path) -> None:
        self._path = survey_path.with_name(survey_path.name + ".lock")
        self._handle = self._acquire(survey_path)

    def _acquire(self, survey_path: Path) -> int:
        while True:
            handle = _open(self._path, survey_path)
            try:
                _try_lock(handle)
            except OSError as error:
                os.close(handle)
                raise KnownError("store.in_use", path=survey_path) from error
            if self._is_current(handle):
                return handle
            os.close(handle)  # its last holder removed it in between

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go; the side file is removed where the system allows it."""
        if sys.platform == "win32":
            os.close(self._handle)
        with contextlib.suppress(OSError):
            self._path.unlink()
        if sys.platform != "win32":
            os.close(self._handle)


def _open(lock_path: Path, survey_path: Path) -> int:
    try:
        return os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise folder_error(error, survey_path) from error


def folder_error(error: OSError, survey_path: Path) -> KnownError:
    """Say why nothing can be written beside ``survey_path``."""
    folder = survey_path.parent
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return KnownError("store.read_only", path=folder)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KnownError("store.disk_full", path=survey_path)
    return KnownError("store.io", path=survey_path, detail=error.strerror or str(error))
