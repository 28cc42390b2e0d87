"""Where the route of a plan begins: a village or kilometre found by name, or the map's middle.

Only what is one spot can be chosen: the middle of a highway is nowhere that a car starts from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.finder import Answer
from fieldsurvey.gui.workbench_map.place_search import PlaceSearch

_DECIMALS = 5  # a metre; what is shown is what is planned from


@dataclass(frozen=True)
class RouteStart:
    """``name``: as it was chosen, in the language of that moment."""

    name: str
    latitude_deg: float
    longitude_deg: float


def start_answers(
    texts: Texts,
    search: PlaceSearch,
    typed: str,
    middle: tuple[float, float],
    take: Callable[[RouteStart | None], None],
) -> list[Answer]:
    """Return what a route can start from by what is typed; nothing typed, the map's ``middle``
    (latitude, longitude in degrees) and no start at all, which ``take`` gets as None."""
    if not typed.strip():
        latitude_deg, longitude_deg = (round(degrees, _DECIMALS) for degrees in middle)
        name = texts.tr(
            "map_coordinates",
            latitude=texts.number(latitude_deg, _DECIMALS),
            longitude=texts.number(longitude_deg, _DECIMALS),
        )
        here = RouteStart(name, latitude_deg, longitude_deg)
        return [
            Answer(texts.tr("wb_plan_start_middle"), name, partial(take, here)),
            Answer(
                texts.tr("wb_plan_start_nowhere"),
                texts.tr("wb_plan_start_first"),
                partial(take, None),
            ),
        ]
    return [
        Answer(
            place.label,
            "",
            partial(take, RouteStart(place.label, place.latitude_deg, place.longitude_deg)),
        )
        for place in search.find(typed, texts.language, near=middle)
        if place.is_spot
    ]
