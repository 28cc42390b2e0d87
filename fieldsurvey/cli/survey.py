"""``fieldsurvey survey``: look into a survey file, check it, make a plain copy of it."""

from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, print_json
from fieldsurvey.cli.summary import summary_of
from fieldsurvey.model.messages import message
from fieldsurvey.store.decrypt import decrypt
from fieldsurvey.store.survey_file import SurveyFile


@click.group(name="survey")
def command() -> None:
    """Look into a survey file, check that it is whole, or make a plain copy of an encrypted one."""


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


@command.command(name="decrypt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def decrypt_file(shell: Shell, file: Path, output: Path) -> None:
    """Make a plain copy of the encrypted FILE for other programs; FILE stays as it is.

    On a computer without its key, set FIELDSURVEY_FILE_KEY to what `hq recover` prints.
    """
    decrypt(file, output)
    shell.tell("cli.survey_decrypted", path=output)
