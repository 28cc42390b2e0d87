"""Highways and settlements for the map without a places file, or from the real data."""

import csv
import json
from collections import namedtuple
from pathlib import Path

import numpy as np

from fieldsurvey.gui.map_features import MapFeatures, features_of
from fieldsurvey.places.geometry import chainages_m

Line = namedtuple("Line", "ref latitude_deg longitude_deg chainage_m")
Table = namedtuple("Table", "id name name_en name_ru name_kk latitude_deg longitude_deg population")


def a_line(ref: str, latitude_deg: np.ndarray, longitude_deg: np.ndarray) -> Line:
    return Line(ref, latitude_deg, longitude_deg, chainages_m(latitude_deg, longitude_deg))


class FewPlaces:
    """Two highways that cross near Almaty and three settlements."""

    def highway_lines(self) -> list[Line]:
        return [
            a_line("KAZ01", np.array([43.2, 43.5, 44.2]), np.array([76.9, 76.95, 77.1])),
            a_line("KAZ24", np.array([43.40, 43.41]), np.array([76.2, 77.8])),
            a_line("KAZ24", np.array([43.41, 43.50]), np.array([77.8, 78.4])),
        ]

    def settlements(self) -> Table:
        return Table(
            ("1", "2", "3"),
            ("Almaty", "Qapshaghay", "Nameless"),
            ("Almaty", "Kapchagay", ""),
            ("Алматы", "Капчагай", ""),
            ("Алматы", "Қапшағай", ""),
            np.array([43.25, 43.88, 43.45]),
            np.array([76.92, 77.08, 76.99]),
            np.array([1_977_000, 42_000, -1]),
        )


class RealPlaces:
    """The whole country, straight from the geography files."""

    def __init__(self, geography: Path) -> None:
        self._folder = geography

    def highway_lines(self) -> list[Line]:
        document = json.loads((self._folder / "kz_highways.geojson").read_text("utf-8"))
        lines = []
        for feature in document["features"]:
            geometry = feature["geometry"]
            parts = geometry["coordinates"]
            for part in [parts] if geometry["type"] == "LineString" else parts:
                points = np.array(part)
                lines.append(a_line(feature["properties"]["ref"], points[:, 1], points[:, 0]))
        return lines

    def settlements(self) -> Table:
        with (self._folder / "kz_settlements.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        people = [row["population"] for row in rows]
        return Table(
            [row["wof_id"] for row in rows],
            [row["name"] for row in rows],
            [row.get("name_en", "") for row in rows],
            [row.get("name_ru", "") for row in rows],
            [row.get("name_kk", "") for row in rows],
            [float(row["lat"]) for row in rows],
            [float(row["lon"]) for row in rows],
            [int(float(number)) if number else -1 for number in people],
        )


def few_features() -> MapFeatures:
    return features_of(FewPlaces())


class OneVillage:
    """A village alone, of one name in all languages."""

    def __init__(self, name: str, latitude_deg: float, longitude_deg: float) -> None:
        self._name, self._degrees = name, (latitude_deg, longitude_deg)

    def highway_lines(self) -> list[Line]:
        return []

    def settlements(self) -> Table:
        latitude, longitude = (np.array([degrees]) for degrees in self._degrees)
        names = [(self._name,)] * 4
        return Table(("1",), *names, latitude, longitude, np.array([900]))
