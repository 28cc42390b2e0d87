"""The tables that make an SQLite file a GeoPackage 1.3 (OGC 12-128r17), and those of its layers.

SQLite makes them; large ones get their rows afterwards. Must not date anything by the clock: the
same survey gives the same file.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

APPLICATION_ID, USER_VERSION = 0x47504B47, 10_300  # "GPKG", 1.3.0
SRS_ID = 4326
GEOMETRY = "geom"

_WGS_84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG",'
    '"7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree"'
    ',0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],'
    'AUTHORITY["EPSG","4326"]]'
)
_UNDEFINED = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinates"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinates"),
    ("WGS 84 geodetic", SRS_ID, "EPSG", SRS_ID, _WGS_84, "longitude and latitude, WGS 84"),
)
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
 organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,
 description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
 identifier TEXT UNIQUE, description TEXT DEFAULT '',
 last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
 min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
 CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
 geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
 CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
 CONSTRAINT uk_gc_table_name UNIQUE (table_name),
 CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
 CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
 definition TEXT NOT NULL, scope TEXT NOT NULL,
 CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))
"""
# Clause 3.1.3 of annex F.3: they keep the index right where somebody edits the layer.
_TRIGGERS = """
CREATE TRIGGER "rtree_{t}_{g}_insert" AFTER INSERT ON "{t}"
 WHEN (new."{g}" NOT NULL AND NOT ST_IsEmpty(NEW."{g}"))
BEGIN INSERT OR REPLACE INTO "rtree_{t}_{g}" VALUES (NEW."fid", ST_MinX(NEW."{g}"),
 ST_MaxX(NEW."{g}"), ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END
--
CREATE TRIGGER "rtree_{t}_{g}_update1" AFTER UPDATE OF "{g}" ON "{t}"
 WHEN OLD."fid" = NEW."fid" AND (NEW."{g}" NOTNULL AND NOT ST_IsEmpty(NEW."{g}"))
BEGIN INSERT OR REPLACE INTO "rtree_{t}_{g}" VALUES (NEW."fid", ST_MinX(NEW."{g}"),
 ST_MaxX(NEW."{g}"), ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END
--
CREATE TRIGGER "rtree_{t}_{g}_update2" AFTER UPDATE OF "{g}" ON "{t}"
 WHEN OLD."fid" = NEW."fid" AND (NEW."{g}" ISNULL OR ST_IsEmpty(NEW."{g}"))
BEGIN DELETE FROM "rtree_{t}_{g}" WHERE id = OLD."fid"; END
--
CREATE TRIGGER "rtree_{t}_{g}_update3" AFTER UPDATE ON "{t}"
 WHEN OLD."fid" != NEW."fid" AND (NEW."{g}" NOTNULL AND NOT ST_IsEmpty(NEW."{g}"))
BEGIN DELETE FROM "rtree_{t}_{g}" WHERE id = OLD."fid";
 INSERT OR REPLACE INTO "rtree_{t}_{g}" VALUES (NEW."fid", ST_MinX(NEW."{g}"),
 ST_MaxX(NEW."{g}"), ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END
--
CREATE TRIGGER "rtree_{t}_{g}_update4" AFTER UPDATE ON "{t}"
 WHEN OLD."fid" != NEW."fid" AND (NEW."{g}" ISNULL OR ST_IsEmpty(NEW."{g}"))
BEGIN DELETE FROM "rtree_{t}_{g}" WHERE id IN (OLD."fid", NEW."fid"); END
--
CREATE TRIGGER "rtree_{t}_{g}_delete" AFTER DELETE ON "{t}" WHEN old."{g}" NOT NULL
BEGIN DELETE FROM "rtree_{t}_{g}" WHERE id = OLD."fid"; END
"""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make an empty file a GeoPackage without layers."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {USER_VERSION}")
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)
    marks = "?,?,?,?,?,?"
    connection.executemany(f"INSERT INTO gpkg_spatial_ref_sys VALUES ({marks})", _UNDEFINED)


def make_layer(
    connection: sqlite3.Connection, name: str, like: pl.DataFrame, last_change: str, *, points: bool
) -> None:
    """Make a layer with the columns of ``like``; with ``points``, a geometry and its index too."""
    columns = ['"fid" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL']
    if points:
        columns.append(f'"{GEOMETRY}" POINT')
    columns += [f'"{column}" {_kind(column, kind)}' for column, kind in like.schema.items()]
    connection.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id)"
        " VALUES (?, ?, ?, ?, ?)",
        (name, "features" if points else "attributes", name, last_change, SRS_ID if points else 0),
    )
    if not points:
        return
    connection.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?, ?, 'POINT', ?, 0, 0)",
        (name, GEOMETRY, SRS_ID),
    )
    connection.execute(
        "INSERT INTO gpkg_extensions VALUES (?, ?, 'gpkg_rtree_index',"
        " 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        (name, GEOMETRY),
    )
    index = f"rtree_{name}_{GEOMETRY}"
    connection.execute(f'CREATE VIRTUAL TABLE "{index}" USING rtree(id, minx, maxx, miny, maxy)')


def finish_layer(
    connection: sqlite3.Connection, name: str, rows: int, box: list[float] | None
) -> None:
    """Tell the extent of a layer and its last number; watch over its index from now on."""
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, rows))
    connection.execute(
        "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
        (*(box or (None,) * 4), name),
    )
    has_index = connection.execute(
        "SELECT 1 FROM gpkg_extensions WHERE table_name = ?", (name,)
    ).fetchone()
    for trigger in _TRIGGERS.split("--\n") if has_index else ():
        connection.execute(trigger.format(t=name, g=GEOMETRY))


def index_roots(connection: sqlite3.Connection, layer: str) -> list[int]:
    """Empty the index of a layer; return the pages at which its three tables begin."""
    index = f"rtree_{layer}_{GEOMETRY}"
    connection.execute(f'DELETE FROM "{index}_node"')  # a root without cells
    return [root_of(connection, f"{index}_{table}") for table in ("node", "parent", "rowid")]


def root_of(connection: sqlite3.Connection, table: str) -> int:
    """Return the page at which a table begins."""
    found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
    (page,) = found.fetchone()
    return int(page)


def _kind(column: str, kind: pl.DataType) -> str:
    """Return SQLite's type; a time is text that says it is one."""
    import polars as pl

    if column.endswith("_utc"):
        return "DATETIME"
    kinds = {pl.Float64: "REAL", pl.Int64: "INTEGER", pl.Boolean: "BOOLEAN"}
    return next((name for known, name in kinds.items() if kind == known), "TEXT")
