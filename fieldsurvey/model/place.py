"""Where something was measured, in words a road engineer uses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of highway, a settlement, both, or honestly neither.

    Derived from a fix, so it names the places file it came from. ``highway_ref`` is None for
    "no road": the nearest one was further than its tolerance. ``chainage_m`` counts from the
    highway's start; its whole kilometres are the kilometre post last passed.
    """

    places_version: str
    highway_ref: str | None = None
    chainage_m: float | None = None
    road_distance_m: float | None = None
    settlement_id: str | None = None
    settlement_name: str | None = None
    settlement_distance_m: float | None = None  # 0 inside a border

    @property
    def kilometre_post(self) -> int | None:
        return None if self.chainage_m is None else int(self.chainage_m // 1000)
