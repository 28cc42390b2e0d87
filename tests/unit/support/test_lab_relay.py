"""The laboratory without root, proven by iperf3 before it proves us."""

import json
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.throughput.link_trace import LinkTrace
from tests.support.lab_iperf3 import ended
from tests.support.lab_relay import relayed_link
from tests.support.link_server import free_port


@pytest.fixture
def iperf3_port() -> Iterator[int]:
    if shutil.which("iperf3") is None:
        pytest.skip("iperf3 is not installed")
    port = free_port()
    command = ["iperf3", "--server", "--bind", "127.0.0.1", "--port", str(port), "--forceflush"]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with ended(subprocess.Popen(command, stdout=pipe, stderr=null, text=True)) as process:
        assert process.stdout is not None
        while "listening" not in process.stdout.readline():
            assert process.poll() is None
        yield port


def received_bps(port: int, omit_s: int, seconds: int) -> float:
    command = ["iperf3", "--client", "127.0.0.1", "--port", str(port), "--json", "--reverse"]
    options = ["--parallel", "4", "--omit", str(omit_s), "--time", str(seconds)]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=30, check=True
    )
    rate_bps: float = json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]
    return rate_bps


@pytest.mark.parametrize(
    ("mbps", "round_trip_ms"),
    [(100, 20), (300, 120), pytest.param(10, 120, marks=pytest.mark.bench)],
)
def test_iperf3_reaches_the_rate(
    iperf3_port: int, tmp_path: Path, mbps: int, round_trip_ms: int
) -> None:
    trace = LinkTrace.steady(mbps * 1e6)
    with relayed_link(iperf3_port, trace, round_trip_ms / 1000, tmp_path, queue_s=0.2) as link:
        link.begin_trace()
        assert received_bps(link.port, 1, 2) == pytest.approx(mbps * 1e6, rel=0.01)
    full = link.forwarded_down()[15:25]
    assert statistics.mean(full) == pytest.approx(mbps * 1e6 / 80, rel=0.02)


def test_an_answer_takes_a_round_trip(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relayed_link(server.getsockname()[1], LinkTrace.steady(100e6), 0.12, tmp_path) as link,
        socket.create_connection(("127.0.0.1", link.port)) as client,
    ):
        far, _ = server.accept()
        took_s = []
        with far:
            for _ in range(5):
                began_s = time.monotonic()
                client.sendall(b"?")
                assert far.recv(1) == b"?"
                far.sendall(b"!")
                assert client.recv(1) == b"!"
                took_s.append(time.monotonic() - began_s)
    assert min(took_s) == pytest.approx(0.12, abs=0.005)


def test_the_log_follows_the_trace(iperf3_port: int, tmp_path: Path) -> None:
    rates_mbps = (40.0, 80.0, 20.0)
    trace = LinkTrace(tuple(range(3)), tuple(mbps * 1e6 for mbps in rates_mbps), 3.0)
    with relayed_link(iperf3_port, trace, 0.02, tmp_path) as link:
        link.begin_trace()
        received_bps(link.port, 0, 3)
    slots = link.forwarded_down()
    for second in (1, 2):
        carried_bps = sum(slots[second * 10 : second * 10 + 10]) * 8
        # Steps that come late on a busy computer move bytes over the edge of a second.
        late_bits = 0.05 * max(rates_mbps[second - 1 : second + 1]) * 1e6
        assert carried_bps == pytest.approx(rates_mbps[second] * 1e6, abs=late_bits)
