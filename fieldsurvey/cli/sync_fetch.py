"""``fieldsurvey sync fetch``: the archive's files onto a supervisor's own disk."""

import asyncio
import dataclasses
import datetime
from pathlib import Path

import click

from fieldsurvey.cli.profile import profile_option
from fieldsurvey.cli.shell import Shell, print_json
from fieldsurvey.cli.sync_options import JSON, PATH, profile_at
from fieldsurvey.sync.fetching import Asked, Fetched, FetchProgress, fetch, local_path
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.profile import Profile

_TABLES = ("samples", "tests", "events", "drives")
_TELL_EVERY_BYTES = 4 * 1024 * 1024


@click.command(name="fetch")
@click.option("--area", default="", help="WEST,SOUTH,EAST,NORTH in degrees.")
@click.option("--from", "first_day", default="", help="First day, YYYY-MM-DD in UTC.")
@click.option("--to", "last_day", default="", help="Last day, YYYY-MM-DD in UTC.")
@click.option("--campaign", default="", help="Name of a survey plan.")
@click.option("--table", type=click.Choice(_TABLES), help="Only this table.")
@click.option("-o", "--output", required=True, type=PATH, help="A folder for this question alone.")
@JSON
@profile_option
@click.pass_obj
def fetch_command(
    shell: Shell,
    area: str,
    first_day: str,
    last_day: str,
    campaign: str,
    table: str | None,
    output: Path,
    as_json: bool,
    profile_path: Path | None,
) -> None:
    """Bring the archive's files that lack in a folder; for supervisors. Can be broken off."""
    for name, day in (("--from", first_day), ("--to", last_day)):
        _check_day(name, day)
    asked = Asked(table or "", first_day, last_day, _area(area), campaign)
    fetched = asyncio.run(_fetch(shell, profile_at(profile_path), output, asked))
    offer = fetched.manifest.offer
    if as_json:
        print_json(
            {
                "folder": str(output),
                "asked": dataclasses.asdict(asked),
                "log_size": offer.log_size,
                "waiting_batches": offer.waiting_batches,
                "came_files": fetched.came_files,
                "came_bytes": fetched.came_bytes,
                "removed_files": fetched.removed,
                "files": [
                    {**dataclasses.asdict(file), "path": local_path(file)} for file in offer.files
                ],
            }
        )
    shell.tell(
        "sync.fetched",
        path=output,
        files=len(offer.files),
        came=fetched.came_files,
        removed=fetched.removed,
        rows=sum(file.rows for file in offer.files),
        asked_rows=sum(file.rows_asked_at_most for file in offer.files),
        log_size=offer.log_size,
        waiting=offer.waiting_batches,
    )


async def _fetch(shell: Shell, profile: Profile, folder: Path, asked: Asked) -> Fetched:
    enrolment, _ = profile.enrolled()
    told_bytes = -_TELL_EVERY_BYTES

    def tell(progress: FetchProgress) -> None:
        nonlocal told_bytes
        done = progress.done_files == progress.files
        if progress.files and (done or progress.done_bytes >= told_bytes + _TELL_EVERY_BYTES):
            told_bytes = progress.done_bytes
            shell.tell("sync.fetching", **dataclasses.asdict(progress))

    async with HttpTransport(enrolment.hq_url, enrolment.token, enrolment.ca_pem) as transport:
        return await fetch(transport, enrolment, folder, asked, tell)


def _check_day(name: str, day: str) -> None:
    try:
        if day and datetime.date.fromisoformat(day).isoformat() != day:
            raise ValueError(day)
    except ValueError as error:
        raise click.BadParameter("expected YYYY-MM-DD", param_hint=name) from error


def _area(text: str) -> str:
    """Return the area as HQ reads it."""
    if not text:
        return ""
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError as error:
        hint = "expected WEST,SOUTH,EAST,NORTH"
        raise click.BadParameter(hint, param_hint="--area") from error
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise click.BadParameter("west before east, south before north", param_hint="--area")
    return ",".join(f"{value:.9f}" for value in (west, south, east, north))
