"""``fieldsurvey places``: highways and settlements that results are tied to."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, default_places_path
from fieldsurvey.places.places_file import import_files, open_places


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
    output.parent.mkdir(parents=True, exist_ok=True)
    with click.progressbar(
        length=1000, label=output.name, file=click.get_text_stream("stderr")
    ) as bar:
        report = import_files(files, output, lambda _, part: bar.update(int(part * 1000) - bar.pos))
    for line in report.messages():
        shell.say(line)


@command.command(name="info")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def info(shell: Shell, file: Path | None) -> None:
    """Say what a places file holds."""
    places = open_places(file or default_places_path())
    for line in places.info():
        shell.show(line)
