"""The place of each fix of one drive: nearest road with heading and continuity, and settlement.

A car does not change highways for one second at a crossing, so the highway of the last fix is
kept while it is within tolerance and not clearly worse than another. Must not smooth positions,
and never keeps a road beyond its tolerance.
"""

import math

import numpy as np

from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.roads import HEADING_SHARE, RoadCandidate

NO_PLACES_VERSION = "none"
# Below walking pace a receiver's heading is noise.
MIN_HEADING_SPEED_MPS = 3.0
# Another highway must be better by this share of the current one's tolerance: 37 m for a finely
# drawn line, about the spread of a bad GNSS day; more where the drawing itself is coarse.
STAY_SHARE = 0.25


class PlaceFinder:
    """One per drive, one thread at a time. Without ``places`` every place is empty."""

    def __init__(self, places: Places | None, language: str = "ru") -> None:
        self._places = places
        self._language = language
        self._lines = [] if places is None else places.highway_lines()
        self._current_line: int | None = None

    def reset(self) -> None:
        """Forget the current highway, as at the start of a drive."""
        self._current_line = None

    def place_of(self, fix: Fix) -> Place:
        """Return where ``fix`` is; takes well below 1 ms."""
        if self._places is None:
            return Place(NO_PLACES_VERSION)
        version = self._places.version
        if fix.fix_type is FixType.NONE:
            return Place(version)
        road = self._road(self._places.roads_around(fix.latitude_deg, fix.longitude_deg), fix)
        self._current_line = None if road is None else road.line
        found = self._places.nearest_settlement(
            np.array([fix.latitude_deg]), np.array([fix.longitude_deg])
        )
        index = int(found.index[0])
        table = self._places.settlements()
        return Place(
            places_version=version,
            highway_ref=None if road is None else self._lines[road.line].ref,
            chainage_m=None if road is None else road.chainage_m,
            road_distance_m=None if road is None else road.distance_m,
            settlement_id=None if index < 0 else table.id[index],
            settlement_name=None if index < 0 else table.name_in(index, self._language),
            settlement_distance_m=None if index < 0 else float(found.distance_m[0]),
        )

    def _road(self, candidates: list[RoadCandidate], fix: Fix) -> RoadCandidate | None:
        """Choose among the roads within tolerance: the current line, else another line of the
        current highway, unless a third is clearly better."""
        if not candidates:
            return None
        costs = {road.line: self._cost_m(road, fix) for road in candidates}
        best = min(candidates, key=lambda road: costs[road.line])
        if self._current_line is None:
            return best
        ref = self._lines[self._current_line].ref
        same_ref = [road for road in candidates if self._lines[road.line].ref == ref]
        for road in sorted(same_ref, key=lambda r: (r.line != self._current_line, costs[r.line])):
            if costs[road.line] <= costs[best.line] + self._margin_m(road):
                return road
        return best

    def _margin_m(self, road: RoadCandidate) -> float:
        """How much worse than the best a road of our highway may be; none once we are past its
        end, where its chainage stands still while we move on."""
        line = self._lines[road.line]
        within = line.chainage_m[0] < road.chainage_m < line.chainage_m[-1]
        return STAY_SHARE * line.tolerance_m if within else 0.0

    def _cost_m(self, road: RoadCandidate, fix: Fix) -> float:
        """Distance, plus a penalty for driving at an angle to the road (either way along it)."""
        if fix.heading_deg is None or (fix.speed_mps or 0.0) < MIN_HEADING_SPEED_MPS:
            return road.distance_m
        sine = math.sin(math.radians(fix.heading_deg - road.bearing_deg))
        tolerance_m = self._lines[road.line].tolerance_m
        return road.distance_m + HEADING_SHARE * tolerance_m * sine * sine
