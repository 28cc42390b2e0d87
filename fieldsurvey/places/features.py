"""What any source holds, in one shape: a geometry with properties, and what that makes it.

Readers know file formats; here it is decided whether a feature is a highway, a settlement, an
area of the country or none of them. Must not read files.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldsurvey.places.geometry import MAX_LATITUDE_DEG
from fieldsurvey.places.report import Kind

REF_NAMES = ("ref", "highway_ref", "road_ref", "number")
NAME_NAMES = ("name", "settlement", "place_name", "title")
ID_NAMES = ("settlement_id", "id", "wof_id", "osm_id", "@id", "geonames_id", "kato", "fid")
POPULATION_NAMES = ("population", "pop")
PLACE_CLASSES = frozenset({"city", "town", "village", "hamlet", "isolated_dwelling", "locality"})
# Deepest level of administration that is still a region or district, not one settlement.
_MAX_AREA_LEVEL = 6
# More than any city's border encloses; a larger polygon of no stated class is no settlement.
_MAX_SETTLEMENT_KM2 = 3_000.0
_KM2_PER_SQUARE_DEGREE = 12_400.0


@dataclass(frozen=True, slots=True)
class Feature:
    """``geometry`` is a shapely geometry in degrees (longitude, latitude), or None if unreadable.

    ``properties`` have lower-case names and stripped text; empty ones are left out.
    """

    source: str
    label: str
    geometry: Any
    properties: Mapping[str, str]

    def first(self, names: tuple[str, ...]) -> str:
        """Return the first property of ``names`` that has a value, else ""."""
        return next((self.properties[name] for name in names if name in self.properties), "")

    def name_in(self, language: str) -> str:
        return self.first((f"name_{language}", f"name:{language}", f"{language}_name"))

    @property
    def any_name(self) -> str:
        return self.first(NAME_NAMES) or next(
            filter(None, map(self.name_in, ("ru", "kk", "en"))), ""
        )

    @property
    def refs(self) -> list[str]:
        """Highway numbers; OpenStreetMap joins several with semicolons."""
        parts = (part.strip() for part in self.first(REF_NAMES).split(";"))
        return list(dict.fromkeys(part for part in parts if part))

    @property
    def population(self) -> int:
        """-1 if unknown; "1 200" and "1200.0" are numbers people write."""
        text = self.first(POPULATION_NAMES).replace(" ", "").replace("\u00a0", "")
        try:
            people = float(text)
        except ValueError:
            return -1
        return int(people) if 0 < people < 1e9 else -1

    @property
    def tolerance_m(self) -> float | None:
        """A tolerance the source states itself."""
        try:
            metres = float(self.properties.get("tolerance_m", ""))
        except ValueError:
            return None
        return metres if 0 < metres <= 20_000 else None


def make_feature(source: str, label: str, geometry: Any, properties: Mapping[str, Any]) -> Feature:
    """Build a feature; property values of any type become text."""
    texts = {
        str(key).strip().lower(): str(value).strip()
        for key, value in properties.items()
        if value is not None and not isinstance(value, (list, dict))
    }
    return Feature(source, label, geometry, {key: text for key, text in texts.items() if text})


def judge(feature: Feature) -> tuple[Kind, str]:
    """Return what a feature is and, where it cannot be used, the id of the reason."""
    geometry = feature.geometry
    if geometry is None or geometry.is_empty:
        return Kind.OTHER, "places.skip_no_geometry"
    kind, reason = _kind_of(feature, geometry.geom_type)
    if not reason and not _on_the_map(geometry):
        reason = "places.skip_bad_coordinates"
    return kind, reason


def _kind_of(feature: Feature, geometry_type: str) -> tuple[Kind, str]:
    if geometry_type in ("LineString", "MultiLineString"):
        return Kind.HIGHWAY, "" if feature.refs else "places.skip_no_ref"
    if geometry_type == "Point":
        return Kind.SETTLEMENT, "" if feature.any_name else "places.skip_no_name"
    if geometry_type in ("Polygon", "MultiPolygon"):
        if _is_area(feature):
            return Kind.AREA, ""
        if not feature.any_name:
            return Kind.OTHER, "places.skip_no_name"
        is_place = feature.properties.get("place") in PLACE_CLASSES
        size_km2 = feature.geometry.area * _KM2_PER_SQUARE_DEGREE * _cosine(feature.geometry)
        if is_place or size_km2 <= _MAX_SETTLEMENT_KM2:
            return Kind.SETTLEMENT, ""
        return Kind.OTHER, "places.skip_too_large"
    return Kind.OTHER, "places.skip_geometry_type"


def _is_area(feature: Feature) -> bool:
    """Tell regions and districts (ADM1, ADM2, OpenStreetMap levels 2 to 6) from settlements."""
    properties = feature.properties
    if properties.get("place") in PLACE_CLASSES:
        return False
    level = properties.get("admin_level", "")
    if level.isdigit():
        return int(level) <= _MAX_AREA_LEVEL
    return any(key.startswith(("adm0_", "adm1_", "adm2_", "iso_3166")) for key in properties)


def _cosine(geometry: Any) -> float:
    return math.cos(math.radians(geometry.bounds[1]))


def _on_the_map(geometry: Any) -> bool:
    """False for missing, out-of-range (projected?) and null-island coordinates."""
    import shapely

    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return False
    west, south, east, north = geometry.bounds
    return bool(
        -180.0 <= west <= east <= 180.0
        and -MAX_LATITUDE_DEG <= south <= north <= MAX_LATITUDE_DEG
        and (west, south, east, north) != (0.0, 0.0, 0.0, 0.0)
    )
