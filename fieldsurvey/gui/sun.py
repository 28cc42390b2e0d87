"""How high the sun stands, for switching between day and night without being asked.

Accurate to about a degree, which is a few minutes of dusk; not for navigation.
"""

import math

_J2000_UTC_S = 946_728_000  # 2000-01-01 12:00 UTC
_S_PER_DAY = 86_400
NIGHT_BELOW_DEG = -4.0
DAY_ABOVE_DEG = -2.0


def sun_elevation_deg(utc_s: float, latitude_deg: float, longitude_deg: float) -> float:
    """Return the height of the sun over the horizon, without refraction.

    Formula: the low-precision solar coordinates of the Astronomical Almanac, page C5 (0.01° from
    1950 to 2050 in ecliptic longitude).
    """
    days = (utc_s - _J2000_UTC_S) / _S_PER_DAY
    mean_longitude = 280.460 + 0.985_647_4 * days
    anomaly = math.radians(357.528 + 0.985_600_3 * days)
    ecliptic = math.radians(
        mean_longitude + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.000_000_4 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    greenwich_sidereal_deg = 280.460_618 + 360.985_647_4 * days
    hour_angle = math.radians(greenwich_sidereal_deg + longitude_deg) - right_ascension
    latitude = math.radians(latitude_deg)
    return math.degrees(
        math.asin(
            math.sin(latitude) * math.sin(declination)
            + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
        )
    )


def is_night(elevation_deg: float, was_night: bool) -> bool:
    """Return whether to show the night palette; between the two limits nothing changes."""
    return elevation_deg < (DAY_ABOVE_DEG if was_night else NIGHT_BELOW_DEG)
