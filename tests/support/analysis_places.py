"""A small country: one highway of 25 km, one of 3, three villages and a city with a border."""

from pathlib import Path

from fieldsurvey.places.places_file import Places
from tests.support.places_inputs import geojson, imported, square

KM_DEG = 1 / 111.0966  # of latitude at 43 degrees


def small_country(folder: Path) -> Places:
    """Return its places; ``s`` ids are those of the import."""
    folder.mkdir(exist_ok=True)
    source = geojson(
        folder / "country.geojson",
        ({"ref": "KAZ01"}, "LineString", [[77.0, 43.0], [77.0, 43.0 + 25.0 * KM_DEG]]),
        ({"ref": "KAZ02"}, "LineString", [[78.0, 43.0], [78.0, 43.0 + 2.5 * KM_DEG]]),
        ({"name": "Қордай", "population": 3_000}, "Point", [77.1, 43.0]),
        ({"name": "Ақсай", "population": 1_000}, "Point", [77.2, 43.0]),
        ({"name": "Тасты"}, "Point", [77.3, 43.0]),
        ({"name": "Астана", "population": 6_000, "place": "city"}, "Polygon", square(79, 43, 0.05)),
    )
    return imported(folder, source)[0]


def settlement_id(places: Places, name: str) -> str:
    table = places.settlements()
    return table.id[table.name.index(name)]
