"""Draws the demo: an invented drive on an invented road over an invented link.

Everything beside this file is written by it: ``python resources/demo/make_demo.py``. The same
numbers come out every time. Nothing here was measured anywhere, and no place is a real one.
"""

import datetime
import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SEED = 2027
DRIVE_S = 1150
TRACE_S = 1260  # longer than the drive, so that it never starts over in it
STARTED = datetime.datetime(2026, 6, 15, 4, 30, tzinfo=datetime.UTC)

ROAD_START_DEG = (48.620000, 70.150000)  # open steppe
ROAD_M = 29_000
ROAD_STEP_M = 50
DRIVE_STARTS_AT_M = 1_300  # chainage; not at a kilometre post
CROSSING_AT_M = 20_600
RIGHT_LANE_M = 4.0

# (drive second, km/h to drive at from then on): out, village, steppe, a stop, home.
SPEEDS_KMH = [
    *((0, 0), (4, 84), (60, 98), (330, 88), (395, 52), (480, 92), (700, 82), (775, 0)),
    *((812, 90), (1120, 70)),
]
VILLAGE_S = (392, 482)
OUTAGE_S = (268, 288)  # the receiver has no fix

# (drive second, Mbit/s of TCP payload); straight lines between, 0 is dead.
RATES_MBPS = [
    *((0, 205), (120, 222), (240, 172), (325, 165), (345, 48), (430, 36), (520, 26), (596, 52)),
    *((612, 14), (613, 0), (675, 0), (676, 60), (688, 97), (870, 97), (892, 180), (1000, 215)),
    *((1100, 165), (TRACE_S, 190)),
]
FLUTTER = 0.07  # standard deviation of the rate around the lines, as a share

_METRES_PER_DEGREE = 111_200.0
_KNOTS_PER_MPS = 1 / 0.514444


@dataclass(frozen=True)
class RoadPoint:
    latitude_deg: float
    longitude_deg: float
    heading_deg: float


def road() -> list[RoadPoint]:
    """Return a point per metre of DEMO-1: eastward in long, easy bends."""
    latitude_deg, longitude_deg = ROAD_START_DEG
    points = []
    for chainage_m in range(ROAD_M + 1):
        heading_deg = (
            80.0
            + 16.0 * math.sin(2 * math.pi * chainage_m / 9_500)
            + 7.0 * math.sin(2 * math.pi * chainage_m / 3_700 + 1.0)
        )
        points.append(RoadPoint(latitude_deg, longitude_deg, heading_deg))
        latitude_deg, longitude_deg = moved(latitude_deg, longitude_deg, heading_deg, 1.0)
    return points


def moved(
    latitude_deg: float, longitude_deg: float, heading_deg: float, metres: float
) -> tuple[float, float]:
    """Return the point ``metres`` further on, on a sphere, good enough for a drawing."""
    heading = math.radians(heading_deg)
    east_scale = math.cos(math.radians(latitude_deg))
    return (
        latitude_deg + metres * math.cos(heading) / _METRES_PER_DEGREE,
        longitude_deg + metres * math.sin(heading) / (_METRES_PER_DEGREE * east_scale),
    )


def between(second: float, corners: Sequence[tuple[int, float]]) -> float:
    """Return the value on the straight lines through ``corners``."""
    for (start_s, start), (end_s, end) in itertools.pairwise(corners):
        if start_s <= second < end_s:
            return start + (end - start) * (second - start_s) / (end_s - start_s)
    return corners[-1][1]


def drive() -> list[tuple[float, float]]:
    """Return speed (m/s) and chainage (m) for each second."""
    seconds = []
    speed_mps, chainage_m = 0.0, float(DRIVE_STARTS_AT_M)
    for second in range(DRIVE_S):
        wanted_mps = [kmh for start_s, kmh in SPEEDS_KMH if start_s <= second][-1] / 3.6
        if wanted_mps:
            wanted_mps += 0.8 * math.sin(second / 17.0)
        # Ordinary driving: 1.2 m/s² faster, 1.8 m/s² slower.
        speed_mps += min(1.2, max(-1.8, wanted_mps - speed_mps))
        chainage_m += speed_mps
        seconds.append((speed_mps, chainage_m))
    return seconds


def sentence(content: str) -> str:
    checksum = 0
    for character in content:
        checksum ^= ord(character)
    return f"${content}*{checksum:02X}\n"


def degrees_minutes(degrees: float, digits: int) -> str:
    minutes = round(degrees * 60, 4)
    return f"{int(minutes // 60):0{digits}d}{minutes % 60:07.4f}"


def route_nmea() -> str:
    """Return RMC and GGA once a second, as a car's receiver writes them."""
    chance = random.Random(SEED)
    points = road()
    lines = []
    drift_m = [0.0, 0.0]  # north, east: error of a good receiver, slow to change
    for second, (speed_mps, chainage_m) in enumerate(drive()):
        now = STARTED + datetime.timedelta(seconds=second)
        time, date = f"{now:%H%M%S}", f"{now:%d%m%y}"
        drift_m = [0.96 * metres + chance.gauss(0.0, 0.4) for metres in drift_m]
        if OUTAGE_S[0] <= second < OUTAGE_S[1]:
            lines.append(sentence(f"GPRMC,{time},V,,,,,,,{date},,"))
            lines.append(sentence(f"GPGGA,{time},,,,,0,,,,M,,M,,"))
            continue
        point = points[int(chainage_m)]
        latitude_deg, longitude_deg = point.latitude_deg, point.longitude_deg
        for heading_deg, metres in (
            (point.heading_deg, chainage_m % 1),
            (point.heading_deg + 90.0, RIGHT_LANE_M),
            (0.0, drift_m[0]),
            (90.0, drift_m[1]),
        ):
            latitude_deg, longitude_deg = moved(latitude_deg, longitude_deg, heading_deg, metres)
        place = f"{degrees_minutes(latitude_deg, 2)},N,{degrees_minutes(longitude_deg, 3)},E"
        speed_kn = speed_mps * _KNOTS_PER_MPS
        satellites = 11 + chance.choice((-2, -1, 0, 0, 1))
        altitude_m = 410 + 25 * math.sin(chainage_m / 4_000)
        lines.append(
            sentence(f"GPRMC,{time},A,{place},{speed_kn:.1f},{point.heading_deg:.0f},{date},,")
        )
        lines.append(
            sentence(f"GPGGA,{time},{place},1,{satellites},0.8,{altitude_m:.0f},M,-38,M,,")
        )
    return "".join(lines)


def link_csv() -> str:
    """Return the link's rate for each second, fluttering around ``RATES_MBPS``."""
    chance = random.Random(SEED)
    lines = ["t_s,rate_mbps"]
    flutter = 0.0
    for second in range(TRACE_S):
        flutter = 0.7 * flutter + chance.gauss(0.0, FLUTTER * math.sqrt(1 - 0.7**2))
        rate_mbps = between(second, RATES_MBPS) * (1 + max(-0.2, min(0.2, flutter)))
        lines.append(f"{second},{rate_mbps:.1f}")
    return "\n".join(lines) + "\n"


def places_geojson() -> str:
    """Return two roads and three settlements, one feature per line."""
    points = road()
    seconds = drive()
    highway = [
        [round(point.longitude_deg, 6), round(point.latitude_deg, 6)]
        for point in points[::ROAD_STEP_M]
    ]
    crossing = points[CROSSING_AT_M]
    side_road = [beside(crossing, metres, 65.0) for metres in range(-4_000, 4_001, ROAD_STEP_M * 2)]
    village = [int(seconds[second][1]) for second in VILLAGE_S]
    border = [beside(points[at_m], 450.0) for at_m in range(village[0], village[1], 100)]
    border += [beside(points[at_m], -350.0) for at_m in range(village[1], village[0], -100)]
    features = [
        feature("LineString", highway, ref="DEMO-1", name="Demo highway 1"),
        feature("LineString", side_road, ref="DEMO-2", name="Demo highway 2"),
        settlement(
            "demo-village",
            "village",
            ("Demo village", "Демо-село", "Демо ауылы"),
            "Polygon",
            [[*border, border[0]]],
        ),
        settlement(
            "demo-station",
            "hamlet",
            ("Demo station", "Демо-станция", "Демо бекеті"),
            "Point",
            beside(points[6_000], 1_400.0),
        ),
        settlement(
            "demo-homestead",
            "hamlet",
            ("Demo homestead", "Демо-хутор", "Демо қыстауы"),
            "Point",
            beside(points[24_300], -180.0),
        ),
    ]
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def beside(point: RoadPoint, metres: float, angle_deg: float = 90.0) -> list[float]:
    """Return [longitude, latitude] at ``metres`` off the road, to the right if positive."""
    latitude_deg, longitude_deg = moved(
        point.latitude_deg, point.longitude_deg, point.heading_deg + angle_deg, metres
    )
    return [round(longitude_deg, 6), round(latitude_deg, 6)]


def settlement(
    id_: str, place: str, names: tuple[str, str, str], kind: str, coordinates: object
) -> dict[str, object]:
    english, russian, kazakh = names
    return feature(
        kind,
        coordinates,
        id=id_,
        place=place,
        name=english,
        name_en=english,
        name_ru=russian,
        name_kk=kazakh,
    )


def feature(kind: str, coordinates: object, **properties: str) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {**properties, "synthetic": "yes"},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


FILES: dict[str, Callable[[], str]] = {
    "route.nmea": route_nmea,
    "link.csv": link_csv,
    "places.geojson": places_geojson,
}

if __name__ == "__main__":
    for name, made in FILES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8", newline="\n")
