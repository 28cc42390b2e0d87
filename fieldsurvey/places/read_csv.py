"""Features of a CSV file: settlements by latitude and longitude, highways as WKT or vertex rows.

Columns are recognised by name. Excel's habits (BOM, semicolons, decimal commas, the Windows code
page) are taken in stride, and said in the report where they could have garbled a name.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.features import ID_NAMES, REF_NAMES, Feature, make_feature
from fieldsurvey.places.report import Log

LATITUDE_NAMES = ("latitude_deg", "latitude", "lat", "y", "широта", "ендік")
LONGITUDE_NAMES = ("longitude_deg", "longitude", "lon", "lng", "long", "x", "долгота", "бойлық")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom")
ORDER_NAMES = ("sequence", "seq", "order", "vertex")
_LONGEST_FIELD = 16_000_000  # a country's longest highway as WKT is well below


def read_csv(path: Path, source: str, log: Log) -> Iterator[Feature]:
    """Yield a feature per row, or per highway where rows are vertices (``ref`` and an order
    column; a column ``part`` begins a new line).

    Raises KnownError ``places.unreadable``, or ``places.csv_no_coordinates`` naming the columns.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    text = _decode(path, source, log)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise KnownError("places.unreadable", file=source, detail=str(error)) from error
    columns = [str(name) for name in (rows[0] if rows else {}) if name is not None]
    known = {name.strip().lower() for name in columns}
    has_points = known & set(LATITUDE_NAMES) and known & set(LONGITUDE_NAMES)
    if not known & set(WKT_NAMES) and not has_points:
        raise KnownError("places.csv_no_coordinates", file=source, columns=", ".join(columns))
    parsed = [
        # Line 1 is the header; quoted line breaks make later numbers approximate.
        make_feature(source, f"row {number}", None, {k: v for k, v in row.items() if k})
        for number, row in enumerate(rows, 2)
    ]
    if known & set(REF_NAMES) and known & set(ORDER_NAMES) and has_points:
        yield from _lines_of_vertices(parsed)
    else:
        for row in parsed:
            yield Feature(row.source, row.label, _row_geometry(row), row.properties)


def _decode(path: Path, source: str, log: Log) -> str:
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        log.note("places.warn_code_page", file=source)
        return data.decode("cp1251", errors="replace")


def _row_geometry(row: Feature) -> Any:
    import shapely

    try:
        wkt = row.first(WKT_NAMES)
        if wkt:
            with np.errstate(invalid="ignore"):  # NaN is found out when the feature is judged
                return shapely.force_2d(shapely.from_wkt(wkt))
        return shapely.Point(_degrees(row, LONGITUDE_NAMES), _degrees(row, LATITUDE_NAMES))
    except (ValueError, shapely.errors.ShapelyError):
        return None


def _degrees(row: Feature, names: tuple[str, ...]) -> float:
    degrees = float(row.first(names).replace(",", "."))
    if not math.isfinite(degrees):
        raise ValueError(f"{degrees} is no angle")
    return degrees


def _lines_of_vertices(rows: list[Feature]) -> Iterator[Feature]:
    """Join rows of the same highway (and part) in their order; any bad vertex spoils its line,
    since leaving it out would draw a road where none is."""
    import shapely

    def line_of(row: Feature) -> tuple[str, str]:
        return row.first(REF_NAMES), row.properties.get("part", "")

    for (_, part), group in groupby(sorted(rows, key=line_of), key=line_of):
        vertices = list(group)
        geometry = None
        try:
            vertices.sort(key=lambda row: float(row.first(ORDER_NAMES)))
            points = [
                (_degrees(row, LONGITUDE_NAMES), _degrees(row, LATITUDE_NAMES)) for row in vertices
            ]
            geometry = shapely.LineString(points)
        except (ValueError, shapely.errors.ShapelyError):
            pass
        shared: Mapping[str, str] = {
            key: text
            for key, text in vertices[0].properties.items()
            if key not in ID_NAMES and key not in ORDER_NAMES
        }
        first, last = vertices[0].label, vertices[-1].label
        label = f"{first} – {last}" + (f", part {part}" if part else "")
        yield Feature(vertices[0].source, label, geometry, shared)
