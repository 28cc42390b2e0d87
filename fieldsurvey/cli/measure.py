"""``fieldsurvey measure``: one throughput test, here and now."""

import asyncio
import dataclasses
from pathlib import Path

import click

from fieldsurvey.cli import measured
from fieldsurvey.cli.shell import Shell, data_dir, print_json
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Measurement, MeasurementPlan, Mode
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.throughput.protocols import PROTOCOLS


@click.command(name="measure")
@click.option("--server", required=True, help="URL of the measurement server.")
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), default="native", show_default=True)
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default="check", show_default=True
)
@click.option(
    "--target",
    "target_mbps",
    type=click.FloatRange(min=0.001),
    default=100.0,
    show_default=True,
    help="Mbps.",
)
@click.option(
    "--layer",
    type=click.Choice([layer.value for layer in RateLayer]),
    default="ip",
    show_default=True,
    help="What the target counts: IP packets, or the TCP payload in them.",
)
@click.option("--interface", help="Network interface or source address to measure through.")
@click.option("--upload", is_flag=True, help="Measure upload as well.")
@click.option("--connections", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--token", default="", help="Access token, where the server demands one.")
@click.option(
    "--ca",
    "ca_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of certificates to trust besides the system's.",
)
@click.option("--public-server", is_flag=True, help="Use a public server of somebody else's.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def command(
    shell: Shell,
    server: str,
    protocol: str,
    mode: str,
    target_mbps: float,
    layer: str,
    interface: str | None,
    upload: bool,
    connections: int,
    token: str,
    ca_path: Path | None,
    public_server: bool,
    as_json: bool,
) -> None:
    """Measure throughput once and say whether it is above or below the target."""
    from fieldsurvey.throughput.judge import judge
    from fieldsurvey.throughput.modes import plan_for
    from fieldsurvey.throughput.protocols.public_servers import PublicUse, refuse_public

    target = Target("command-line", "1", round(target_mbps * 1e6), RateLayer(layer))
    plan = plan_for(
        Mode(mode),
        server_url=server,
        protocol=protocol,
        target=target,
        interface=interface,
        upload=upload,
        connections=connections,
        access_token=token,
        ca_pem=_certificates(ca_path) if ca_path else "",
        public_server=public_server,
    )
    refuse_public(server, public_server)
    PublicUse(data_dir() / "public-servers.json").take(server)
    measurement = asyncio.run(_measure(plan))
    judgement = judge(measurement, target)
    if as_json:
        verdict = dataclasses.asdict(judgement) if judgement else None
        print_json({"measurement": dataclasses.asdict(measurement), "judgement": verdict})
        return
    for line in measured.course(measurement, judgement, shell.language):
        shell.say(line)
    shell.show(measured.result(measurement, judgement, target_mbps, shell.language))
    if judgement is None and measurement.detail:
        click.echo(measurement.detail, err=True)


def _certificates(path: Path) -> str:
    """Read what to trust. Raises KnownError ``cli.bad_ca``."""
    from fieldsurvey.throughput.tls import client_context

    try:
        text = path.read_text(encoding="utf-8")
        client_context(text)
    except (OSError, ValueError) as error:
        raise KnownError("cli.bad_ca", path=path, reason=error) from error
    return text


async def _measure(plan: MeasurementPlan) -> Measurement:
    from fieldsurvey.throughput.engine import MeasuringProcess

    process = MeasuringProcess()
    try:
        return await process.run(plan)
    finally:
        await process.close()
