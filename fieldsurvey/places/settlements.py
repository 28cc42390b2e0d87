"""Which settlement a point lies in, by its border or else by a radius around its centre.

Must not guess: outside every border and radius there is no settlement, however near one may be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fieldsurvey.places.geometry import Floats, Ints, locate, reach_in_plane, to_plane
from fieldsurvey.places.grid import SegmentGrid

# A village strung along its street is 1 to 3 km long; GNSS error does not matter at this size.
VILLAGE_RADIUS_M = 1_500.0
# Where a source tells the class but no population.
RADIUS_BY_CLASS_M: Mapping[str, float] = {"city": 6_000.0, "town": 3_000.0}
# A disc of this density holds the population: two million people 17.8 km, 20,000 people 1.8 km.
# Lower than a dense city, so that its suburbs are still in it.
PEOPLE_PER_KM2 = 2_000.0
MAX_RADIUS_M = 20_000.0


def radius_m(population: int, place_class: str = "") -> float:
    """Return the radius of a settlement without a border; ``population`` is -1 if unknown."""
    if population > 0:
        disc_m = 1_000.0 * math.sqrt(population / (math.pi * PEOPLE_PER_KM2))
        return min(max(disc_m, VILLAGE_RADIUS_M), MAX_RADIUS_M)
    return RADIUS_BY_CLASS_M.get(place_class, VILLAGE_RADIUS_M)


@dataclass(frozen=True, slots=True, eq=False)
class SettlementTable:
    """One entry per settlement in every column. Names are "" and ``population`` -1 if unknown.

    ``border_wkb`` is the border in degrees, or None where ``radius_m`` decides.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    name_en: tuple[str, ...]
    name_ru: tuple[str, ...]
    name_kk: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    population: Ints
    radius_m: Floats
    border_wkb: tuple[bytes | None, ...]

    def __len__(self) -> int:
        return len(self.id)

    def name_in(self, index: int, language: str) -> str:
        """Return the name in ``language``, else the source's own, else any."""
        by_language = {"en": self.name_en, "ru": self.name_ru, "kk": self.name_kk}
        wanted = by_language.get(language, self.name)
        columns = (wanted, self.name, self.name_ru, self.name_kk, self.name_en)
        return next((column[index] for column in columns if column[index]), "")

    def names_in(self, language: str) -> dict[str, str]:
        """Return id → :meth:`name_in` of those that have one."""
        named = {id_: self.name_in(index, language) for index, id_ in enumerate(self.id)}
        return {id_: name for id_, name in named.items() if name}


@dataclass(frozen=True, slots=True, eq=False)
class SettlementMatches:
    """Arrays of one value per point: ``index`` is -1 for none, ``distance_m`` is then NaN."""

    index: Ints
    distance_m: Floats


class SettlementIndex:
    """Answers for a fixed table; immutable, so any thread may ask."""

    def __init__(self, table: SettlementTable) -> None:
        bordered = np.array([border is not None for border in table.border_wkb], bool)
        self._round = np.flatnonzero(~bordered)
        latitude, longitude = table.latitude_deg[self._round], table.longitude_deg[self._round]
        self._radius_m = table.radius_m[self._round]
        x, y = to_plane(latitude, longitude)
        reach = reach_in_plane(self._radius_m, latitude)
        self._grid = SegmentGrid(x, y, x, y, reach)
        self._borders = _Borders(table.border_wkb) if bordered.any() else None

    def nearest(self, latitude_deg: Floats, longitude_deg: Floats) -> SettlementMatches:
        """Return the settlement of each of n points: the smallest border around it (distance 0),
        else the nearest centre whose radius reaches it (distance to the centre)."""
        latitude = np.asarray(latitude_deg, float)
        longitude = np.asarray(longitude_deg, float)
        index = np.full(len(latitude), -1, np.int64)
        distance_m = np.full(len(latitude), np.nan)
        for chunk in SegmentGrid.chunks(len(latitude)):
            self._by_radius(latitude[chunk], longitude[chunk], index[chunk], distance_m[chunk])
        if self._borders is not None:
            inside = self._borders.around(latitude, longitude)
            index = np.where(inside >= 0, inside, index)
            distance_m = np.where(inside >= 0, 0.0, distance_m)
        return SettlementMatches(index, distance_m)

    def _by_radius(
        self, latitude: Floats, longitude: Floats, index: Ints, distance_m: Floats
    ) -> None:
        """Fill ``index`` and ``distance_m`` where a radius reaches."""
        x, y, scale = locate(latitude, longitude)
        found = self._grid.candidates(x, y)
        if not len(found.points):
            return
        metres = found.distance * np.repeat(scale[found.points], found.counts)
        metres[metres > self._radius_m[found.segments]] = np.inf
        winner = found.first_lowest(metres)
        hit = np.isfinite(metres[winner])
        index[found.points[hit]] = self._round[found.segments[winner[hit]]]
        distance_m[found.points[hit]] = metres[winner[hit]]


class _Borders:
    """Borders in a tree, in degrees; the smallest one around a point is its own."""

    def __init__(self, border_wkb: Sequence[bytes | None]) -> None:
        import shapely  # heavy, and most places files have no borders

        known = [(i, wkb) for i, wkb in enumerate(border_wkb) if wkb is not None]
        polygons = shapely.from_wkb([wkb for _, wkb in known])
        by_size = np.argsort(shapely.area(polygons), kind="stable")
        self._settlement = np.array([i for i, _ in known])[by_size]
        self._tree = shapely.STRtree(polygons[by_size])

    def around(self, latitude_deg: Floats, longitude_deg: Floats) -> Ints:
        import shapely

        usable = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
        points = shapely.points(longitude_deg[usable], latitude_deg[usable])
        point, polygon = self._tree.query(points, predicate="intersects")
        smallest = np.full(len(points), len(self._settlement))
        np.minimum.at(smallest, point, polygon)
        inside = np.full(len(latitude_deg), -1, np.int64)
        inside[usable] = np.append(self._settlement, -1)[smallest]
        return inside
