"""``fieldsurvey export``: a survey as a file that other programs open."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, ended_as_by_ctrl_c, progress_bar
from fieldsurvey.export.column_choice import columns_from
from fieldsurvey.export.homes import home_area_from
from fieldsurvey.export.registry import FORMATS, export_survey


@click.command(name="export")
@click.argument("survey", type=click.Path(path_type=Path))
@click.option("--format", "format_name", required=True, type=click.Choice(sorted(FORMATS)))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option(
    "--trim-home",
    "homes",
    multiple=True,
    metavar="LATITUDE,LONGITUDE,RADIUS_M",
    help="Leave out what was recorded in this circle; may be given several times.",
)
@click.option(
    "--columns",
    metavar="NAME,NAME…",
    help="Write only these columns of the seconds, in this order; FORMATS.md has their names.",
)
@click.pass_obj
def command(
    shell: Shell,
    survey: Path,
    format_name: str,
    output: Path,
    homes: tuple[str, ...],
    columns: str | None,
) -> None:
    """Export SURVEY. The old file stays until the new one is complete."""
    areas = [home_area_from(text) for text in homes]
    asked = () if columns is None else columns_from(columns)
    with ended_as_by_ctrl_c(), progress_bar(output.name) as tell:
        report = export_survey(
            survey,
            format_name,
            output,
            progress=tell,
            language=shell.language,
            homes=areas,
            columns=asked,
        )
    shell.tell(
        "cli.exported",
        path=", ".join(map(str, report.paths)),
        points=report.points,
        tests=report.tests,
    )
    if areas:
        left_out = report.left_out
        shell.tell("cli.left_out", seconds=left_out.samples, tests=left_out.tests)
