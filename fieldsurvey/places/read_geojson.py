"""Features of a GeoJSON file (RFC 7946)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.features import Feature, make_feature
from fieldsurvey.places.report import Log

_LONGITUDE_LATITUDE = ("CRS84", "EPSG::4326", "EPSG:4326")


def read_geojson(path: Path, source: str, log: Log) -> Iterator[Feature]:
    """Yield every feature; one with an unreadable geometry has None for it.

    Raises KnownError ``places.unreadable`` for what is not GeoJSON, ``places.projected`` for a
    file that says it is not in degrees.
    """
    import shapely
    from shapely.geometry import shape

    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        features = _features(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KnownError("places.unreadable", file=source, detail=str(error)) from error
    crs = str(((document.get("crs") or {}).get("properties") or {}).get("name", ""))
    if crs and not crs.endswith(_LONGITUDE_LATITUDE):
        raise KnownError("places.projected", file=source, system=crs)
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") or {}
        if "id" in feature:
            properties = {"id": feature["id"], **properties}
        try:
            with np.errstate(invalid="ignore"):  # NaN is found out when the feature is judged
                geometry = shapely.force_2d(shape(feature["geometry"]))
        except (ValueError, TypeError, KeyError, AttributeError, shapely.errors.ShapelyError):
            geometry = None
        yield make_feature(source, f"feature {number}", geometry, properties)


def _features(document: Any) -> list[dict[str, Any]]:
    if document["type"] == "FeatureCollection":
        features = document["features"]
    elif document["type"] == "Feature":
        features = [document]
    else:
        raise ValueError(f"type {document['type']!r} instead of FeatureCollection")
    if not all(isinstance(feature, dict) for feature in features):
        raise ValueError("a feature is not an object")
    return list(features)
