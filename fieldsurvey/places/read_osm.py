"""Features of an OpenStreetMap extract (.osm.pbf), through the optional library osmium.

Takes numbered highways, settlements as points or areas, and administrative borders down to
districts. Slip roads are left out: nobody drives "KAZ02" on one.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.places.features import PLACE_CLASSES, Feature, make_feature
from fieldsurvey.places.report import Kind, Log

HIGHWAY_CLASSES = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})


def read_osm(path: Path, source: str, log: Log) -> Iterator[Feature]:
    """Yield highways with a number, settlements and areas; the rest is counted in ``log``.

    Raises KnownError ``places.osm_missing`` without the library, ``places.unreadable``.
    """
    try:
        import osmium
    except ImportError as error:
        raise KnownError("places.osm_missing", file=source) from error
    wanted = osmium.filter.KeyFilter("highway", "place", "boundary")
    processor = osmium.FileProcessor(str(path)).with_areas(wanted).with_filter(wanted)
    left_out: Counter[tuple[str, str]] = Counter()
    try:
        for item in processor:
            yield from _features(source, item, left_out)
    except (RuntimeError, OSError) as error:
        raise KnownError("places.unreadable", file=source, detail=str(error)) from error
    for (label, reason), count in sorted(left_out.items()):
        log.skip(source, Kind.HIGHWAY, label, message(reason), count=count)


def _features(source: str, item: Any, left_out: Counter[tuple[str, str]]) -> Iterator[Feature]:
    tags = {tag.k: tag.v for tag in item.tags}
    if item.is_way() and "highway" in tags:
        highway = tags["highway"]
        if highway not in HIGHWAY_CLASSES:
            left_out[highway, "places.skip_osm_class"] += 1
        elif "ref" not in tags:
            left_out[highway, "places.skip_no_ref"] += 1
        else:
            tags = {key: tags[key] for key in ("ref", "name") if key in tags}
            yield make_feature(source, f"way {item.id}", _line(item), tags)
    elif item.is_node() and tags.get("place") in PLACE_CLASSES:
        point = _point(item)
        yield make_feature(source, f"node {item.id}", point, {**tags, "id": f"n{item.id}"})
    elif item.is_area() and _is_border(tags):
        letter = "w" if item.from_way() else "r"
        tags["id"] = f"{letter}{item.orig_id()}"
        yield make_feature(source, f"area {tags['id']}", _polygon(item), tags)


def _is_border(tags: dict[str, str]) -> bool:
    if tags.get("place") in PLACE_CLASSES:
        return True
    return tags.get("boundary") == "administrative" and tags.get("admin_level") in {"2", "4", "6"}


def _point(node: Any) -> Any:
    import shapely

    return shapely.Point(node.location.lon, node.location.lat)


def _line(way: Any) -> Any:
    """Return the way's line; at the edge of an extract only the runs whose nodes are in it."""
    import shapely

    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.location.lon, node.location.lat))
        elif runs[-1]:
            runs.append([])
    lines = [run for run in runs if len(run) > 1]
    return shapely.MultiLineString(lines) if lines else None


def _polygon(area: Any) -> Any:
    import osmium
    import shapely

    try:
        return shapely.from_wkb(osmium.geom.WKBFactory().create_multipolygon(area))
    except (RuntimeError, shapely.errors.ShapelyError):
        return None
