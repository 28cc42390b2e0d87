"""``fieldsurvey places``: highways and settlements that results are tied to."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, default_places_path, progress_bar
from fieldsurvey.places.places_file import import_files, open_places
from fieldsurvey.places.report import report_lines


@click.group(name="places")
def command() -> None:
    """Import highways and settlements, or look at what is there."""


@command.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Places file to write.")
@click.pass_obj
def import_command(shell: Shell, files: tuple[Path, ...], output: Path | None) -> None:
    """Build a places file from GeoJSON, GeoPackage, CSV or .osm.pbf FILES, or take one over."""
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
