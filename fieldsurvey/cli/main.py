"""The command group. Commands are imported when they are used, so that help is quick."""

import importlib

import click

from fieldsurvey import __version__
from fieldsurvey.cli.profile import use_default_keys
from fieldsurvey.cli.shell import KnownErrorGroup

COMMANDS = {
    "analyse": "fieldsurvey.cli.analyse",
    "demo": "fieldsurvey.cli.demo",
    "doctor": "fieldsurvey.cli.doctor",
    "drive": "fieldsurvey.cli.drive",
    "export": "fieldsurvey.cli.export",
    "import": "fieldsurvey.cli.import_",
    "measure": "fieldsurvey.cli.measure",
    "measure-server": "fieldsurvey.cli.measure_server",
    "places": "fieldsurvey.cli.places",
    "report": "fieldsurvey.cli.report",
    "survey": "fieldsurvey.cli.survey",
    "sync": "fieldsurvey.cli.sync",
}


class LazyGroup(KnownErrorGroup):
    """Finds each command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.version_option(__version__, prog_name="fieldsurvey")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Drive, measure internet throughput against a target, geotag every result, keep it.

    Without a command the drive window opens.
    """
    use_default_keys(ctx)
    if ctx.invoked_subcommand is None:
        from fieldsurvey.cli.drive import command

        ctx.invoke(command)
