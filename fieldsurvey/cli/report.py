"""``fieldsurvey report``: what was measured of a highway, a region or the programme, as a PDF."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldsurvey.cli.shell import Shell, default_places_path, progress_bar
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES

if TYPE_CHECKING:
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.places.places_file import Places
    from fieldsurvey.report.subject import Subject

_OPENING_SHARE = 0.5  # of the time, roughly


class _Moment(click.DateTime):
    """A moment; of a day alone its end, as elsewhere, so that the day itself counts."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        moment = super().convert(value, param, ctx)
        if isinstance(value, str) and "T" not in value:
            return moment.replace(hour=23, minute=59, second=59)
        return moment


@click.command(name="report")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--highway", metavar="REF[:KM-KM]", help="A highway, or a part of it.")
@click.option(
    "--region",
    metavar="W,S,E,N|SETTLEMENT",
    help="A rectangle of degrees, or a settlement by id or name.",
)
@click.option("--programme", is_flag=True, help="The national programme, target by target.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the report; else your own.")
@click.option("--places", "places_path", type=click.Path(path_type=Path), help="Places file.")
@click.option("--operator", "operators", multiple=True, help="Only this one; may be repeated.")
@click.option("--access", "accesses", multiple=True, help="Only this access type.")
@click.option("--target", "target_id", help="Judge by another target than the national one.")
@click.option(
    "--now",
    type=_Moment(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="As of when it is judged, by Kazakhstan's clock: the end of a day, or a moment. What is"
    " later is left out. Else today.",
)
@click.option("--replayed", is_flag=True, help="Show replayed drives, for training: no evidence.")
@click.pass_obj
def command(
    shell: Shell,
    paths: tuple[Path, ...],
    output: Path,
    highway: str | None,
    region: str | None,
    programme: bool,
    language: str | None,
    places_path: Path | None,
    operators: tuple[str, ...],
    accesses: tuple[str, ...],
    target_id: str | None,
    now: datetime | None,
    replayed: bool,
) -> None:
    """Print what PATHS (survey files, archive folders) say of a place, as PDF.

    Without a subject the report is about all that was measured. The same input and --now give the
    same file.
    """
    from fieldsurvey.analysis.as_of import until
    from fieldsurvey.analysis.scope import Scope
    from fieldsurvey.analysis.targets import NATIONAL, judged_by
    from fieldsurvey.export.opening import open_measurements
    from fieldsurvey.report.subject import Highway, known_highway
    from fieldsurvey.report.writing import write_report

    places = _places(places_path)
    subject = _subject(highway, region, programme, places)
    rule = judged_by(target_id or NATIONAL)
    scope = Scope(operator=operators or None, access_type=accesses or None)
    with progress_bar(output.name) as tell:
        m = open_measurements(paths, places=places, progress=lambda s: tell(s * _OPENING_SHARE))
        scope.check(m)
        now_utc_us = _now_utc_us(now, m, replayed=replayed)
        m = until(m, now_utc_us)
        for note in (*m.failed, *m.notes):
            shell.say(note)
        if isinstance(subject, Highway):
            subject = known_highway(subject, m, places)
        written = write_report(
            m,
            subject,
            output,
            places=places,
            language=language or shell.language,
            now_utc_us=now_utc_us,
            scope=scope,
            rule=rule,
            trained=replayed,
            progress=lambda s: tell(_OPENING_SHARE + s * (1 - _OPENING_SHARE)),
        )
    if written.empty:
        shell.tell("report.written_empty", path=output)
    else:
        shell.tell("report.written", path=output, tests=written.tests, asked=written.asked)
    if not written.archival:
        shell.tell("report.written_plain")


def _places(path: Path | None) -> Places | None:
    """Open the places file that was named, or the usual one where it is there."""
    from fieldsurvey.places.places_file import open_places

    if path is None and not default_places_path().is_file():
        return None
    return open_places(path or default_places_path())


def _subject(
    highway: str | None, region: str | None, programme: bool, places: Places | None
) -> Subject:
    from fieldsurvey.report.subject import Everything, Programme, highway_from, region_from

    if (highway is not None) + (region is not None) + programme > 1:
        raise KnownError("report.one_subject")
    if highway is not None:
        return highway_from(highway)
    if region is not None:
        return region_from(region, places)
    return Programme() if programme else Everything()


def _now_utc_us(now: datetime | None, m: Measurements, *, replayed: bool) -> int:
    """Return when the report is of: the day it is printed, so that what is old is said to be; and
    not before its newest measurement, which may be of today. What is dated later than this moment
    is by a wrong clock, which must not make all others old."""
    from fieldsurvey.analysis.as_of import replayed_until, until
    from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H

    clock = timezone(timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H))
    if now is not None:
        return int(now.replace(tzinfo=clock).timestamp()) * 1_000_000
    moment = datetime.now(clock)
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if replayed:
        return replayed_until(m, int(today.timestamp()) * 1_000_000)
    past = until(m, int(moment.timestamp() * 1_000_000)).evidence()
    times = [
        value
        for value in (past.tests["started_utc_us"].max(), past.samples["utc_us"].max())
        if isinstance(value, int)
    ]
    return max([int(today.timestamp()) * 1_000_000, *times])
