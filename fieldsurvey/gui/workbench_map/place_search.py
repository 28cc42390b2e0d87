"""Finds a highway, a kilometre of one, or a settlement by what somebody types.

Every name is folded to plain Latin letters, so that it does not matter in which alphabet or which
of its many transliterations it is typed: Қапшағай, капшагай, Qapshaghay. Must not know Qt.
"""

import heapq
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.workbench_map.name_folding import fold
from fieldsurvey.model.geodesy import metres_per_degree
from fieldsurvey.model.messages import LANGUAGES, message
from fieldsurvey.places.one_place_per_post import number_of_highway
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.roads import HighwayLine

Floats = NDArray[np.float64]

_AROUND_KILOMETRE_M = 3_000.0
_AROUND_SETTLEMENT_M = 4_000.0
_BESIDE_HIGHWAY_M = 30_000.0  # further away, coordinates tell more
# "km 42", "42 km", "42", "412+300"; a sign before it or not.
_KILOMETRE = re.compile(
    r"^\s*(?:km|км|шақырым)?\.?\s*(\d{1,4})(?:[.,+](\d{1,3}))?\s*(?:km|км)?\s*$"
)
_WITHIN_FROM_LETTERS = 3  # fewer letters stand for the beginning of a word
_RANK_WHOLE, _RANK_BEGINS, _RANK_WORD, _RANK_WITHIN = range(4)


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """``box`` is south, west, north, east in degrees: what to show of it. ``is_spot``: not a whole
    highway, of which the position is somewhere in the middle."""

    label: str
    latitude_deg: float
    longitude_deg: float
    box: tuple[float, float, float, float]
    is_spot: bool = True


@dataclass(frozen=True, slots=True)
class _Name:
    """``folded`` begins with a blank, as every word in it does."""

    folded: str
    settlement: int


class PlaceSearch:
    """Searches what was read of one places file; takes a few milliseconds per question."""

    def __init__(self, places: Places) -> None:
        self._table = places.settlements()
        self._lines: dict[str, list[HighwayLine]] = {}
        for line in places.highway_lines():
            self._lines.setdefault(line.ref, []).append(line)
        self._refs: dict[str, list[str]] = {}
        for ref in self._lines:
            self._refs.setdefault(_ref_key(number_of_highway(ref)), []).append(ref)
        self._names = self._all_names()
        self._population = [int(people) for people in self._table.population]
        self._posts = _Posts(self._lines)

    def find(
        self,
        text: str,
        language: str = "en",
        limit: int = 20,
        near: tuple[float, float] | None = None,
    ) -> list[FoundPlace]:
        """Return what ``text`` may mean, the likeliest first, labels in ``language``. Of villages
        that are alike those next to ``near``, in degrees, come first."""
        highways = self._highways(text, language)
        return (highways + self._settlements(text, language, limit, near))[:limit]

    def _all_names(self) -> list[_Name]:
        table = self._table
        columns = (table.name, table.name_en, table.name_ru, table.name_kk)
        names = []
        for number, forms in enumerate(zip(*columns, strict=True)):
            folded = {fold(form) for form in forms if form} - {""}
            names += [_Name(f" {name}", number) for name in folded]
        return names

    # Settlements

    def _settlements(
        self, text: str, language: str, limit: int, near: tuple[float, float] | None
    ) -> list[FoundPlace]:
        wanted = fold(text)
        if not wanted:
            return []
        needed = f" {wanted}" if len(wanted) < _WITHIN_FROM_LETTERS else wanted
        names = [name for name in self._names if needed in name.folded]
        best: dict[int, int] = {}
        for name in names:
            rank = _rank(f" {wanted}", name.folded)
            best[name.settlement] = min(rank, best.get(name.settlement, rank))
        people = self._population
        away_m = np.zeros(len(people)) if near is None else self._away_m(*near)
        likeliest = heapq.nsmallest(limit, best, key=lambda n: (best[n], -people[n], away_m[n], n))
        shown = Counter(self._table.name_in(number, language) for number in likeliest)
        return [
            self._settlement(number, language, shown[self._table.name_in(number, language)] > 1)
            for number in likeliest
        ]

    def _settlement(self, number: int, language: str, has_namesakes: bool) -> FoundPlace:
        table = self._table
        latitude, longitude = float(table.latitude_deg[number]), float(table.longitude_deg[number])
        label = table.name_in(number, language)
        others = dict.fromkeys(table.name_in(number, other) for other in LANGUAGES)
        others.pop(label, None)
        if others:
            label = f"{label} ({', '.join(others)})"
        if has_namesakes:  # the places file knows no districts
            label = f"{label} · {self._whereabouts(latitude, longitude, language)}"
        return FoundPlace(
            label, latitude, longitude, _box_around(latitude, longitude, _AROUND_SETTLEMENT_M)
        )

    def _whereabouts(self, latitude_deg: float, longitude_deg: float, language: str) -> str:
        """Return the kilometre of a highway next to a position, else its coordinates."""
        post = self._posts.nearest(latitude_deg, longitude_deg)
        if post is not None:
            return message("gui.map_kilometre", highway=post[0], km=post[1]).text(language)
        latitude, longitude = (
            _decimal(f"{degrees:.1f}", language) for degrees in (latitude_deg, longitude_deg)
        )
        told = message("gui.map_coordinates", latitude=latitude, longitude=longitude)
        return told.text(language)

    # Highways

    def _highways(self, text: str, language: str) -> list[FoundPlace]:
        """Read ``text`` as a number of a highway and perhaps a kilometre."""
        words = text.split()
        for count in range(len(words), 0, -1):
            refs = self._refs_like(_ref_key(" ".join(words[:count])), exactly=count < len(words))
            if not refs:
                continue
            if count == len(words):
                return [self._highway(ref) for ref in refs]
            kilometre = _KILOMETRE.match(" ".join(words[count:]).casefold())
            if kilometre:
                chainage_m = int(kilometre[1]) * 1000 + int((kilometre[2] or "0").ljust(3, "0"))
                return self._kilometre(refs, chainage_m, language)
        return []

    def _refs_like(self, key: str, *, exactly: bool) -> list[str]:
        if key in self._refs:
            return self._refs[key]
        if exactly or not any(letter.isdigit() for letter in key):
            return []
        found = (refs for own, refs in self._refs.items() if own.startswith(key))
        return sorted(ref for refs in found for ref in refs)

    def _highway(self, ref: str) -> FoundPlace:
        lines = self._lines[ref]
        latitude = np.concatenate([line.latitude_deg for line in lines])
        longitude = np.concatenate([line.longitude_deg for line in lines])
        middle = len(latitude) // 2
        box = (
            float(latitude.min()), float(longitude.min()),
            float(latitude.max()), float(longitude.max()),
        )  # fmt: skip
        middle_deg = float(latitude[middle]), float(longitude[middle])
        return FoundPlace(ref, *middle_deg, box, is_spot=False)

    def _kilometre(self, refs: Sequence[str], chainage_m: int, language: str) -> list[FoundPlace]:
        """Return the kilometre on every line of the highway that is long enough, told apart by the
        settlement next to it; the highway, which says so, where none is."""
        km = _decimal(f"{chainage_m / 1000:g}", language)
        places = [(ref, at) for ref in refs for at in _places_at(self._lines[ref], chainage_m)]
        if not places:
            without = message("gui.map_no_such_kilometre", km=km).text(language)
            whole = [self._highway(ref) for ref in refs]
            return [replace(place, label=f"{place.label} · {without}") for place in whole]
        found = []
        for ref, at in places:
            label = message("gui.map_kilometre", highway=ref, km=km).text(language)
            if len(places) > 1:
                label = f"{label} · {self._nearest_name(*at, language)}"
            found.append(FoundPlace(label, *at, _box_around(*at, _AROUND_KILOMETRE_M)))
        return found

    def _nearest_name(self, latitude_deg: float, longitude_deg: float, language: str) -> str:
        if not len(self._table):
            return ""
        nearest = int(np.argmin(self._away_m(latitude_deg, longitude_deg)))
        return self._table.name_in(nearest, language)

    def _away_m(self, latitude_deg: float, longitude_deg: float) -> Floats:
        """Return how far each settlement is from a position."""
        north_m, east_m = metres_per_degree(latitude_deg)
        return np.hypot(
            (self._table.latitude_deg - latitude_deg) * north_m,
            (self._table.longitude_deg - longitude_deg) * east_m,
        )


class _Posts:
    """Every kilometre of every highway, to tell what lies next to one."""

    def __init__(self, lines: dict[str, list[HighwayLine]]) -> None:
        self._refs: list[str] = []
        kms, latitudes, longitudes = [], [], []
        for line in chain.from_iterable(lines.values()):
            first, last = line.chainage_m[0], line.chainage_m[-1]
            km = np.arange(np.ceil(first / 1000), np.floor(last / 1000) + 1)
            kms.append(km)
            latitudes.append(np.interp(km * 1000, line.chainage_m, line.latitude_deg))
            longitudes.append(np.interp(km * 1000, line.chainage_m, line.longitude_deg))
            self._refs += [line.ref] * len(km)
        nothing = np.zeros(0)
        self._km = np.concatenate([nothing, *kms])
        self._latitude_deg = np.concatenate([nothing, *latitudes])
        self._longitude_deg = np.concatenate([nothing, *longitudes])

    def nearest(self, latitude_deg: float, longitude_deg: float) -> tuple[str, int] | None:
        """Return highway and kilometre next to a position, None where all are far away."""
        if not self._refs:
            return None
        north_m, east_m = metres_per_degree(latitude_deg)
        away_m = np.hypot(
            (self._latitude_deg - latitude_deg) * north_m,
            (self._longitude_deg - longitude_deg) * east_m,
        )
        next_to = int(np.argmin(away_m))
        if away_m[next_to] > _BESIDE_HIGHWAY_M:
            return None
        return self._refs[next_to], int(self._km[next_to])


def _decimal(figures: str, language: str) -> str:
    """Return figures with the decimal sign of the language; Qt's are not known here."""
    return figures if language == "en" else figures.replace(".", ",")


def _places_at(lines: Sequence[HighwayLine], chainage_m: float) -> list[tuple[float, float]]:
    """Return where a post is: once, though several lines of one number have it."""
    return [
        (
            float(np.interp(chainage_m, line.chainage_m, line.latitude_deg)),
            float(np.interp(chainage_m, line.chainage_m, line.longitude_deg)),
        )
        for line in lines
        if line.chainage_m[0] <= chainage_m <= line.chainage_m[-1]
    ][:1]


def _rank(wanted: str, name: str) -> int:
    """Tell how well a name fits; both begin with a blank."""
    if wanted == name:
        return _RANK_WHOLE
    if name.startswith(wanted):
        return _RANK_BEGINS
    return _RANK_WORD if wanted in name else _RANK_WITHIN


def _ref_key(text: str) -> str:
    """Return letters and figures alone: KZ38-01, "kz 38 01" and "кз38-01" are one."""
    return "".join(letter for letter in fold(text) if letter.isalnum())


def _box_around(
    latitude_deg: float, longitude_deg: float, reach_m: float
) -> tuple[float, float, float, float]:
    north_m, east_m = metres_per_degree(latitude_deg)
    dy, dx = reach_m / north_m, reach_m / east_m
    return latitude_deg - dy, longitude_deg - dx, latitude_deg + dy, longitude_deg + dx
