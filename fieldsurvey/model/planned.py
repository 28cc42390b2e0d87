"""How what a plan asks for is named and counted, on screen, in a route file and on the road."""

from dataclasses import dataclass

from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from fieldsurvey.model.messages import Message, message

# Two tests of one link nearer and sooner than this are one look at a place, and of a road nearer,
# however late. The judgement at a desk counts alike (:mod:`fieldsurvey.analysis.independence`); a
# test holds the two together.
NEAR_M = 100.0
SOON_US = 60_000_000


@dataclass(frozen=True, slots=True)
class PlannedProgress:
    """``made``: tests that say something of the place, of the link that has fewest of them."""

    planned: PlannedStretch | PlannedSettlement
    made: int

    @property
    def is_done(self) -> bool:
        return self.made >= self.planned.tests_needed


def stretch_name(stretch: PlannedStretch) -> Message:
    """Return "KZ38-01 km 40–50", to a hundred metres: a highway may end anywhere."""
    return message(
        "plan.stretch",
        ref=stretch.highway_ref,
        from_km=f"{round(stretch.from_m / 1000, 1):g}",
        to_km=f"{round(stretch.to_m / 1000, 1):g}",
    )


def progress_line(progress: PlannedProgress, settlement_name: str = "") -> Message:
    """Return "KZ38-01 km 40–50: 3 of 7 tests"."""
    planned = progress.planned
    place: Message | str = (
        stretch_name(planned)
        if isinstance(planned, PlannedStretch)
        else settlement_name or planned.settlement_id
    )
    return message("plan.progress", place=place, made=progress.made, needed=planned.tests_needed)
