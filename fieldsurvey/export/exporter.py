"""What every export format promises to the registry.

A format writes bytes to a stream it is given; it opens, names and renames no file, and asks
nobody whether to go on: the stream stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from fieldsurvey.export.tables import SurveyTables

Progress = Callable[[float], None]  # told the share done, 0 to 1, never less than before


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a stream: samples with their point or row, and tests."""

    points: int = 0
    tests: int = 0


class Exporter(Protocol):
    """A format. ``companions`` are further files that belong to it, by what is put behind the
    name of the main one: ``{"-tests": ...}`` gives ``survey-tests.csv`` beside ``survey.csv``."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    @property
    def media_type(self) -> str: ...

    @property
    def companions(self) -> Mapping[str, Exporter]: ...

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write all of ``tables`` to ``stream``. Raises ``KnownError`` where the format cannot
        hold what the survey has; lets the stream's own errors pass."""
        ...
