"""``fieldsurvey survey``: look into a survey file and check it."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, print_json
from fieldsurvey.cli.summary import summary_of
from fieldsurvey.model.messages import message
from fieldsurvey.store.survey_file import SurveyFile


@click.group(name="survey")
def command() -> None:
    """Look into a survey file, or check that it is whole."""


@command.command(name="info")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def info(shell: Shell, file: Path, as_json: bool) -> None:
    """Count what FILE holds."""
    summary = summary_of(file)
    if as_json:
        print_json(summary)
    else:
        shell.show(message("cli.survey_info", **summary))


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, file: Path) -> None:
    """Check that FILE is undamaged and complete; exit code 1 if it is not."""
    shell: Shell = ctx.obj
    with SurveyFile.open(file, read_only=True) as survey:
        findings = survey.check()
    for finding in findings:
        shell.show(finding)
    if findings:
        ctx.exit(1)
    shell.tell("cli.survey_clean", path=file)
