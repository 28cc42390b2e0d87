"""Settlement features become one table: outside ones skipped, the same place twice merged.

Sources repeat themselves and each other: a village as a point and as a border, under two
spellings, 400 m apart. Merged ones are named in the report. Must not invent coordinates or names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.messages import message
from fieldsurvey.places.features import ID_NAMES, Feature
from fieldsurvey.places.geometry import Floats, metres_per_degree
from fieldsurvey.places.report import Kind, Log
from fieldsurvey.places.settlements import SettlementTable, radius_m

SAME_PLACE_M = 1_000.0


@dataclass(slots=True)
class _Settlement:
    feature: Feature
    latitude_deg: float
    longitude_deg: float
    border: Any = None
    population: int = -1
    name: str = ""
    name_en: str = ""
    name_ru: str = ""
    name_kk: str = ""

    @property
    def keys(self) -> set[str]:
        names = (self.name, self.name_en, self.name_ru, self.name_kk)
        return {name.casefold().replace("ё", "е") for name in names if name}

    @property
    def richness(self) -> tuple[bool, int, int]:
        return (self.border is not None, self.population, len(self.keys))

    def is_same_place(self, other: "_Settlement") -> bool:
        apart_m = distance_m(
            self.latitude_deg, self.longitude_deg, other.latitude_deg, other.longitude_deg
        )
        if apart_m < SAME_PLACE_M:
            return True
        if self.border is None or other.border is not None:
            return False
        return bool(self.border.intersects(other.feature.geometry))

    def absorb(self, other: "_Settlement") -> None:
        """Fill in what is missing; what is known stays."""
        for column in ("name_en", "name_ru", "name_kk"):
            if not getattr(self, column):
                setattr(self, column, getattr(other, column))
        self.population = max(self.population, other.population)


def merge_settlements(
    features: Iterable[Feature], areas: Sequence[Any], log: Log
) -> SettlementTable:
    """Return the table of distinct settlements, those inside ``areas`` if there are any."""
    settlements = _inside([_settlement(feature) for feature in features], areas, log)
    kept: list[_Settlement] = []
    by_name: dict[str, list[_Settlement]] = {}
    for item in sorted(settlements, key=lambda item: item.richness, reverse=True):
        twins = (other for key in sorted(item.keys) for other in by_name.get(key, ()))
        twin = next((other for other in twins if other.is_same_place(item)), None)
        if twin is None:
            kept.append(item)
            for key in item.keys:
                by_name.setdefault(key, []).append(item)
        else:
            twin.absorb(item)
            _skip(item, log, "places.skip_same_settlement", f"= {twin.feature.label}")
    return _table(kept)


def _settlement(feature: Feature) -> _Settlement:
    import shapely

    border = None
    if feature.geometry.geom_type == "Point":
        point = feature.geometry
    else:
        border = shapely.make_valid(feature.geometry)
        point = border.centroid if border.contains(border.centroid) else border.point_on_surface()
    return _Settlement(
        feature=feature,
        latitude_deg=point.y,
        longitude_deg=point.x,
        border=border,
        population=feature.population,
        name=feature.any_name,
        name_en=feature.name_in("en"),
        name_ru=feature.name_in("ru"),
        name_kk=feature.name_in("kk"),
    )


def _inside(settlements: list[_Settlement], areas: Sequence[Any], log: Log) -> list[_Settlement]:
    import shapely

    if not areas:
        if settlements:
            log.note("places.warn_no_area")
        return settlements
    borders = shapely.make_valid(np.array(areas, object))
    tree = shapely.STRtree(borders)
    points = shapely.points([(item.longitude_deg, item.latitude_deg) for item in settlements])
    inside = np.zeros(len(settlements), bool)
    inside[tree.query(points, predicate="intersects")[0]] = True
    for i in np.flatnonzero(~inside).tolist():
        off_km = _distance_km(points[i], borders[tree.nearest(points[i])])
        _skip(settlements[i], log, "places.skip_outside", f"{off_km:.1f} km")
    return [settlements[i] for i in np.flatnonzero(inside).tolist()]


def _distance_km(point: Any, area: Any) -> float:
    """Return the distance in a local plane: good to a per cent within 100 km, a hint beyond."""
    import shapely

    north_m, east_m = metres_per_degree(np.array([point.y]))

    def to_km(degrees: Floats) -> Floats:
        scale = np.array([east_m[0], north_m[0]]) / 1000.0
        return np.asarray((degrees - [point.x, point.y]) * scale)

    return float(shapely.distance(shapely.Point(0, 0), shapely.transform(area, to_km)))


def _skip(item: _Settlement, log: Log, reason: str, detail: str) -> None:
    label = f"{item.feature.label}: {item.name} ({detail})"
    log.skip(item.feature.source, Kind.SETTLEMENT, label, message(reason))


def _table(settlements: list[_Settlement]) -> SettlementTable:
    ids: list[str] = []
    taken: set[str] = set()
    for item in settlements:
        wanted = item.feature.first(ID_NAMES) or (
            f"{item.name}@{item.latitude_deg:.4f},{item.longitude_deg:.4f}"
        )
        unique = wanted
        while unique in taken:  # two sources may number theirs alike
            unique = f"{item.feature.source}:{unique}"
        taken.add(unique)
        ids.append(unique)
    return SettlementTable(
        id=tuple(ids),
        name=tuple(item.name for item in settlements),
        name_en=tuple(item.name_en for item in settlements),
        name_ru=tuple(item.name_ru for item in settlements),
        name_kk=tuple(item.name_kk for item in settlements),
        latitude_deg=np.array([item.latitude_deg for item in settlements], float),
        longitude_deg=np.array([item.longitude_deg for item in settlements], float),
        population=np.array([item.population for item in settlements], np.int64),
        radius_m=np.array(
            [
                radius_m(item.population, item.feature.properties.get("place", ""))
                for item in settlements
            ],
            float,
        ),
        border_wkb=tuple(None if item.border is None else item.border.wkb for item in settlements),
    )
