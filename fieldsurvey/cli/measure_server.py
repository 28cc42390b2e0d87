"""``fieldsurvey measure-server``: the far end of every test."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click

from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.settings import Settings, make_settings, read_settings


def _options() -> Iterable[Field[Any]]:
    """Every field that says what it is for is an option; sisters are for the file."""
    return (one for one in (*fields(Settings), *fields(Limits)) if "help" in one.metadata)


def _every_option(command: Callable[..., None]) -> Callable[..., None]:
    for one in reversed(list(_options())):
        default = "" if one.default in ("", MISSING) else f"  [default: {one.default}]"
        command = click.option(
            f"--{one.name.replace('_', '-')}",
            type=one.type if one.type in (int, float) else str,
            help=one.metadata["help"] + default,
        )(command)
    return command


@click.command(name="measure-server")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file; options are stronger.")
@_every_option
@click.option("--until-stdin-closes", is_flag=True, help="End when whoever started it is gone.")
def command(config: Path | None, until_stdin_closes: bool, **options: Any) -> None:
    """Serve throughput tests; the first line on stdout says where, as JSON."""
    from fieldsurvey.throughput.server.app import serve

    given = read_settings(config) if config is not None else {}
    given |= {name: value for name, value in options.items() if value is not None}
    settings = make_settings(given)
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("expected HOST:PORT", param_hint="--listen")
    if until_stdin_closes:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    serve(host.strip("[]"), int(port), settings)


def end_with_stdin() -> None:
    """Wait for the end of stdin, then stop this process the way a service manager would."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
