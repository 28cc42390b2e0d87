"""From what measurements leave open to a survey plan with its route, in memory and as files.

The command line and the workbench plan by this alone: the same measurements give the same plan.
Must not open measurements, nor choose among them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from fieldsurvey.analysis.gaps import find_gaps, find_settlement_gaps
from fieldsurvey.analysis.lacking import Lack, Point, lacking_settlements, lacking_stretches
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.route import Route, pace_of, plan_route, stop_if
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.analysis.targets import judged_by
from fieldsurvey.drive.plan_file import check_plan, plan_text
from fieldsurvey.export.replacing import Replacement, known_error
from fieldsurvey.export.route_gpx import place_and_tests, route_gpx, why_and_passes
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.places.places_file import Places

Meant = Callable[[Lack], bool]


@dataclass(frozen=True, slots=True)
class MadePlan:
    """``plan`` names the places of ``route``, in its order."""

    plan: SurveyPlan
    route: Route


def make_plan(
    measured: Measurements,
    places: Places,
    base: SurveyPlan,
    *,
    now_utc_us: int,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    meant: Meant = lambda _lack: True,
    settlements: bool = False,
    start: Point | None = None,
    max_km: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MadePlan:
    """Return ``base`` with what lacks tests of stretches, and of ``settlements`` if asked for.

    Places are judged by the evidence of ``measured`` in ``scope``; ``meant`` says which of those
    that lack tests are to be driven. Raises ``KnownError`` ``plan.nothing_lacking``,
    ``plan.nothing_fits`` and ``plan.cancelled``, and those of a damaged target file.
    """
    stop_if(cancelled)
    lacks = [
        lack
        for lack in _lacks(measured, places, base.target_id, scope, now_utc_us, settlements)
        if meant(lack)
    ]
    if not lacks:
        raise KnownError("plan.nothing_lacking")
    tests_at_once = 1 if base.links_together else max(1, len(base.links))
    # A test that is due is put off by up to one minimum gap, at random.
    seconds_per_test = 1.5 * base.minimum_gap_s + base.max_test_s * tests_at_once
    pace = pace_of(measured.evidence(), seconds_per_test)
    most_m = None if max_km is None else max_km * 1000
    route = plan_route(lacks, pace, start, most_m, cancelled)
    if not route.legs:
        raise KnownError("plan.nothing_fits", km=f"{max_km:g}")
    asked = [leg.lack.planned for leg in route.legs]
    plan = replace(
        base,
        stretches=tuple(one for one in asked if isinstance(one, PlannedStretch)),
        settlements=tuple(one for one in asked if isinstance(one, PlannedSettlement)),
    )
    return MadePlan(plan, route)


def _lacks(
    measured: Measurements,
    places: Places,
    target_id: str,
    scope: Scope,
    now_utc_us: int,
    settlements: bool,
) -> list[Lack]:
    rule = judged_by(target_id)
    tests = scope.apply(measured.evidence()).tests
    tested = tests["operator"].cast(pl.String).unique().sort().to_list()
    judged = judge_stretches(measured, rule, scope, now_utc_us=now_utc_us)
    stretches = find_gaps(judged, rule, places, operators=tested)
    found = lacking_stretches(stretches, places.highway_lines())
    if settlements:
        judged = judge_settlements(measured, rule, scope, now_utc_us=now_utc_us)
        villages = places.settlements()
        gaps = find_settlement_gaps(judged, rule, villages.id, tested)
        found += lacking_settlements(gaps, villages)
    return found


def write_plan(
    made: MadePlan, language: str, output: Path, gpx: Path | None = None, *, trained: bool = False
) -> None:
    """Write the plan to ``output`` and its route to ``gpx``, both or neither; what had the names
    before is replaced. ``trained``: it is made of replayed drives, which the plan says.

    Raises ``KnownError`` of :func:`check_plan`, and ``export.…`` where it cannot be written.
    """
    check_plan(made.plan)
    heading = [line.text(language) for line in route_lines(made.route, trained=trained)]
    texts = {output: plan_text(made.plan, heading).encode()}
    if gpx is not None:
        texts[gpx] = route_gpx(made.route, made.plan.name, language)
    path = output
    try:
        with Replacement() as replacement:
            for path, text in texts.items():
                with replacement.file(path) as stream:
                    stream.write(text)
            replacement.commit()
    except OSError as error:
        raise known_error(error, path) from error


def route_lines(route: Route, *, trained: bool = False) -> list[Message]:
    """Tell a route in words: the whole, then each place."""
    lines = [*route_said(route), *route_doubts(route)]
    if trained:
        lines.insert(0, message("plan.no_evidence"))
    return lines + [
        message(
            "plan.leg",
            number=number,
            place=place_and_tests(leg),
            why=why_and_passes(leg),
            km=f"{leg.approach_m / 1000:.0f}",
        )
        for number, leg in enumerate(route.legs, 1)
    ]


def route_said(route: Route) -> list[Message]:
    """Tell the whole of a route in one line, and in another what it leaves out."""
    whole = message(
        "plan.route",
        places=len(route.legs),
        tests=sum(leg.lack.planned.tests_needed for leg in route.legs),
        driven_km=f"{route.driven_m / 1000:.0f}",
        approach_km=f"{route.approach_m / 1000:.0f}",
        hours=f"{route.duration_s / 3600:.1f}",
        speed=f"{route.pace.speed_mps * 3.6:.0f}",
    )
    left_out = message("plan.left_out", places=route.left_out)
    return [whole, left_out] if route.left_out else [whole]


def route_doubts(route: Route) -> list[Message]:
    """Tell what the kilometres and hours of a route rest on."""
    pace = message("plan.pace_measured" if route.pace.measured else "plan.pace_assumed")
    return [pace, message("plan.straight_lines")]
