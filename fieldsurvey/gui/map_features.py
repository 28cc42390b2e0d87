"""Highways and settlements as plain arrays, prepared for drawing.

The map knows nothing of the places file; ``features_of`` is the only bridge and is run by whoever
opens the window, outside of the paint loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.map_view import Floats, project
from fieldsurvey.places.places_file import Places


@dataclass(frozen=True)
class MapFeatures:
    """All highways in one pair of arrays (n vertices), all settlements in another (m points).

    ``joined[i]`` is True where vertex i is connected to vertex i+1. ``highway_of[i]`` indexes
    ``refs``. ``names`` holds m names per language, ``settlement_ids`` the ids that verdicts go by.
    """

    refs: tuple[str, ...]
    settlement_ids: tuple[str, ...]
    highway_x: Floats
    highway_y: Floats
    joined: NDArray[np.bool_]
    highway_of: NDArray[np.int32]
    chainage_m: Floats  # of each vertex, from the start of its own line
    settlement_x: Floats
    settlement_y: Floats
    population: Floats  # NaN where unknown
    names: dict[str, tuple[str, ...]]


def features_of(places: Places) -> MapFeatures:
    """Read everything the map draws out of ``places``."""
    lines = [line for line in places.highway_lines() if len(line.latitude_deg) > 1]
    latitudes = [np.asarray(line.latitude_deg, dtype=float) for line in lines]
    longitudes = [np.asarray(line.longitude_deg, dtype=float) for line in lines]
    lengths = [len(part) for part in latitudes]
    joined = np.ones(sum(lengths), dtype=bool)
    joined[np.cumsum(lengths, dtype=int) - 1] = False
    empty = np.zeros(0)
    highway_x, highway_y = project(
        np.concatenate([empty, *latitudes]), np.concatenate([empty, *longitudes])
    )
    table = places.settlements()
    settlement_x, settlement_y = project(
        np.asarray(table.latitude_deg, dtype=float), np.asarray(table.longitude_deg, dtype=float)
    )
    population = np.array([np.nan if p is None or p < 0 else float(p) for p in table.population])
    refs = tuple(dict.fromkeys(line.ref for line in lines))  # a highway may be several lines
    numbers = np.array([refs.index(line.ref) for line in lines], dtype=np.int32)
    return MapFeatures(
        refs=refs,
        settlement_ids=tuple(table.id),
        highway_x=highway_x,
        highway_y=highway_y,
        joined=joined,
        highway_of=np.repeat(numbers, lengths),
        chainage_m=np.concatenate([empty, *(np.asarray(line.chainage_m, float) for line in lines)]),
        settlement_x=settlement_x,
        settlement_y=settlement_y,
        population=population,
        names={
            "en": _filled(table.name_en, table.name),
            "kk": _filled(table.name_kk, table.name),
            "ru": _filled(table.name_ru, table.name),
        },
    )


def _filled(names: Sequence[str | None], fallback: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(name or other or "" for name, other in zip(names, fallback, strict=True))
