"""OpenStreetMap extracts, written by osmium itself."""

import sys
from pathlib import Path
from typing import Any

import osmium
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import import_files
from tests.support.places_inputs import imported, reasons

NODES = {
    1: (70.00, 50.0),
    2: (70.01, 50.0),
    3: (70.02, 50.0),
    4: (70.03, 50.0),
    11: (70.1, 50.1),
    12: (70.2, 50.1),
    13: (70.2, 50.2),
    14: (70.1, 50.2),
}


def extract(path: Path, ways: list[tuple[int, list[int], dict[str, str]]]) -> Path:
    """Write nodes, two settlements as nodes, and ``ways``."""
    with osmium.SimpleWriter(str(path)) as writer:
        for number, location in NODES.items():
            writer.add_node(_item(id=number, location=location))
        village = {"place": "village", "name": "Ақкөл", "name:ru": "Акколь", "population": "900"}
        writer.add_node(_item(id=20, location=(70.01, 50.001), tags=village))
        writer.add_node(_item(id=21, location=(70.3, 50.3), tags={"place": "square", "name": "X"}))
        for number, nodes, tags in ways:
            writer.add_way(_item(id=number, nodes=nodes, tags=tags))
    return path


def _item(**values: Any) -> Any:
    kind = osmium.osm.mutable.Way if "nodes" in values else osmium.osm.mutable.Node
    return kind(version=1, visible=True, **values)


def test_ways_are_joined_by_number_and_places_found(tmp_path: Path) -> None:
    path = extract(
        tmp_path / "kz.osm.pbf",
        [
            (1, [2, 3], {"highway": "trunk", "ref": "M-36;A-1", "name": "проспект"}),
            (2, [1, 2], {"highway": "trunk", "ref": "M-36"}),
            (3, [3, 4], {"highway": "primary", "ref": "M-36"}),
            (4, [1, 4], {"highway": "residential", "name": "street"}),
            (5, [1, 3], {"highway": "primary"}),
            (6, [1, 3], {"highway": "trunk_link", "ref": "M-36"}),
            (7, [11, 12, 13, 14, 11], {"place": "town", "name": "Степняк"}),
        ],
    )
    places, report = imported(tmp_path, path)
    lines = {line.ref: line for line in places.highway_lines()}
    assert sorted(lines) == ["A-1", "M-36"]
    assert lines["M-36"].longitude_deg.tolist() == [70.0, 70.01, 70.02, 70.03]
    table = places.settlements()
    assert sorted(zip(table.id, table.name, table.name_ru, strict=True)) == [
        ("n20", "Ақкөл", "Акколь"),
        ("w7", "Степняк", ""),
    ]
    assert table.population[table.id.index("n20")] == 900
    assert places.nearest_settlement(*_at(50.19, 70.19)).distance_m.tolist() == [0.0]
    assert sorted(reasons(report)) == [
        ("primary", "skip_no_ref"),
        ("residential", "skip_osm_class"),
        ("trunk_link", "skip_osm_class"),
    ]
    assert report.sources[0].read == 8


def test_ways_cut_by_the_edge_of_the_extract_keep_what_is_inside(tmp_path: Path) -> None:
    path = extract(
        tmp_path / "kz.osm.pbf",
        [(1, [1, 2, 999, 3, 4], {"highway": "trunk", "ref": "A-1"})],
    )
    places, _ = imported(tmp_path, path)
    ends = [(line.longitude_deg[0], line.longitude_deg[-1]) for line in places.highway_lines()]
    assert sorted(ends) == [(70.0, 70.01), (70.02, 70.03)]


def test_a_damaged_extract_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.osm.pbf"
    path.write_bytes(b"\0\0\0\x0dnot a pbf at all")
    with pytest.raises(KnownError) as caught:
        import_files([path], tmp_path / "out.places")
    assert caught.value.message.id == "places.unreadable"


def test_without_the_library_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = extract(tmp_path / "kz.osm.pbf", [])
    monkeypatch.setitem(sys.modules, "osmium", None)
    with pytest.raises(KnownError) as caught:
        import_files([path], tmp_path / "out.places")
    assert caught.value.message.id == "places.osm_missing"
    assert "fieldsurvey[osm]" in str(caught.value)


def _at(latitude: float, longitude: float) -> tuple[Any, Any]:
    import numpy as np

    return np.array([latitude]), np.array([longitude])
