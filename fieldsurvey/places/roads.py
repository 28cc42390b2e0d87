"""Nearest highway, its chainage and the distance off it.

A road further than its own tolerance is no road, never the nearest guess. The tolerance belongs
to the line, because a line drawn with 6 km between vertices says less about where the road is
than one drawn every 50 m. Must not know about drives: continuity over time is ``finder``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldsurvey.places.geometry import (
    Floats,
    Ints,
    locate,
    metres_per_unit,
    reach_in_plane,
    to_plane,
)
from fieldsurvey.places.grid import Candidates, SegmentGrid

# A road at right angles to the way we drive must be nearer by this share of its tolerance.
HEADING_SHARE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class HighwayLine:
    """One connected line of a highway. ``chainage_m`` never falls; it is 0 at the first vertex, or
    where a longer line of the same ``ref`` beside it has its 0.

    Kilometre posts come from the chainage: they are as right as the line and its start, no better.
    """

    ref: str
    source: str
    latitude_deg: Floats
    longitude_deg: Floats
    chainage_m: Floats
    tolerance_m: float

    @property
    def length_m(self) -> float:
        return float(self.chainage_m[-1] - self.chainage_m[0])


@dataclass(frozen=True, slots=True, eq=False)
class RoadMatches:
    """Arrays of one value per point: ``line`` is -1 for no road, the metres are then NaN."""

    line: Ints
    chainage_m: Floats
    distance_m: Floats


@dataclass(frozen=True, slots=True)
class RoadCandidate:
    """One highway within tolerance of one point. ``bearing_deg`` is the line's, at the foot."""

    line: int
    chainage_m: float
    distance_m: float
    bearing_deg: float


class RoadIndex:
    """Answers for a fixed set of lines; immutable, so any thread may ask."""

    def __init__(self, lines: Sequence[HighwayLine]) -> None:
        latitude = _joined([line.latitude_deg for line in lines])
        longitude = _joined([line.longitude_deg for line in lines])
        chainage = _joined([line.chainage_m for line in lines])
        owner = np.repeat(np.arange(len(lines)), [len(line.latitude_deg) for line in lines])
        first = np.flatnonzero(owner[1:] == owner[:-1])  # vertices that begin a segment
        self._line = owner[first]
        self._start_m = chainage[first]
        self._length_m = chainage[first + 1] - chainage[first]
        scale = metres_per_unit(latitude)
        self._skew = (scale[first + 1] - scale[first]) / (scale[first + 1] + scale[first])
        self._tolerance_m = np.array([line.tolerance_m for line in lines], float)[self._line]
        x, y = to_plane(latitude, longitude)
        self._bearing = np.arctan2(x[first + 1] - x[first], y[first + 1] - y[first])
        furthest = np.maximum(np.abs(latitude[first]), np.abs(latitude[first + 1]))
        self._grid = SegmentGrid(
            x[first],
            y[first],
            x[first + 1],
            y[first + 1],
            reach_in_plane(self._tolerance_m, furthest),
        )

    def nearest(
        self, latitude_deg: Floats, longitude_deg: Floats, heading_deg: Floats | None = None
    ) -> RoadMatches:
        """Return the nearest line within its tolerance for each of n points.

        With ``heading_deg`` (NaN where unknown) lines at an angle to it count as further away by
        up to half their tolerance; the distance given is the true one either way. A tie goes to
        the line that comes first. Points without finite coordinates are on no road.
        """
        latitude = np.asarray(latitude_deg, float)
        longitude = np.asarray(longitude_deg, float)
        line = np.full(len(latitude), -1, np.int64)
        chainage_m = np.full(len(latitude), np.nan)
        distance_m = np.full(len(latitude), np.nan)
        for chunk in SegmentGrid.chunks(len(latitude)):
            found, metres = self._within(latitude[chunk], longitude[chunk])
            if not len(found.points):
                continue
            if heading_deg is None:
                winner = found.first_lowest(metres)
            else:
                winner = self._by_heading(found, metres, np.asarray(heading_deg, float)[chunk])
            winner = winner[np.isfinite(metres[winner])]
            segment = found.segments[winner]
            group = np.searchsorted(found.starts, winner, side="right") - 1
            point = found.points[group] + chunk.start
            line[point] = self._line[segment]
            chainage_m[point] = self._chainage_m(segment, found.fraction[winner])
            distance_m[point] = metres[winner]
        return RoadMatches(line, chainage_m, distance_m)

    def around(self, latitude_deg: float, longitude_deg: float) -> list[RoadCandidate]:
        """Return every line within its tolerance of one point, each by its nearest foot."""
        found, metres = self._within(np.array([latitude_deg]), np.array([longitude_deg]))
        best: dict[int, int] = {}
        for i in np.flatnonzero(np.isfinite(metres)).tolist():
            line = int(self._line[found.segments[i]])
            if line not in best or metres[i] < metres[best[line]]:
                best[line] = i
        if not best:
            return []
        chosen = np.array(list(best.values()))
        segment = found.segments[chosen]
        return [
            RoadCandidate(*values)
            for values in zip(
                best,
                self._chainage_m(segment, found.fraction[chosen]).tolist(),
                metres[chosen].tolist(),
                np.degrees(self._bearing[segment]).tolist(),
                strict=True,
            )
        ]

    def _within(self, latitude: Floats, longitude: Floats) -> tuple[Candidates, Floats]:
        """Return candidates with their distance in metres; infinite beyond the tolerance."""
        x, y, scale = locate(latitude, longitude)
        found = self._grid.candidates(x, y)
        metres = found.distance * np.repeat(scale[found.points], found.counts)
        metres[metres > self._tolerance_m[found.segments]] = np.inf
        return found, metres

    def _by_heading(self, found: Candidates, metres: Floats, heading_deg: Floats) -> Ints:
        """Choose a line per point by distance and angle, then that line's nearest foot."""
        heading = np.repeat(np.radians(heading_deg)[found.points], found.counts)
        sine = np.nan_to_num(np.sin(heading - self._bearing[found.segments]))
        penalty = HEADING_SHARE * self._tolerance_m[found.segments] * sine * sine
        chosen = self._line[found.segments[found.first_lowest(metres + penalty)]]
        on_chosen = self._line[found.segments] == np.repeat(chosen, found.counts)
        return found.first_lowest(np.where(on_chosen, metres, np.inf))

    def _chainage_m(self, segment: Ints, fraction: Floats) -> Floats:
        """Turn a foot in the plane into metres along the line.

        The scale changes along a segment, nearly linearly with the fraction f; integrated, the
        ground length up to f is L f (1 - k + k f) with k the relative half change of the scale.
        """
        skew = self._skew[segment]
        share = fraction * (1.0 - skew + skew * fraction)
        return self._start_m[segment] + self._length_m[segment] * share


def _joined(arrays: Sequence[Floats]) -> Floats:
    return np.concatenate(arrays) if arrays else np.zeros(0)
