"""``fieldsurvey measure-server``: the far end of every test."""

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
    serve(host.strip("[]"), int(port))
