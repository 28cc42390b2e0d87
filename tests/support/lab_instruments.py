"""What is compared in the laboratory: our check and measure, iperf3 and speedtest-cli.

Each gets the same link from its first second on, and is judged by what that link could carry over
the very stretch it covered. Must not help anybody: no figure is corrected or left out here.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fieldsurvey.model.throughput import Measurement, Mode, Outcome, PhaseKind
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.throughput.engine import MeasuringProcess
from fieldsurvey.throughput.judge import judge
from fieldsurvey.throughput.modes import plan_for
from fieldsurvey.throughput.protocols.protocol import Progress
from tests.support.lab_channel import IP_RATIO, SLOT_S
from tests.support.lab_iperf3 import ended, iperf3
from tests.support.lab_link import ROOT, Laboratory, Link

TARGET = Target("laboratory", "1", 100_000_000, RateLayer.IP)
SERVER_PORT = 8080
FAR_FROM_TARGET = 0.15
SETTLE_S = 0.3  # for the goodbyes of the instrument before


@dataclass(frozen=True, slots=True)
class Reading:
    """What one instrument said of one link, what was true, and what it cost.

    Rates are bit/s of TCP payload; ``link_bytes`` are IP bytes towards the client, of everything
    the instrument made the link carry.
    """

    instrument: str
    rate_bps: float
    truth_bps: float
    seconds: float
    link_bytes: int = 0
    low_bps: float | None = None
    high_bps: float | None = None
    verdict: str = ""
    note: str = ""
    self_limits: tuple[str, ...] = ()  # what of this computer held ours back, as ours says
    late_ms: float = 0.0  # the emulator's worst: large means the computer was busy

    @property
    def error(self) -> float:
        """Return the relative deviation from the truth; 0.02 is 2 % too much."""
        return self.rate_bps / self.truth_bps - 1 if self.truth_bps else 0.0

    @property
    def right_verdict(self) -> str | None:
        """Return what a verdict has to be; None within 15 % of the target, where any may be."""
        ratio = self.truth_bps * IP_RATIO / TARGET.rate_bps
        if abs(ratio - 1) < FAR_FROM_TARGET - 1e-9:
            return None
        return "above" if ratio > 1 else "below"


@contextmanager
def measurement_server(lab: Laboratory) -> Iterator[str]:
    """Run our server inside; yield its URL."""
    command = lab.server.command(
        sys.executable, "-m", "fieldsurvey", "measure-server", "--until-stdin-closes",
        "--listen", f"{lab.server_address}:{SERVER_PORT}",
    )  # fmt: skip
    pipe = subprocess.PIPE
    with ended(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)) as process:
        assert process.stdout is not None
        if "listening" not in process.stdout.readline():
            raise RuntimeError("our measurement server does not listen")
        yield f"http://{lab.server_address}:{SERVER_PORT}"


def ours(lab: Laboratory, link: Link, url: str, mode: Mode) -> tuple[Reading, Measurement]:
    """Measure with the product's own engine, its worker awake as it is on a drive."""
    plan = plan_for(mode, server_url=url, target=TARGET)
    greeting = plan_for(Mode.PING, server_url=url, target=TARGET)

    async def measure() -> tuple[Measurement, float]:
        process = MeasuringProcess()
        starts_s: list[float] = []

        def note(progress: Progress) -> None:
            starts_s.append(time.monotonic() - progress.elapsed_us / 1e6)

        try:
            await process.run(greeting)
            _begin(lab, link)
            measurement = await process.run(plan, note)
            return measurement, min(starts_s, default=lab.began_s) - lab.began_s
        finally:
            await process.close()

    measurement, start_s = lab.client.call(lambda: asyncio.run(measure()))
    phase = measurement.phase(PhaseKind.DOWNLOAD)
    if measurement.outcome is not Outcome.COMPLETED or phase is None or phase.estimate is None:
        why = f"{measurement.outcome.value}: {measurement.cause} {measurement.detail}"
        return _paid(lab, Reading(mode.value, 0.0, 0.0, 0.0, note=why)), measurement
    judgement = judge(measurement, TARGET)
    began_s = start_s + phase.start_offset_us / 1e6
    seconds = phase.duration_us / 1e6
    estimate = phase.estimate
    check = measurement.self_check
    limits = tuple(limit.value for limit in check.limits) if check else ()
    paced = f"paced to {measurement.pace_bps / 1e6:.0f}" if measurement.pace_bps else ""
    notes = (measurement.stop_reason, measurement.congestion_control or "", paced, *limits)
    reading = Reading(
        instrument=mode.value,
        rate_bps=estimate.rate_bps,
        truth_bps=link.payload_bps(began_s, began_s + seconds),
        seconds=seconds,
        low_bps=estimate.low_bps,
        high_bps=estimate.high_bps,
        verdict=judgement.verdict.value if judgement else "none",
        note=" ".join(filter(None, notes)),
        self_limits=limits,
    )
    return _paid(lab, reading), measurement


def iperf3_readings(lab: Laboratory, link: Link, port: int) -> list[Reading]:
    """Run ``iperf3 -P 4 -R`` for its usual 10 s; return it whole, and without its first 2 s."""
    _begin(lab, link)
    began_s = time.monotonic() - lab.began_s
    result = iperf3(lab, port, "--reverse", "--parallel", "4", "--time", "10")
    start_s = _first_busy_s(lab, began_s)
    late = result.interval_bps[2:10]
    whole = Reading(
        instrument="iperf3",
        rate_bps=result.received_bps,
        truth_bps=link.payload_bps(start_s, start_s + result.seconds),
        seconds=result.seconds,
        note=str(result.output["end"].get("sender_tcp_congestion", "")),
    )
    without_ramp = Reading(
        instrument="iperf3 -O 2",
        rate_bps=sum(late) / len(late),
        truth_bps=link.payload_bps(start_s + 2, start_s + 10),
        seconds=result.seconds,
    )
    return [_paid(lab, whole), _paid(lab, without_ramp)]


def speedtest_reading(lab: Laboratory, link: Link, url: str) -> Reading:
    """Run speedtest-cli as a program of its own."""
    command = lab.client.command(
        sys.executable, "-m", "tests.support.lab_speedtest", f"{url}/mini/"
    )
    _begin(lab, link)
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        return _paid(lab, Reading("speedtest-cli", 0.0, 0.0, 0.0, note=f"failed: {last}"))
    answer = json.loads(done.stdout)
    start_s, end_s = (answer[name] - lab.began_s for name in ("began_s", "ended_s"))
    reading = Reading(
        instrument="speedtest-cli",
        rate_bps=answer["rate_bps"],
        truth_bps=link.payload_bps(start_s, end_s),
        seconds=end_s - start_s,
    )
    return _paid(lab, reading)


def _begin(lab: Laboratory, link: Link) -> None:
    """Give the instrument the link anew, its trace from the first second on."""
    time.sleep(SETTLE_S)
    lab.set_link(link)


def _first_busy_s(lab: Laboratory, began_s: float) -> float:
    """Return when bulk began to flow, from the link's own log."""
    down, _ = lab.passed()
    for slot, passed_bytes in enumerate(down.forwarded_bytes):
        if passed_bytes > 3000:
            return max(slot * SLOT_S, began_s)
    return began_s


def _paid(lab: Laboratory, reading: Reading) -> Reading:
    down, _ = lab.passed()
    return replace(reading, link_bytes=sum(down.forwarded_bytes), late_ms=down.latest_s * 1000)
