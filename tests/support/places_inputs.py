"""Small input files for imports, written the way other programs write them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fieldsurvey.places.places_file import Places, import_files, open_places
from fieldsurvey.places.report import ImportReport


def geojson(path: Path, *features: tuple[Mapping[str, Any], str, Any]) -> Path:
    """Write features given as (properties, geometry type, coordinates)."""
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": kind, "coordinates": coordinates},
            }
            for properties, kind, coordinates in features
        ],
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def square(longitude: float, latitude: float, half: float) -> list[list[list[float]]]:
    """Coordinates of a square polygon around a point, in degrees."""
    west, east, south, north = longitude - half, longitude + half, latitude - half, latitude + half
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def imported(folder: Path, *inputs: Path) -> tuple[Places, ImportReport]:
    """Import and open again; what is returned went through the file."""
    output = folder / "test.places"
    report = import_files(inputs, output)
    places = open_places(output)
    assert places.report == report
    assert_nothing_dropped(report)
    return places, report


def assert_nothing_dropped(report: ImportReport) -> None:
    """Every feature read was used or is among the skipped, source by source."""
    for source in report.sources:
        skipped = sum(item.count for item in report.skipped if item.source == source.name)
        assert source.read == sum(source.used.values()) + skipped, source


def reasons(report: ImportReport) -> Iterable[tuple[str, str]]:
    """(label, reason) of everything skipped, without the area of the message id."""
    return [(s.label, s.reason.id.removeprefix("places.")) for s in report.skipped]
