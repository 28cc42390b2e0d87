"""``fieldsurvey places``: highways and settlements that results are tied to."""

from collections.abc import Iterator
from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, default_places_path, progress_bar
from fieldsurvey.model.messages import Message, message
from fieldsurvey.places.places_file import import_files, open_places
from fieldsurvey.places.report import ImportReport


@click.group(name="places")
def command() -> None:
    """Import highways and settlements, or look at what is there."""


@command.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Places file to write.")
@click.pass_obj
def import_command(shell: Shell, files: tuple[Path, ...], output: Path | None) -> None:
    """Build a places file from GeoJSON, GeoPackage, CSV or .osm.pbf FILES."""
    output = output or default_places_path()
    with progress_bar(output.name) as tell:
        report = import_files(files, output, lambda _, part: tell(part))
    for line in report_lines(report):
        shell.say(line)


@command.command(name="info")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def info(shell: Shell, file: Path | None) -> None:
    """Say what a places file holds, where it came from and what was left out."""
    for line in report_lines(open_places(file or default_places_path()).report):
        shell.show(line)


def report_lines(report: ImportReport) -> Iterator[Message]:
    """Tell an import in words: the whole, each source, each reason for leaving something out."""
    yield message(
        "cli.places_whole",
        output=report.output,
        version=report.version,
        highways=report.highways,
        km=f"{report.highway_km:.0f}",
        settlements=report.settlements,
        borders=report.settlements_with_border,
    )
    if report.highway_lines:
        yield message(
            "cli.places_tolerance",
            coarse=report.coarse_lines,
            lines=report.highway_lines,
            low_m=f"{report.tolerance_min_m:.0f}",
            high_m=f"{report.tolerance_max_m:.0f}",
        )
    for source in report.sources:
        used = sum(source.used.values())
        yield message("cli.places_source", name=source.name, read=source.read, used=used)
    reasons: dict[str, tuple[Message, int]] = {}
    for item in report.skipped:
        first, count = reasons.get(item.reason.id, (item.reason, 0))
        reasons[item.reason.id] = (first, count + item.count)
    for first, count in reasons.values():
        yield message("cli.places_skipped", count=count, reason=first)
    yield from report.warnings
