"""Which days an event and its usual day may be, and how their hours compare: laptops that stood.

Whether a laptop stood is asked of its whole drive: a brush over one street would make every car a
fixed point. Made in a worker. Must not import Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fieldsurvey.gui.workbench.facts import Bools

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.scope import Scope

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class EventHours:
    """``days``: beginnings (UTC, µs) of the days by Kazakhstan's clock on which fixed laptops
    tested, those with most tests first, of equally many the later one. ``event``, ``baseline``:
    those compared. ``hours``: of :func:`fieldsurvey.analysis.event.compare_days`, None without a
    day. ``driving_tests``: tests that were left out, of laptops that drove."""

    days: tuple[int, ...]
    event: int | None
    baseline: int | None
    hours: pl.DataFrame | None
    driving_tests: int


def event_hours(
    tables: Measurements,
    offered: Bools,
    selected: Bools,
    event: int | None,
    baseline: int | None,
) -> EventHours:
    """Compare two days of the ``selected`` tests of laptops that stood.

    ``offered``: tests that say which days there are. A day that is not among these is replaced:
    of the two with most tests the later one is the event, because its baseline comes before it.
    """
    import polars as pl

    from fieldsurvey.analysis.event import compare_days, fixed
    from fieldsurvey.analysis.scope import Scope

    still = fixed(tables.evidence()).tests["test_id"]
    stood = tables.tests["test_id"].is_in(still.implode())
    tests = tables.tests.with_columns(offered=pl.Series(offered), selected=pl.Series(selected))
    of_fixed = tests.filter(stood)
    counts = (
        of_fixed.filter("offered")
        .select(day=_day_of(pl.col("started_utc_us")))
        .drop_nulls()
        .group_by("day")
        .len()
        .sort("len", "day", descending=True)
    )
    days = tuple(counts["day"].to_list())
    driving = tests.filter(~stood & pl.col("selected")).height
    if not days:
        return EventHours((), None, None, None, driving)
    of_event: int = event if event is not None and event in days else max(days[:2])
    if baseline not in days or baseline == of_event:
        baseline = next((day for day in days if day != of_event), None)
    chosen = of_fixed.filter("selected").drop("offered", "selected")
    # No seconds: some of a drive could lie around another middle than all of it.
    there = replace(tables, samples=tables.samples.clear(), tests=chosen)
    usual = Scope(end_utc_us=0) if baseline is None else _scope(baseline)
    hours = compare_days(there, _scope(of_event), usual)
    return EventHours(days, of_event, baseline, hours, driving)


def _scope(day: int) -> Scope:
    from fieldsurvey.analysis.scope import Scope

    return Scope(first_utc_us=day, end_utc_us=day + DAY_US)


def _day_of(utc_us: pl.Expr) -> pl.Expr:
    """Return when the day began, by Kazakhstan's clock."""
    from fieldsurvey.analysis.event import HOUR_US, KAZAKHSTAN_UTC_OFFSET_H

    offset_us = KAZAKHSTAN_UTC_OFFSET_H * HOUR_US
    return utc_us - (utc_us + offset_us) % DAY_US
