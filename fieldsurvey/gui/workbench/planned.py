"""What to drive next of what is selected, and what the crews got done, as tables.

Made in a worker. Filters say by what evidence places are judged; they and a brush say which places
are meant: a place nobody asked about is not planned because its tests were filtered away. Must not
import Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fieldsurvey.gui.workbench.facts import Bools
from fieldsurvey.gui.workbench.filters import Filters
from fieldsurvey.gui.workbench.selection import Brush, rows_of
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.lacking import Lack, Point
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.route import Route
    from fieldsurvey.drive.plan_making import MadePlan
    from fieldsurvey.model.messages import Message
    from fieldsurvey.places.places_file import Places

HIDDEN = "hidden"  # instead of "not driven", where the filters left out what was driven

_OFF = ""  # among the words of a filter: on no highway, in no settlement

Cancelled = Callable[[], bool]
PlaceKey = tuple[str, int] | str  # highway and where the stretch begins in m, or a settlement's id


@dataclass(frozen=True)
class Subject:
    """What a plan is asked of. ``tests``, ``samples``: what the filters keep; ``brush``: what of it
    was marked by hand. ``settlements``: whether they are planned as well. ``start``: where the
    route begins, in degrees; ``most_km``: how long it may be."""

    measurements: Measurements
    tests: Bools
    samples: Bools
    filters: Filters
    brush: Brush | None
    places: Places | None
    now_utc_us: int
    settlements: bool = False
    start: Point | None = None
    most_km: float | None = None

    @property
    def filtered(self) -> Measurements:
        return rows_of(self.measurements, self.tests, self.samples)

    @property
    def selected(self) -> Measurements:
        if self.brush is None:
            return self.filtered
        tests, samples = self.tests & self.brush.tests, self.samples & self.brush.samples
        return rows_of(self.measurements, tests, samples)

    @property
    def chosen(self) -> Measurements:
        """Return the rows that choose places: no second that came with a marked test."""
        rows = self.selected
        if self.brush is not None and self.brush.of_tests:
            return replace(rows, samples=rows.samples.clear())
        return rows


@dataclass(frozen=True)
class Planned:
    """``legs``: a row per place of the route, in its order. ``said``: what it comes to in words.
    ``doubts``: what has to be known of that."""

    route: Route
    legs: pl.DataFrame
    said: tuple[Message, ...]
    doubts: tuple[Message, ...]


def plan_of(subject: Subject, base: SurveyPlan, cancelled: Cancelled) -> MadePlan:
    """Return the plan of what is selected; its other entries are those of ``base``.

    Raises ``KnownError`` ``gui.wb_no_places`` and those of
    :func:`fieldsurvey.drive.plan_making.make_plan`.
    """
    from fieldsurvey.drive.plan_making import make_plan

    if subject.places is None:
        raise KnownError("gui.wb_no_places")
    operators = subject.filters.choices.get("operator", ())
    if len(operators) == 1 and operators[0]:
        base = replace(base, operator=operators[0])
    marked = None if subject.brush is None else _places_in(subject.chosen)
    elsewhere = _elsewhere(subject.filtered, subject.filters)

    def meant(lack: Lack) -> bool:
        return (
            _asked_for(subject.filters, lack)
            and (marked is None or _key(lack) in marked)
            and _key(lack) not in elsewhere
        )

    return make_plan(
        subject.filtered,
        subject.places,
        base,
        now_utc_us=subject.now_utc_us,
        meant=meant,
        settlements=subject.settlements,
        start=subject.start,
        max_km=subject.most_km,
        cancelled=cancelled,
    )


def planned(subject: Subject, cancelled: Cancelled) -> Planned:
    """Return the route as a table. Raises ``KnownError`` as :func:`plan_of` does."""
    import polars as pl

    from fieldsurvey.drive.plan_making import route_doubts, route_said

    route = plan_of(subject, SurveyPlan(), cancelled).route
    there = _places_in(subject.measurements.evidence())
    hidden = there - _places_in(subject.filtered.evidence())
    rows, so_far_m = [], 0.0
    for number, leg in enumerate(route.legs, 1):
        so_far_m += leg.approach_m + leg.driven_m
        row = {"number": number, "passes": leg.passes, "so_far_m": so_far_m, **_place(leg.lack)}
        if _key(leg.lack) in hidden:
            row["reason"] = HIDDEN
        rows.append(row)
    legs = pl.DataFrame(rows, infer_schema_length=None)
    return Planned(route, legs, tuple(route_said(route)), tuple(route_doubts(route)))


def _place(lack: Lack) -> dict[str, object]:
    """Return what stands in a row of a stretch, or of a settlement."""
    asked = lack.planned
    row = {
        "reason": lack.reason,
        "tests_needed": asked.tests_needed,
        "operator": lack.operators[0][0] if lack.operators else None,
        "operators": [{"name": name, "tests": tests} for name, tests in lack.operators],
    }
    if isinstance(asked, PlannedStretch):
        road = {"highway_ref": asked.highway_ref, "from_m": asked.from_m, "to_m": asked.to_m}
        return {**row, **road, "settlement_id": None, "place": asked.highway_ref}
    name = lack.name or asked.settlement_id
    nowhere = {"highway_ref": None, "from_m": None, "to_m": None}
    return {**row, **nowhere, "settlement_id": asked.settlement_id, "place": name}


def crews(subject: Subject, cancelled: Cancelled) -> pl.DataFrame:
    """Return what each crew got done each day of what is selected, the newest day first: columns of
    :data:`fieldsurvey.analysis.gaps.PROGRESS_COLUMNS`, and ``day`` as a date. Raises
    ``KnownError`` for a damaged target file, and ``plan.cancelled``."""
    import polars as pl

    from fieldsurvey.analysis.gaps import day_name, progress
    from fieldsurvey.analysis.route import stop_if
    from fieldsurvey.analysis.stretches import judge_stretches
    from fieldsurvey.analysis.targets import judged_by

    stop_if(cancelled)
    rule, now_utc_us = judged_by(), subject.now_utc_us
    judged = judge_stretches(subject.filtered, rule, now_utc_us=now_utc_us)
    found = progress(subject.selected, judged, rule, now_utc_us)
    days = pl.col("day_utc_us").map_elements(day_name, return_dtype=pl.String)
    return found.with_columns(day=days).sort("day_utc_us", "crew", descending=[True, False])


def _asked_for(filters: Filters, lack: Lack) -> bool:
    """Return whether the filters speak of a place, or of none at all."""
    asked, choices = lack.planned, filters.choices
    highways, settlements = choices.get("highway_ref"), choices.get("settlement_id")
    if isinstance(asked, PlannedSettlement):
        if settlements is not None:
            return asked.settlement_id in settlements
        return filters.road is None and (highways is None or _OFF in highways)
    road = filters.road
    return (
        (settlements is None or _OFF in settlements)
        and (highways is None or asked.highway_ref in highways)
        and (
            road is None
            or (
                asked.highway_ref == road.highway_ref
                and asked.from_m < road.to_m
                and asked.to_m > road.from_m
            )
        )
    )


def _elsewhere(measured: Measurements, filters: Filters) -> set[str]:
    """Return the settlements that were measured, and nowhere on the highways and kilometres that
    the filters name: who names a village as well means it only if it lies there."""
    import polars as pl

    highways, road = filters.choices.get("highway_ref"), filters.road
    there = pl.lit(value=True)
    if highways is not None:
        there &= pl.col("highway_ref").cast(pl.String).fill_null(_OFF).is_in(highways)
    if road is not None:
        there &= (pl.col("highway_ref").cast(pl.String) == road.highway_ref) & (
            pl.col("chainage_m").is_between(road.from_m, road.to_m, closed="left")
        )
    rows = measured.tests, measured.samples
    return _settlements_in(*rows) - _settlements_in(*(part.filter(there) for part in rows))


def _settlements_in(*tables: pl.DataFrame) -> set[str]:
    """Return the ids of the settlements that anything was measured in."""
    import polars as pl

    return {
        one
        for table in tables
        for one in table["settlement_id"].drop_nulls().cast(pl.String).unique().to_list()
    }


def _key(lack: Lack) -> PlaceKey:
    asked = lack.planned
    if isinstance(asked, PlannedSettlement):
        return asked.settlement_id
    return asked.highway_ref, asked.from_m


def _places_in(measured: Measurements) -> set[PlaceKey]:
    """Return the places that anything was measured in."""
    import polars as pl

    from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M

    from_m = (pl.col("chainage_m") / JUDGED_LENGTH_M).floor().cast(pl.Int64) * JUDGED_LENGTH_M
    found: set[PlaceKey] = set()
    for table in (measured.samples, measured.tests):
        on_road = table.select(pl.col("highway_ref").cast(pl.String), from_m.alias("from_m"))
        found |= set(on_road.drop_nulls().unique().iter_rows())
    return found | _settlements_in(measured.samples, measured.tests)
