"""Roads to test with, and oracles that share no code with the product but its plane."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from fieldsurvey.places.geometry import (
    Floats,
    Ints,
    chainages_m,
    metres_per_degree,
    metres_per_unit,
    to_plane,
)
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.report import ImportReport
from fieldsurvey.places.roads import HighwayLine, RoadMatches
from fieldsurvey.places.settlements import SettlementTable


def line(
    ref: str, points: Sequence[tuple[float, float]], tolerance_m: float = 150.0
) -> HighwayLine:
    """A line through (latitude, longitude) points."""
    latitude, longitude = (np.array(column, float) for column in zip(*points, strict=True))
    chainage_m = chainages_m(latitude, longitude)
    return HighwayLine(ref, "test", latitude, longitude, chainage_m, tolerance_m)


def offset(latitude: float, longitude: float, north_m: float, east_m: float) -> tuple[float, float]:
    """A point some metres away (good to 1e-4)."""
    north, east = metres_per_degree(np.array([latitude]))
    return latitude + north_m / float(north[0]), longitude + east_m / float(east[0])


def random_roads(
    seed: int, count: int, west: float, south: float, east: float, north: float
) -> list[HighwayLine]:
    """Winding lines of 3 to 12 segments of 50 to 500 m, drawn uniformly over a box of degrees."""
    random = np.random.default_rng(seed)
    lines = []
    for number in range(count):
        segments = int(random.integers(3, 13))
        heading = random.uniform(0, 2 * math.pi) + np.cumsum(random.normal(0, 0.3, segments))
        length_m = random.uniform(50, 500, segments)
        start = random.uniform(south, north)
        metres_north, metres_east = metres_per_degree(np.array([start]))
        steps_north = length_m * np.cos(heading) / metres_north
        steps_east = length_m * np.sin(heading) / metres_east
        latitude = start + np.concatenate(([0.0], np.cumsum(steps_north)))
        longitude = random.uniform(west, east) + np.concatenate(([0.0], np.cumsum(steps_east)))
        lines.append(line(f"R{number}", list(zip(latitude, longitude, strict=True))))
    return lines


def points_near(
    lines: Sequence[HighwayLine], seed: int, count: int, spread_m: float
) -> tuple[Floats, Floats]:
    """Points scattered around random vertices of the lines, as GNSS and side streets would."""
    random = np.random.default_rng(seed)
    latitude = np.concatenate([road.latitude_deg for road in lines])
    longitude = np.concatenate([road.longitude_deg for road in lines])
    owner = np.repeat(np.arange(len(lines)), [len(road.latitude_deg) for road in lines])
    first = np.flatnonzero(owner[1:] == owner[:-1])
    chosen = random.choice(first, count)
    along = random.random(count)
    north, east = metres_per_degree(latitude[chosen])
    return (
        latitude[chosen]
        + along * (latitude[chosen + 1] - latitude[chosen])
        + random.normal(0, spread_m, count) / north,
        longitude[chosen]
        + along * (longitude[chosen + 1] - longitude[chosen])
        + random.normal(0, spread_m, count) / east,
    )


@dataclass(frozen=True)
class ShapelyRoads:
    """The same lines for shapely, in the same plane. One tolerance for all lines."""

    lines: Sequence[HighwayLine]
    shapes: "np.ndarray[tuple[int], np.dtype[np.object_]]"
    tree: shapely.STRtree

    @classmethod
    def of(cls, lines: Sequence[HighwayLine]) -> "ShapelyRoads":
        shapes = np.array(
            [
                shapely.LineString(np.column_stack(to_plane(road.latitude_deg, road.longitude_deg)))
                for road in lines
            ],
            object,
        )
        return cls(lines, shapes, shapely.STRtree(shapes))

    def nearest(self, latitude: Floats, longitude: Floats) -> tuple[Ints, Floats, Floats]:
        """Return line (-1 beyond its tolerance), distance in metres and distance along in plane
        units, by ``query_nearest`` and ``line_locate_point``."""
        scale = metres_per_unit(latitude)
        points = shapely.points(*to_plane(latitude, longitude))
        tolerance_m = self.lines[0].tolerance_m
        (point, found), distance = self.tree.query_nearest(
            points,
            max_distance=tolerance_m / scale.min(),
            all_matches=False,
            return_distance=True,
        )
        metres = distance * scale[point]
        within = metres <= tolerance_m
        point, found, metres = point[within], found[within], metres[within]
        index = np.full(len(latitude), -1)
        distance_m = np.full(len(latitude), np.nan)
        along = np.full(len(latitude), np.nan)
        index[point], distance_m[point] = found, metres
        along[point] = shapely.line_locate_point(self.shapes[found], points[point])
        return index, distance_m, along

    def chainage_m(self, index: Ints, along: Floats) -> Floats:
        """Turn distances along in the plane into ground metres: Snyder's inverse for the foot's
        latitude, then plane length times the mean of the scales at both ends."""
        ground = np.full(len(index), np.nan)
        for i in np.flatnonzero(index >= 0):
            road, vertices = self.lines[index[i]], shapely.get_coordinates(self.shapes[index[i]])
            steps = np.hypot(*np.diff(vertices, axis=0).T)
            cumulative = np.concatenate(([0.0], np.cumsum(steps)))
            k = min(int(np.searchsorted(cumulative, along[i], side="right")) - 1, len(steps) - 1)
            part = along[i] - cumulative[k]
            foot_y = vertices[k, 1] + part / steps[k] * (vertices[k + 1, 1] - vertices[k, 1])
            scales = metres_per_unit(np.array([road.latitude_deg[k], latitude_of(foot_y)]))
            ground[i] = road.chainage_m[k] + part * float(scales.mean())
        return ground


def latitude_of(y: float) -> float:
    """Inverse of the Mercator y: Snyder 1987, eq. 7-9, iterated."""
    e, t = 0.0818191908426, math.exp(-y / 6_378_137.0)
    latitude = math.pi / 2 - 2 * math.atan(t)
    for _ in range(8):
        sine = e * math.sin(latitude)
        latitude = math.pi / 2 - 2 * math.atan(t * ((1 - sine) / (1 + sine)) ** (e / 2))
    return math.degrees(latitude)


def assert_same_as_shapely(
    ours: RoadMatches, roads: ShapelyRoads, latitude: Floats, longitude: Floats, chainages: int
) -> int:
    """Compare with shapely: the same line, or another at the same distance; the same distance;
    for the first ``chainages`` points the same chainage. Returns the number of ties."""
    index, distance_m, along = roads.nearest(latitude, longitude)
    np.testing.assert_array_equal(ours.line >= 0, index >= 0)
    np.testing.assert_allclose(ours.distance_m, distance_m, rtol=0, atol=1e-6)
    same = ours.line == index
    # Another line is only acceptable at the same distance by shapely's own measure.
    other = np.flatnonzero(~same)
    points = shapely.points(*to_plane(latitude[other], longitude[other]))
    by_shapely = shapely.distance(roads.shapes[ours.line[other]], points)
    by_shapely = by_shapely * metres_per_unit(latitude[other])
    np.testing.assert_allclose(by_shapely, distance_m[other], rtol=0, atol=1e-6)
    checked = np.flatnonzero(same[:chainages])
    expected_m = roads.chainage_m(index[checked], along[checked])
    np.testing.assert_allclose(ours.chainage_m[checked], expected_m, rtol=0, atol=1e-3)
    return len(other)


def geodesic_m(lat_1: float, lon_1: float, lat_2: float, lon_2: float) -> float:
    """Length of the geodesic on WGS 84: Vincenty 1975, inverse formula."""
    a, f = 6_378_137.0, 1 / 298.257223563
    b = (1 - f) * a
    u_1 = math.atan((1 - f) * math.tan(math.radians(lat_1)))
    u_2 = math.atan((1 - f) * math.tan(math.radians(lat_2)))
    difference = lam = math.radians(lon_2 - lon_1)
    for _ in range(100):
        sin_sigma = math.hypot(
            math.cos(u_2) * math.sin(lam),
            math.cos(u_1) * math.sin(u_2) - math.sin(u_1) * math.cos(u_2) * math.cos(lam),
        )
        if sin_sigma == 0:
            return 0.0
        cos_sigma = math.sin(u_1) * math.sin(u_2) + math.cos(u_1) * math.cos(u_2) * math.cos(lam)
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = math.cos(u_1) * math.cos(u_2) * math.sin(lam) / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        cos_2m = cos_sigma - 2 * math.sin(u_1) * math.sin(u_2) / cos2_alpha if cos2_alpha else 0.0
        c = f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha))
        previous = lam
        lam = difference + (1 - c) * f * sin_alpha * (
            sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m**2 - 1))
        )
        if abs(lam - previous) < 1e-13:
            break
    u_squared = cos2_alpha * (a**2 - b**2) / b**2
    big_a = 1 + u_squared / 16384 * (
        4096 + u_squared * (-768 + u_squared * (320 - 175 * u_squared))
    )
    big_b = u_squared / 1024 * (256 + u_squared * (-128 + u_squared * (74 - 47 * u_squared)))
    correction = (
        big_b
        * sin_sigma
        * (
            cos_2m
            + big_b
            / 4
            * (
                cos_sigma * (2 * cos_2m**2 - 1)
                - big_b / 6 * cos_2m * (4 * sin_sigma**2 - 3) * (4 * cos_2m**2 - 3)
            )
        )
    )
    return b * big_a * (sigma - correction)


def settlement_table(
    *rows: tuple[str, float, float, float], borders: dict[str, bytes] | None = None
) -> SettlementTable:
    """Settlements from (name, latitude, longitude, radius in metres) and borders by name."""
    names = tuple(row[0] for row in rows)
    return SettlementTable(
        id=tuple(f"id-{name}" for name in names),
        name=names,
        name_en=("",) * len(rows),
        name_ru=tuple(f"{name} по-русски" for name in names),
        name_kk=("",) * len(rows),
        latitude_deg=np.array([row[1] for row in rows], float),
        longitude_deg=np.array([row[2] for row in rows], float),
        population=np.full(len(rows), -1),
        radius_m=np.array([row[3] for row in rows], float),
        border_wkb=tuple((borders or {}).get(name) for name in names),
    )


def places_of(
    lines: Sequence[HighwayLine] = (), settlements: SettlementTable | None = None
) -> Places:
    """Places without a file."""
    table = settlement_table() if settlements is None else settlements
    report = ImportReport("test.places", "v1", (), 0, 0, 0.0, 0, 0.0, 0.0, len(table), 0)
    return Places("v1", lines, table, report)
