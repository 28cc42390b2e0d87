"""``fieldsurvey workbench``: the supervisor's window over surveys and archives."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import (
    Shell,
    WorkbenchRequest,
    config_dir,
    data_dir,
    default_places_path,
)


@click.command(name="workbench")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--places", type=click.Path(path_type=Path), help="Places file.")
@click.option("--basemap", type=click.Path(path_type=Path), help="MBTiles or PMTiles file.")
@click.option(
    "--notes", type=click.Path(path_type=Path), help="File of what was left out or noted."
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    places: Path | None,
    basemap: Path | None,
    notes: Path | None,
) -> None:
    """Open FILES, surveys or folders of the archive, to see, judge, export and print them."""
    shell: Shell = ctx.obj
    code = shell.run_window(
        WorkbenchRequest(
            tuple(path.absolute() for path in files),
            places or default_places_path(),
            basemap,
            shell.language,
            config_dir() / "workbench.ini",
            notes or data_dir() / "notes.json",
        )
    )
    ctx.exit(code)
