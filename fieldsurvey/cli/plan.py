"""``fieldsurvey plan``: what to drive next by what was measured, and how far the crews are."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fieldsurvey.cli.shell import Shell, default_places_path, print_json, progress_bar
from fieldsurvey.model.drive import PlannedStretch, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message

if TYPE_CHECKING:  # they bring polars along
    from fieldsurvey.analysis.lacking import Lack, Point
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.route import Leg, Route
    from fieldsurvey.analysis.scope import Scope
    from fieldsurvey.drive.plan_making import Meant
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
    from fieldsurvey.drive.plan_file import load_plan
    from fieldsurvey.drive.plan_making import make_plan, route_lines, write_plan
    from fieldsurvey.places.places_file import open_places

    plan = replace(load_plan(base) if base else SurveyPlan(), name=output.stem)
    if operator is not None:
        plan = replace(plan, operator=operator)
    known = open_places(places or default_places_path())
    measured, now_utc_us = _open(shell, paths, known, replayed)
    scope = _scope(operator)
    try:
        scope.check(measured)
    except KnownError as unknown:  # a new operator's first plan, or a slip of the keys
        shell.say(message("plan.untested_operator", **unknown.message.args))
    made = make_plan(
        measured,
        known,
        plan,
        now_utc_us=now_utc_us,
        scope=scope,
        meant=_on_highways(known, highways),
        settlements=settlements,
        start=start,
        max_km=max_km,
    )
    write_plan(made, shell.language, output, gpx, trained=replayed)
    if as_json:
        print_json(_document(made.route, replayed, output, gpx))
        return
    for line in route_lines(made.route, trained=replayed):
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
    measured, now_utc_us = _open(shell, paths, known, replayed)
    scope = _scope(operator)
    scope.check(measured)
    measured = scope.apply(measured)
    rule = judged_by()
    judged = judge_stretches(measured, rule, now_utc_us=now_utc_us)
    rows = [
        {"day": gaps.day_name(row.pop("day_utc_us")), **row}
        for row in gaps.progress(measured, judged, rule, now_utc_us).to_dicts()
    ]
    if as_json:
        print_json({"evidence": not replayed, "crews": rows})
        return
    if replayed:
        shell.show(message("plan.no_evidence"))
    for row in sorted(rows, key=lambda row: (row["day"], row["crew"])):
        shell.show(message("plan.progress_row", **row))


def _scope(operator: str | None) -> "Scope":
    from fieldsurvey.analysis.scope import Scope

    return Scope(operator=None if operator is None else (operator,))


def _open(
    shell: Shell, paths: tuple[Path, ...], places: "Places | None", replayed: bool
) -> tuple["Measurements", int]:
    """Return what counts, and as of when."""
    from fieldsurvey.analysis.as_of import replayed_until, until
    from fieldsurvey.analysis.scope import training
    from fieldsurvey.export.opening import open_measurements

    with progress_bar(paths[0].name) as tell:
        measured = open_measurements(paths, places=places, progress=tell)
    now_utc_us = time.time_ns() // 1000
    if replayed:
        now_utc_us = replayed_until(measured, now_utc_us)
        measured = training(measured)
    measured = until(measured, now_utc_us)
    for text in (*measured.failed, *measured.notes):
        shell.say(text)
    return measured, now_utc_us


def _on_highways(known: "Places", highways: tuple[str, ...]) -> "Meant":
    """Return what is meant by the highways named, in capitals or not; settlements lie on none."""
    there = {line.ref for line in known.highway_lines()}
    asked = {ref.casefold() for ref in highways}
    known_refs = {ref.casefold() for ref in there}
    if missing := sorted(ref for ref in highways if ref.casefold() not in known_refs):
        raise KnownError("plan.no_highway", highway=", ".join(missing))
    wanted = {ref for ref in there if ref.casefold() in asked} or there

    def meant(lack: "Lack") -> bool:
        planned = lack.planned
        return not isinstance(planned, PlannedStretch) or planned.highway_ref in wanted

    return meant


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
        "operators": [{"operator": name, "tests_needed": n} for name, n in leg.lack.operators],
        "passes": leg.passes,
        "turned": leg.turned,
        "straight_line_km": round(leg.approach_m / 1000, 3),
    }
