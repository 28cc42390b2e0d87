"""Short distances on the WGS 84 ellipsoid, for odometers and gap checks."""

import math

_A_M = 6_378_137.0
_E2 = 6.694_379_990_14e-3


def metres_per_degree(latitude_deg: float) -> tuple[float, float]:
    """Return metres per degree of latitude and of longitude at ``latitude_deg``.

    Source: meridional and prime-vertical radii of curvature (Snyder 1987, eq. 4-18 to 4-20).
    """
    sin = math.sin(math.radians(latitude_deg))
    w = 1.0 - _E2 * sin * sin
    meridional_m = _A_M * (1.0 - _E2) / (w * math.sqrt(w))
    vertical_m = _A_M / math.sqrt(w)
    return (
        math.radians(1.0) * meridional_m,
        math.radians(1.0) * vertical_m * math.cos(math.radians(latitude_deg)),
    )


def distance_m(
    latitude_a_deg: float, longitude_a_deg: float, latitude_b_deg: float, longitude_b_deg: float
) -> float:
    """Return the distance between two points a few kilometres apart (error below 1e-5 there)."""
    north_m, east_m = metres_per_degree((latitude_a_deg + latitude_b_deg) / 2)
    east_deg = (longitude_b_deg - longitude_a_deg + 180.0) % 360.0 - 180.0
    return math.hypot((latitude_b_deg - latitude_a_deg) * north_m, east_deg * east_m)
