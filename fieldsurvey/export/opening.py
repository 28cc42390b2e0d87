"""Survey files and archives become the tables that are judged and shown at a desk.

What is read is looked at only, and may be recorded to meanwhile. Must not judge; what a test counts
as is :mod:`fieldsurvey.model.tally`'s word. Imported where it is used: it needs polars.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from fieldsurvey.analysis.measurements import Measurements, nothing, together
from fieldsurvey.analysis.naming import named
from fieldsurvey.export.opening_archive import is_archive, open_archive
from fieldsurvey.export.opening_survey import open_survey
from fieldsurvey.export.placing import placed
from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import Places

Progress = Callable[[float], None]

_PLACING_SHARE = 0.1  # of the time, roughly


def open_measurements(
    paths: Sequence[Path],
    *,
    places: Places | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Measurements:
    """Open survey files, folders that ``sync fetch`` filled, and HQ's own folders as one.

    With ``places``, what has no place gets one. ``progress`` hears the share done, 0 to 1, in
    whatever thread. What cannot be opened is named in ``failed`` of what is returned, and the rest
    is opened; where nothing is left, its KnownError is raised: ``store.*``, ``analysis.*``. Raises
    KnownError ``analysis.opening_cancelled`` soon after ``cancelled`` returns True.
    """

    def told(share: float) -> None:
        if cancelled is not None and cancelled():
            raise KnownError("analysis.opening_cancelled")
        if progress is not None:
            progress(share)

    opened: list[Measurements] = []
    failed: list[tuple[Path, KnownError]] = []
    reading = 1.0 if places is None else 1.0 - _PLACING_SHARE
    for number, path in enumerate(paths):

        def told_of_one(share: float, number: int = number) -> None:
            told(reading * (number + share) / len(paths))

        told_of_one(0.0)
        try:
            opened.append(_open_one(path, told_of_one))
        except KnownError as error:
            if error.message.id == "analysis.opening_cancelled":
                raise
            failed.append((path, error))
    if failed and not opened:
        raise failed[0][1]
    whole = together(opened) if len(opened) > 1 else next(iter(opened), nothing())
    whole = named(whole)
    if places is not None:
        whole = placed(whole, places)
        told(1.0)
    return replace(whole, failed=tuple(error.message for _, error in failed))


def _open_one(path: Path, told: Progress) -> Measurements:
    if not path.is_dir():
        return open_survey(path, told)
    if not is_archive(path):
        raise KnownError("analysis.not_measurements", path=path)
    return open_archive(path, told)
