"""GeoPackages written by GDAL, read with SQLite."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import import_files
from tests.support.places_inputs import imported, reasons


def add_layer(
    path: Path, layer: str, geometries: list[object], crs: str, /, **columns: list[str]
) -> None:
    """Append a layer the way GDAL writes it."""
    kinds = {shapely.get_type_id(geometry) for geometry in geometries}
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(geometry) for geometry in geometries], object),
        [np.array(values, object) for values in columns.values()],
        list(columns),
        layer=layer,
        driver="GPKG",
        geometry_type=shapely.geometry.base.GEOMETRY_TYPES[kinds.pop()],
        crs=crs,
        append=path.exists(),
    )


def test_layers_of_highways_settlements_and_borders(tmp_path: Path) -> None:
    path = tmp_path / "kz.gpkg"
    roads: list[object] = [shapely.LineString([(70.0, 50.0), (70.01, 50.0)])]
    towns: list[object] = [shapely.Point(70.0, 50.0), shapely.Point(71.1, 50.0)]
    add_layer(path, "main roads", roads, "EPSG:4326", ref=["A1"])
    add_layer(path, "towns", towns, "EPSG:4326", name=["Ақкөл", "Abroad"], population=["14500", ""])
    add_layer(path, "regions", [shapely.box(69, 49, 71, 51)], "EPSG:4326", adm1_en=["Akmola"])
    add_layer(path, "metric", [shapely.Point(7e6, 6e6)], "EPSG:3857", name=["Elsewhere"])
    places, report = imported(tmp_path, path)
    assert [line.ref for line in places.highway_lines()] == ["A1"]
    assert places.highway_lines()[0].longitude_deg.tolist() == [70.0, 70.01]
    assert places.settlements().name == ("Ақкөл",)
    assert places.settlements().population.tolist() == [14_500]
    assert list(reasons(report)) == [
        ("metric (EPSG:3857)", "skip_projected"),
        ("towns 2: Abroad (7.2 km)", "skip_outside"),
    ]
    assert report.sources[0].read == 5


def test_damaged_geometries_are_skipped_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "kz.gpkg"
    points: list[object] = [shapely.Point(70.0 + i, 50.0) for i in range(4)]
    add_layer(path, "towns", points, "EPSG:4326", name=["A", "B", "C", "D"])
    with closing(sqlite3.connect(path)) as database, database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in triggers.fetchall():  # they need functions only GDAL has
            database.execute(f'DROP TRIGGER "{trigger}"')
        for name, blob in (("A", b"GP"), ("B", b"GP\0\x01\xe6\x10\0\0\x01\x01"), ("C", None)):
            database.execute("UPDATE towns SET geom = ? WHERE name = ?", (blob, name))
    places, report = imported(tmp_path, path)
    assert places.settlements().name == ("D",)
    assert [reason for _, reason in reasons(report)] == ["skip_no_geometry"] * 3


def test_a_file_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.gpkg"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(KnownError) as caught:
        import_files([path], tmp_path / "out.places")
    assert caught.value.message.id == "places.unreadable"
