"""``fieldsurvey measure``: one throughput test, here and now."""

import asyncio
import dataclasses

import click

from fieldsurvey.cli.shell import Shell, print_json
from fieldsurvey.model.messages import message
from fieldsurvey.model.throughput import Measurement, MeasurementPlan, Mode, Outcome, PhaseKind
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.throughput.protocols import PROTOCOLS


@click.command(name="measure")
@click.option("--server", required=True, help="URL of the measurement server.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="native", show_default=True)
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default="check", show_default=True
)
@click.option("--target", "target_mbps", default=100.0, show_default=True, help="Mbps, IP layer.")
@click.option("--interface", help="Network interface or source address to measure through.")
@click.option("--upload", is_flag=True, help="Measure upload as well.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def command(
    shell: Shell,
    server: str,
    protocol: str,
    mode: str,
    target_mbps: float,
    interface: str | None,
    upload: bool,
    as_json: bool,
) -> None:
    """Measure throughput once and say whether it is above or below the target."""
    from fieldsurvey.throughput.engine import MeasuringProcess
    from fieldsurvey.throughput.judge import judge

    plan = measurement_plan(Mode(mode), server, protocol, int(target_mbps * 1e6), interface, upload)

    async def measure() -> Measurement:
        process = MeasuringProcess()
        try:
            return await process.run(plan)
        finally:
            await process.close()

    measurement = asyncio.run(measure())
    target = Target("command-line", "1", plan.target_bps, RateLayer.IP)
    judgement = judge(measurement, target)
    if as_json:
        verdict = dataclasses.asdict(judgement) if judgement else None
        print_json({"measurement": dataclasses.asdict(measurement), "judgement": verdict})
        return
    for phase in measurement.phases:
        if phase.estimate is not None:
            shell.tell(
                "cli.measured",
                phase=message(f"cli.phase_{phase.kind.value}"),
                mbps=f"{phase.estimate.rate_bps / 1e6:.1f}",
                low=f"{phase.estimate.low_bps / 1e6:.1f}",
                high=f"{phase.estimate.high_bps / 1e6:.1f}",
                seconds=f"{phase.duration_us / 1e6:.1f}",
                megabytes=f"{phase.payload_bytes / 1e6:.1f}",
            )
    if judgement is not None:
        shell.show(
            message(
                f"cli.verdict_{judgement.verdict.value}",
                mbps=f"{judgement.compared_bps / 1e6:.1f}",
                target=f"{target_mbps:g}",
            )
        )
        return
    cause = message(f"cause.{measurement.cause.value if measurement.cause else 'unknown'}")
    spoiled = measurement.outcome is Outcome.FAILED and not measurement.no_service
    word = "spoiled" if spoiled else measurement.outcome.value
    shell.show(message(f"cli.verdict_{word}", cause=cause))
    if measurement.detail:
        click.echo(measurement.detail, err=True)


def measurement_plan(
    mode: Mode, server: str, protocol: str, target_bps: int, interface: str | None, upload: bool
) -> MeasurementPlan:
    """Bounds of each mode: see the design of the engine in ``throughput``."""
    bounds = {
        Mode.CHECK: (4_000_000, 40_000_000),
        Mode.MEASURE: (8_000_000, 125_000_000),
        Mode.CALIBRATE: (10_000_000, 500_000_000),
        Mode.PING: (4_000_000, 1_000_000),
    }
    duration_us, max_bytes = bounds[mode]
    phases = [PhaseKind.IDLE_LATENCY]
    if mode is not Mode.PING:
        phases.append(PhaseKind.DOWNLOAD)
        if upload:
            phases.append(PhaseKind.UPLOAD)
    return MeasurementPlan(
        server_url=server,
        protocol=protocol,
        mode=mode,
        target_bps=target_bps,
        phases=tuple(phases),
        max_duration_us=duration_us,
        max_bytes=max_bytes,
        interface=interface,
    )
