"""``fieldsurvey measure-server``: the far end of every test."""

import logging
from pathlib import Path

import click


@click.command(name="measure-server")
@click.option("--listen", required=True, metavar="HOST:PORT", help="Port 0 picks a free one.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for the log of tests.")
def command(listen: str, data: Path | None) -> None:
    """Serve throughput tests; the first line on stdout says where, as JSON."""
    from fieldsurvey.throughput.server.app import serve

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("expected HOST:PORT", param_hint="--listen")
    if data is not None:
        log_tests_to(data)
    serve(host.strip("[]"), int(port))


def log_tests_to(folder: Path) -> None:
    """Write one JSON line per load served to ``measure-server.log`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("fieldsurvey.throughput.server")
    log.setLevel(logging.INFO)
    log.addHandler(logging.FileHandler(folder / "measure-server.log", encoding="utf-8"))
