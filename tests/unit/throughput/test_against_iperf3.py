"""Our estimate beside iperf3's, over the same kernel-shaped link of 100 Mbit/s."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from fieldsurvey.model.throughput import Measurement, PhaseKind
from fieldsurvey.model.verdict import RateLayer, Target
from fieldsurvey.throughput.judge import judge

ROOT = Path(__file__).parents[3]
SERVER_IP, CLIENT_IP = "198.18.71.1", "198.18.71.2"
# The shaper counts Ethernet frames: 1,514 bytes for 1,448 of payload.
PAYLOAD_BPS = 100e6 * 1448 / 1514
# Seen: within 0.5 %, once 1.7 %. The rest is for machines whose cores are busy with other things:
# a shaper that is late by more than its burst lets less through, for us and for iperf3.
TOLERANCE = 0.05
BURST = "64kb"
TRIES = 3

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("iperf3"),
        reason="needs root and iperf3",
    ),
]


def run(command: str) -> str:
    return subprocess.run(
        command.split(), check=True, capture_output=True, text=True, timeout=30, cwd=ROOT
    ).stdout


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a link that lets 100 Mbit/s through towards the client."""
    server, client = f"fs-server-{os.getpid()}", f"fs-client-{os.getpid()}"
    try:
        for name in (server, client):
            run(f"ip netns add {name}")
        run(f"ip -n {server} link add veth0 type veth peer name veth0 netns {client}")
        for name, address in ((server, SERVER_IP), (client, CLIENT_IP)):
            run(f"ip -n {name} address add {address}/24 dev veth0")
            run(f"ip -n {name} link set veth0 up")
        run(f"tc -n {server} qdisc add dev veth0 root tbf rate 100mbit burst {BURST} latency 100ms")
        yield server, client
    finally:
        for name in (server, client):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def inside(name: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", name, *command]


def started(stack: ExitStack, command: list[str]) -> str:
    """Start a server and return its first line; it is ended with ``stack``."""
    process = stack.enter_context(
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    )
    stack.callback(process.terminate)
    assert process.stdout is not None
    return process.stdout.readline()


def iperf3_bps(client: str) -> float:
    said = subprocess.run(
        inside(client, *f"iperf3 -c {SERVER_IP} -R -P 4 -O 1 -t 2 -J".split()),
        check=True, capture_output=True, timeout=30,
    ).stdout  # fmt: skip
    rate_bps: float = json.loads(said)["end"]["sum_received"]["bits_per_second"]
    return rate_bps


def test_we_and_iperf3_agree(
    namespaces: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    server, client = namespaces
    serve = f"from fieldsurvey.throughput.server.app import serve; serve('{SERVER_IP}', 0)"
    measure = (
        "import sys, msgspec; from fieldsurvey.model.throughput import *; "
        "from tests.support.throughput import measure; "
        "found = measure(MeasurementPlan(sys.argv[1], mode=Mode.CALIBRATE, "
        "max_duration_us=3_000_000, max_bytes=1 << 30)); print(msgspec.json.encode(found).decode())"
    )
    with ExitStack() as stack:
        port = json.loads(started(stack, inside(server, sys.executable, "-c", serve)))["port"]
        started(stack, inside(server, "iperf3", "-s", "-B", SERVER_IP, "--forceflush"))
        url = f"http://{SERVER_IP}:{port}"
        for _ in range(TRIES):
            theirs_bps = [iperf3_bps(client)]
            said = subprocess.run(
                inside(client, sys.executable, "-c", measure, url),
                cwd=ROOT, check=True, capture_output=True, timeout=30,
            ).stdout  # fmt: skip
            theirs_bps.append(iperf3_bps(client))
            if min(theirs_bps) >= (1 - TOLERANCE) * PAYLOAD_BPS:
                break  # else the machine had something else to do than to keep the link's pace
    measurement = msgspec.json.decode(said, type=Measurement)
    phase = measurement.phase(PhaseKind.DOWNLOAD)
    assert phase is not None
    assert phase.estimate is not None
    ours_bps = phase.estimate.rate_bps
    with capsys.disabled():
        sys.stdout.write(
            f"\n100 Mbit/s shaped, {PAYLOAD_BPS / 1e6:.2f} of payload: ours {ours_bps / 1e6:.2f} "
            f"[{phase.estimate.low_bps / 1e6:.2f}, {phase.estimate.high_bps / 1e6:.2f}], "
            f"iperf3 {theirs_bps[0] / 1e6:.2f} before and {theirs_bps[1] / 1e6:.2f} Mbps after; "
            f"ramp {phase.estimate.ramp_us / 1e3:.0f} ms, "
            f"{measurement.congestion_control}, mss {measurement.mss_bytes}\n"
        )
    assert measurement.mss_bytes == 1448
    # All that the link lets through, where iperf3 got that; else as much as iperf3.
    got_all = min(theirs_bps) >= (1 - TOLERANCE) * PAYLOAD_BPS
    assert ours_bps >= (1 - TOLERANCE) * (PAYLOAD_BPS if got_all else min(theirs_bps))
    assert ours_bps <= (1 + TOLERANCE) * PAYLOAD_BPS
    judgement = judge(measurement, Target("national-100", "test", 100_000_000, RateLayer.IP))
    assert judgement is not None
    assert judgement.compared_bps == pytest.approx(ours_bps * 1500 / 1448, rel=0.001)
    assert len(phase.round_trips_us) >= 10
