"""``fieldsurvey measure-server``: the far end of every test."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click


@click.command(name="measure-server")
@click.option("--listen", required=True, metavar="HOST:PORT", help="Port 0 picks a free one.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for the log of tests.")
@click.option("--until-stdin-closes", is_flag=True, help="End when whoever started it is gone.")
def command(listen: str, data: Path | None, until_stdin_closes: bool) -> None:
    """Serve throughput tests; the first line on stdout says where, as JSON."""
    from fieldsurvey.throughput.server.app import serve

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("expected HOST:PORT", param_hint="--listen")
    if data is not None:
        log_tests_to(data)
    if until_stdin_closes:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    serve(host.strip("[]"), int(port))


def log_tests_to(folder: Path) -> None:
    """Write one JSON line per load served to ``measure-server.log`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("fieldsurvey.throughput.server")
    log.setLevel(logging.INFO)
    log.addHandler(logging.FileHandler(folder / "measure-server.log", encoding="utf-8"))


def end_with_stdin() -> None:
    """Wait for the end of stdin, then stop this process the way a service manager would."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
