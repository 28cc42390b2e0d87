"""``fieldsurvey hq``: make, run and look after a headquarters.

The composition root adds this to the command line; what it needs of that it says in
:class:`fieldsurvey.hq.talk.Talk`.
"""

import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path

import click

from fieldsurvey.hq import command_ask, command_desk
from fieldsurvey.hq.talk import FOLDER, Talk
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError

_NEEDED = ("fastapi", "granian", "sqlalchemy")


@click.group(name="hq")
def command() -> None:
    """Make, run and look after a headquarters (HQ)."""
    if not all(importlib.util.find_spec(name) for name in _NEEDED):
        raise KnownError("hq.not_installed")


for _one in (command_ask.ask, *command_desk.COMMANDS):
    command.add_command(_one)


@command.command(name="init")
@FOLDER
@click.option("--server", default="hq", show_default=True, help="Name of this server.")
@click.option("--ledger", default="", help="DSN of PostgreSQL instead of a file.")
@click.option("--public-url", default="", help="Where laptops reach this server.")
@click.option("--mirror", default="", help="Folder on a second disk for copies of all batches.")
@click.option("--single-disk", is_flag=True, help="There is no second disk; this one must do.")
@click.option("--raw", default="", help="s3://BUCKET/PREFIX for batches as they came.")
@click.option("--archive", default="", help="s3://BUCKET/PREFIX for the archive.")
@click.option("--s3-endpoint", default="", help="Address of storage that is not AWS.")
@click.option("--raw-is-replicated", is_flag=True, help="The bucket itself keeps several copies.")
@click.option("--encrypt-laptops", is_flag=True, help="Laptops are to encrypt their survey files.")
@click.pass_obj
def init(
    talk: Talk,
    folder: Path,
    server: str,
    ledger: str,
    public_url: str,
    mirror: str,
    single_disk: bool,
    raw: str,
    archive: str,
    s3_endpoint: str,
    raw_is_replicated: bool,
    encrypt_laptops: bool,
) -> None:
    """Make an HQ in DIR: settings, key, ledger."""
    from fieldsurvey.hq.home import Settings, init_home
    from fieldsurvey.hq.station import open_station

    if mirror and single_disk:
        raise click.UsageError("--mirror and --single-disk exclude each other")
    mirror_path = str(Path(mirror).absolute()) if mirror else ""
    try:
        settings = Settings(
            server,
            ledger,
            public_url,
            mirror_path,
            single_disk,
            raw=raw,
            archive=archive,
            s3_endpoint_url=s3_endpoint,
            raw_is_replicated=raw_is_replicated,
            encrypt_laptops=encrypt_laptops,
        )
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    clock = SystemClock()
    with open_station(init_home(folder, settings), clock) as station:
        station.ledger.history.add_audit(clock.utc_us(), "operator", "initialised")
        station.log.checkpoint()
    talk.tell("hq.initialised", path=folder)
    if not (mirror or single_disk or raw_is_replicated):
        talk.tell("hq.no_second_disk", path=folder / "hq.toml")


@command.command(name="serve")
@FOLDER
@click.option(
    "--listen", default="127.0.0.1:8750", show_default=True, help="HOST:PORT; port 0 is any."
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="PEM file of certificates.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file of its key.")
@click.option("--no-merge", is_flag=True, help="Batches are merged by a worker started elsewhere.")
@click.option(
    "--ready-json", is_flag=True, help="Print the port as JSON once connections are taken."
)
@click.option("--until-stdin-closes", is_flag=True, help="End when whoever started it is gone.")
@click.pass_obj
def serve(
    talk: Talk,
    folder: Path,
    listen: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    no_merge: bool,
    ready_json: bool,
    until_stdin_closes: bool,
) -> None:
    """Serve the HQ in DIR to laptops."""
    from fieldsurvey.hq.home import Home
    from fieldsurvey.hq.janitor import Tidied
    from fieldsurvey.hq.serve import Serving
    from fieldsurvey.hq.serve import serve as run

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter("expected HOST:PORT", param_hint="--listen")
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together")
    host = host.strip("[]")

    def ready(bound: int) -> None:
        if ready_json:
            print(json.dumps({"port": bound}), flush=True)  # noqa: T201 - the one line of stdout
        talk.tell("hq.serving", address=f"{host}:{bound}", path=folder)

    def tidied(what: Tidied) -> None:
        if what.adopted:
            talk.tell("hq.adopted", batches=what.adopted)
        for path in (*what.foreign, *what.damaged):
            talk.tell("hq.suspicious_file", path=path)

    if until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    run(Home.open(folder), Serving(host, int(port), tls_cert, tls_key, not no_merge), ready, tidied)


def _end_with_stdin() -> None:
    """Wait for the end of stdin, then stop this process the way a service manager would."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


@command.command(name="rebuild")
@FOLDER
@click.option("--ledger", is_flag=True, help="Make a lost ledger again, and with it a new log.")
@click.pass_obj
def rebuild(talk: Talk, folder: Path, ledger: bool) -> None:
    """Make the archive again from the batches as they came."""
    from fieldsurvey.hq.home import Home
    from fieldsurvey.hq.rebuild import rebuild_archive, rebuild_ledger

    home = Home.open(folder)
    if ledger:
        made = rebuild_ledger(home)
        talk.tell(
            "hq.ledger_rebuilt",
            batches=made.adopted,
            devices=made.devices,
            origin=made.log_origin,
            kept_as=made.kept_as or "–",
        )
        for path in made.foreign:
            talk.tell("hq.suspicious_file", path=path)
    rows = rebuild_archive(home, lambda waiting: talk.tell("hq.rebuilding", waiting=waiting))
    talk.tell("hq.archive_rebuilt", rows=rows)
