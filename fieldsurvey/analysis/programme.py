"""The rows of the national programme: data with a version, read from a target file.

Must not judge: :mod:`fieldsurvey.analysis.targets_board` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from fieldsurvey.analysis.sentence import grouped
from fieldsurvey.analysis.targets import (
    NATIONAL,
    JudgedBy,
    bad_targets,
    load_judged_by,
    target_file,
)
from fieldsurvey.model.messages import Message, message, resources_dir

SHIPPED = "kazakhstan-2027.toml"


@dataclass(frozen=True, slots=True)
class CityName(Message):
    """What a city is called in each language. A target file says so, not our catalogue."""

    def text(self, language: str = "en") -> str:
        return str(self.args[language])


def city_name(names: Sequence[str]) -> Message:
    """Return the name of a city that is known by ``names``: in Kazakh, Russian, English, then
    others. Where there are fewer, the first is told in all."""
    kk, ru, en = names[:3] if len(names) >= 3 else [names[0]] * 3
    return CityName("analysis.city", {"kk": kk, "ru": ru, "en": en})


class Kind(StrEnum):
    """How a row is judged."""

    POPULATION = "population"  # share of people in settlements above the target
    SPEED = "speed"  # median of tests
    ACCESS = "access"  # share of villages that an access type reaches, where it was tried
    SETTLEMENTS = "settlements"  # share of settlements with a radio technology
    CITIES = "cities"  # share of the territory of cities with one
    HIGHWAYS = "highways"  # kilometres with one
    EVENT = "event"
    CONDUCT = "conduct"


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """What is promised. ``share``: of people, settlements or territory, 0 to 1; ``cities``: each by
    its names, see :func:`city_name`. A place has one of ``technologies`` where ``seconds_share`` of
    ``fewest_seconds`` or more have."""

    id: str
    kind: Kind
    target: str = NATIONAL
    share: float = 1.0
    median_bps: int = 0
    access_type: str = ""
    technologies: tuple[str, ...] = ()
    seconds_share: float = 1.0
    fewest_seconds: int = 1
    km: float = 0.0
    cities: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> Message:
        """Return the promise in words."""
        return message(
            f"analysis.promise_{self.id.replace('-', '_')}",
            percent=f"{100 * self.share:g}",
            mbps=f"{self.median_bps / 1e6:g}",
            km=grouped(self.km),
        )


@dataclass(frozen=True, slots=True)
class Programme:
    """A target file's promises, and how places are judged by each of its targets."""

    version: str
    rows: tuple[ProgrammeRow, ...]
    judged_by: dict[str, JudgedBy]


def load_programme(path: Path | None = None) -> Programme:
    """Return the programme of a target file, or the one that ships. Raises KnownError
    ``analysis.bad_targets``."""
    path = path or resources_dir() / "targets" / SHIPPED
    content = target_file(path)
    try:
        rows = msgspec.convert(content["programme"], tuple[ProgrammeRow, ...])
        judged = load_judged_by(path)
        for row in rows:
            if row.kind in (Kind.POPULATION, Kind.SPEED) and row.target not in judged:
                raise ValueError(f"{row.id}: no target {row.target} with a table place")
            if not 0 < row.share <= 1 or not 0 < row.seconds_share <= 1:
                raise ValueError(f"{row.id}: shares lie between 0 and 1")
        return Programme(str(content["version"]), rows, judged)
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        raise bad_targets(path, error) from error
