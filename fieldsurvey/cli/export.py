"""``fieldsurvey export``: a survey as a file that other programs open."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell
from fieldsurvey.export.registry import FORMATS, export_survey


@click.command(name="export")
@click.argument("survey", type=click.Path(path_type=Path))
@click.option("--format", "format_name", required=True, type=click.Choice(sorted(FORMATS)))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def command(shell: Shell, survey: Path, format_name: str, output: Path) -> None:
    """Export SURVEY. The old file stays until the new one is complete."""
    with click.progressbar(
        length=1000, label=output.name, file=click.get_text_stream("stderr")
    ) as bar:
        report = export_survey(
            survey,
            format_name,
            output,
            progress=lambda part: bar.update(int(part * 1000) - bar.pos),
        )
    shell.tell("cli.exported", path=report.path, points=report.points, tests=report.tests)
