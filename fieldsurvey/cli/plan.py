"""``fieldsurvey plan``: what to drive next by what was measured, and how far the crews are."""

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fieldsurvey.cli.shell import Shell, default_places_path, print_json, progress_bar
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message

if TYPE_CHECKING:  # they bring polars along
    from fieldsurvey.analysis.lacking import Lack, Point
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.route import Leg, Route
    from fieldsurvey.analysis.scope import Scope
    from fieldsurvey.analysis.targets import JudgedBy
    from fieldsurvey.places.places_file import Places

PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
PLACES = click.option("--places", type=click.Path(path_type=Path), help="Places file.")
OPERATOR = click.option("--operator", help="Only what was measured of this operator.")
REPLAYED = click.option("--replayed", is_flag=True, help="For training: replayed drives alone.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(name="plan")
def command() -> None:
    """Say what to drive next, and what was driven so far."""


def _point(_ctx: click.Context, _option: click.Parameter, text: str | None) -> "Point | None":
    if text is None:
        return None
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError as error:
        raise click.BadParameter("two numbers of degrees, as in 43.24,76.95") from error
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise click.BadParameter("latitude comes first")
    return latitude, longitude


@command.command(name="make")
@PATHS
@PLACES
@click.option("--from", "start", metavar="LAT,LON", callback=_point, help="Where the car starts.")
@click.option("--max-km", type=click.FloatRange(min=0, min_open=True), help="No more than this.")
@click.option("--highway", "highways", multiple=True, metavar="REF", help="Only this highway.")
@click.option("--settlements", is_flag=True, help="Settlements as well.")
@OPERATOR
@click.option("--base", type=click.Path(path_type=Path), help="Plan whose other entries to keep.")
@REPLAYED
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--gpx", type=click.Path(path_type=Path), help="The route for a navigator as well.")
@JSON
@click.pass_obj
def make(
    shell: Shell,
    paths: tuple[Path, ...],
    places: Path | None,
    start: "Point | None",
    max_km: float | None,
    highways: tuple[str, ...],
    settlements: bool,
    operator: str | None,
    base: Path | None,
    replayed: bool,
    output: Path,
    gpx: Path | None,
    as_json: bool,
) -> None:
    """Make a survey plan and a route of what PATHS (surveys, archives) leave open."""
    from fieldsurvey.analysis.route import pace_of, plan_route
    from fieldsurvey.analysis.targets import judged_by
    from fieldsurvey.drive.plan_file import load_plan
    from fieldsurvey.places.places_file import open_places

    plan = replace(load_plan(base) if base else SurveyPlan(), name=output.stem)
    if operator is not None:
        plan = replace(plan, operator=operator)
    rule = judged_by(plan.target_id)
    known = open_places(places or default_places_path())
    measured = _open(shell, paths, known, replayed)
    lacks = _lacks(measured, known, rule, _scope(operator), highways, settlements)
    if not lacks:
        raise KnownError("plan.nothing_lacking")
    tests_at_once = 1 if plan.links_together else max(1, len(plan.links))
    # A test that is due is put off by up to one minimum gap, at random.
    seconds_per_test = 1.5 * plan.minimum_gap_s + plan.max_test_s * tests_at_once
    pace = pace_of(measured.evidence(), seconds_per_test)
    route = plan_route(lacks, pace, start, None if max_km is None else max_km * 1000)
    if not route.legs:
        raise KnownError("plan.nothing_fits", km=f"{max_km:g}")
    asked = [leg.lack.planned for leg in route.legs]
    plan = replace(
        plan,
        stretches=tuple(one for one in asked if isinstance(one, PlannedStretch)),
        settlements=tuple(one for one in asked if isinstance(one, PlannedSettlement)),
    )
    _write(shell, plan, route, replayed, output, gpx)
    if as_json:
        print_json(_document(route, replayed, output, gpx))
        return
    for line in _lines(route, replayed):
        shell.show(line)


@command.command(name="progress")
@PATHS
@PLACES
@OPERATOR
@REPLAYED
@JSON
@click.pass_obj
def progress(
    shell: Shell,
    paths: tuple[Path, ...],
    places: Path | None,
    operator: str | None,
    replayed: bool,
    as_json: bool,
) -> None:
    """Say what each crew got done each day."""
    from fieldsurvey.analysis import gaps
    from fieldsurvey.analysis.stretches import judge_stretches
    from fieldsurvey.analysis.targets import judged_by
    from fieldsurvey.places.places_file import open_places

    if places is None and default_places_path().exists():
        places = default_places_path()
    known = None if places is None else open_places(places)
    measured = _scope(operator).apply(_open(shell, paths, known, replayed))
    rule, now_utc_us = judged_by(), _now_utc_us()
    judged = judge_stretches(measured, rule, now_utc_us=now_utc_us)
    rows = [
        {"day": day_name(row.pop("day_utc_us")), **row}
        for row in gaps.progress(measured, judged, rule, now_utc_us).to_dicts()
    ]
    if as_json:
        print_json({"evidence": not replayed, "crews": rows})
        return
    if replayed:
        shell.show(message("plan.no_evidence"))
    for row in sorted(rows, key=lambda row: (row["day"], row["crew"])):
        shell.show(message("plan.progress_row", **row))


def day_name(day_utc_us: int) -> str:
    """Return the date of a day that began at ``day_utc_us`` by Kazakhstan's clock."""
    from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H

    here = timezone(timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H))
    return datetime.fromtimestamp(day_utc_us // US_PER_S, here).date().isoformat()


def _now_utc_us() -> int:
    return time.time_ns() // 1000


def _scope(operator: str | None) -> "Scope":
    from fieldsurvey.analysis.scope import Scope

    return Scope(operator=None if operator is None else (operator,))


def _open(
    shell: Shell, paths: tuple[Path, ...], places: "Places | None", replayed: bool
) -> "Measurements":
    from fieldsurvey.analysis.scope import training
    from fieldsurvey.export.opening import open_measurements

    with progress_bar(paths[0].name) as tell:
        measured = open_measurements(paths, places=places, progress=tell)
    for text in (*measured.failed, *measured.notes):
        shell.say(text)
    return training(measured) if replayed else measured


def _lacks(
    measured: "Measurements",
    known: "Places",
    rule: "JudgedBy",
    scope: "Scope",
    highways: tuple[str, ...],
    settlements: bool,
) -> "list[Lack]":
    """Return what is open of the highways named, or of all, and of settlements if asked for."""
    import polars as pl

    from fieldsurvey.analysis.gaps import find_gaps
    from fieldsurvey.analysis.lacking import lacking_settlements, lacking_stretches
    from fieldsurvey.analysis.settlements import judge_settlements
    from fieldsurvey.analysis.stretches import judge_stretches

    lines = known.highway_lines()
    if missing := sorted(set(highways) - {line.ref for line in lines}):
        raise KnownError("plan.no_highway", highway=", ".join(missing))
    if highways:
        lines = [line for line in lines if line.ref in highways]
    now_utc_us = _now_utc_us()
    # Seconds know the drive's operator, tests that of their link: it is these that are judged.
    tested = scope.apply(measured.evidence()).tests["operator"].cast(pl.String).unique().to_list()
    of_tested = pl.col("operator").cast(pl.String).is_in(tested, nulls_equal=True)
    judged = judge_stretches(measured, rule, scope, now_utc_us=now_utc_us).filter(of_tested)
    found = lacking_stretches(find_gaps(judged, rule, known), lines)
    if settlements:
        judged = judge_settlements(measured, rule, scope, now_utc_us=now_utc_us).filter(of_tested)
        found += lacking_settlements(judged, known.settlements(), rule)
    return found


def _write(
    shell: Shell, plan: SurveyPlan, route: "Route", replayed: bool, output: Path, gpx: Path | None
) -> None:
    from fieldsurvey.drive.plan_file import check_plan, plan_text
    from fieldsurvey.export.replacing import Replacement, known_error
    from fieldsurvey.export.route_gpx import route_gpx

    check_plan(plan)
    heading = [line.text(shell.language) for line in _lines(route, replayed)]
    texts = {output: plan_text(plan, heading).encode()}
    if gpx is not None:
        texts[gpx] = route_gpx(route, plan.name, shell.language)
    path = output
    try:
        with Replacement() as replacement:
            for path, text in texts.items():
                with replacement.file(path) as stream:
                    stream.write(text)
            replacement.commit()
    except OSError as error:
        raise known_error(error, path) from error


def _lines(route: "Route", replayed: bool) -> list[Message]:
    """Tell a route in words: the whole, then each place."""
    from fieldsurvey.export.route_gpx import place_and_tests, why_and_passes

    whole = message(
        "plan.route",
        places=len(route.legs),
        tests=sum(leg.lack.planned.tests_needed for leg in route.legs),
        driven_km=f"{route.driven_m / 1000:.0f}",
        approach_km=f"{route.approach_m / 1000:.0f}",
        hours=f"{route.duration_s / 3600:.1f}",
        speed=f"{route.pace.speed_mps * 3.6:.0f}",
    )
    pace = message("plan.pace_measured" if route.pace.measured else "plan.pace_assumed")
    lines = [whole, pace, message("plan.straight_lines")]
    if replayed:
        lines.insert(0, message("plan.no_evidence"))
    if route.left_out:
        lines.append(message("plan.left_out", places=route.left_out))
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


def _document(route: "Route", replayed: bool, output: Path, gpx: Path | None) -> dict[str, object]:
    return {
        "plan": str(output),
        "gpx": None if gpx is None else str(gpx),
        "evidence": not replayed,
        "driven_km": round(route.driven_m / 1000, 3),
        "straight_lines_km": round(route.approach_m / 1000, 3),
        "hours": round(route.duration_s / 3600, 2),
        "pace_km_per_h": round(route.pace.speed_mps * 3.6, 1),
        "pace_measured": route.pace.measured,
        "left_out": route.left_out,
        "route": [_leg_document(leg) for leg in route.legs],
    }


def _leg_document(leg: "Leg") -> dict[str, object]:
    planned = leg.lack.planned
    place: dict[str, object] = (
        {"highway_ref": planned.highway_ref, "from_m": planned.from_m, "to_m": planned.to_m}
        if isinstance(planned, PlannedStretch)
        else {"settlement_id": planned.settlement_id, "settlement_name": leg.lack.name}
    )
    return {
        **place,
        "tests_needed": planned.tests_needed,
        "reason": leg.lack.reason,
        "passes": leg.passes,
        "turned": leg.turned,
        "straight_line_km": round(leg.approach_m / 1000, 3),
    }
