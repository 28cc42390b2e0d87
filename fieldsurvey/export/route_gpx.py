"""A route as GPX: what a navigator, a phone or QGIS shows of what is to be driven.

One route (``<rte>``) meets the ends of all stretches in the order of driving, and each place is a
waypoint that says how many tests it lacks. Roads between stretches are left to who navigates.
"""

from gpxpy.gpx import GPX, GPXRoute, GPXRoutePoint, GPXWaypoint

from fieldsurvey.analysis.lacking import Point
from fieldsurvey.analysis.route import Leg, Route
from fieldsurvey.export.text import cleaned
from fieldsurvey.model.drive import PlannedStretch
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.planned import stretch_name


def place_name(leg: Leg) -> Message | str:
    """Return "KZ38-01 km 40–50", or the settlement's name."""
    planned = leg.lack.planned
    if isinstance(planned, PlannedStretch):
        return stretch_name(planned)
    return leg.lack.name or planned.settlement_id


def place_and_tests(leg: Leg) -> Message:
    """Return "KZ38-01 km 40–50: 7 tests"."""
    needed = leg.lack.planned.tests_needed
    word = "plan.place_and_test" if needed == 1 else "plan.place_and_tests"
    return message(word, place=place_name(leg), tests=needed)


def why_and_passes(leg: Leg) -> Message:
    """Return "not enough data; passes: 1"."""
    why = message(f"plan.why_{leg.lack.reason}")
    return message("plan.why_and_passes", why=why, passes=leg.passes) if leg.passes else why


def route_gpx(route: Route, name: str, language: str) -> bytes:
    """Return a GPX 1.1 document; ``name`` is the plan's."""
    gpx = GPX()
    gpx.creator = "FieldSurvey"
    gpx.name = name
    way = GPXRoute(name=name)
    gpx.routes.append(way)
    for leg in route.legs:
        text = cleaned(place_and_tests(leg).text(language))
        about = why_and_passes(leg).text(language)
        latitude, longitude = leg.points[0]
        gpx.waypoints.append(GPXWaypoint(latitude, longitude, name=text, description=about))
        for point in leg.points:
            way.points.append(_route_point(leg, point, language))
    return gpx.to_xml(version="1.1").encode()


def _route_point(leg: Leg, point: Point, language: str) -> GPXRoutePoint:
    planned = leg.lack.planned
    if isinstance(planned, PlannedStretch):
        from_start_m = 0.0 if point == leg.lack.start else leg.lack.length_m
        km = f"{round((planned.from_m + from_start_m) / 1000, 1):g}"
        name = message("plan.post", ref=planned.highway_ref, km=km).text(language)
    else:
        name = leg.lack.name or planned.settlement_id
    return GPXRoutePoint(point[0], point[1], name=cleaned(name))
