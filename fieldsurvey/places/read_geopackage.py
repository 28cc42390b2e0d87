"""Features of a GeoPackage (OGC 12-128r18), read with SQLite alone: no GDAL at run time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.places.features import Feature, make_feature
from fieldsurvey.places.report import Kind, Log

# Bytes of the envelope by its indicator code (clause 2.1.3, "GeoPackage SQL Geometry Binary").
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_LAYERS = """
    SELECT g.table_name, g.column_name,
           upper(s.organization) || ':' || s.organization_coordsys_id AS system
    FROM gpkg_geometry_columns g
    JOIN gpkg_contents c ON c.table_name = g.table_name AND c.data_type = 'features'
    LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
    ORDER BY g.table_name
"""


def read_geopackage(path: Path, source: str, log: Log) -> Iterator[Feature]:
    """Yield the features of every layer in WGS 84 degrees; other layers are logged as skipped.

    Raises KnownError ``places.unreadable``.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            for table, column, system in database.execute(_LAYERS).fetchall():
                quoted = '"' + table.replace('"', '""') + '"'
                if system != "EPSG:4326":
                    (rows,) = database.execute(f"SELECT count(*) FROM {quoted}").fetchone()
                    reason = message("places.skip_projected")
                    log.skip(source, Kind.OTHER, f"{table} ({system})", reason, count=rows)
                    continue
                for number, row in enumerate(database.execute(f"SELECT * FROM {quoted}"), 1):
                    properties = dict(row)
                    geometry = _geometry(properties.pop(column))
                    yield make_feature(source, f"{table} {number}", geometry, properties)
    except sqlite3.Error as error:
        raise KnownError("places.unreadable", file=source, detail=str(error)) from error


def _geometry(blob: Any) -> Any:
    """Return the shapely geometry in a GeoPackage blob, None if there is none to be read."""
    import shapely

    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return None
    envelope = _ENVELOPE_BYTES.get(blob[3] >> 1 & 0b111)
    if envelope is None:
        return None
    try:
        return shapely.force_2d(shapely.from_wkb(blob[8 + envelope :]))
    except shapely.errors.ShapelyError:
        return None
