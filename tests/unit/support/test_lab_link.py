"""The laboratory, proven by iperf3 and by the system's own handshakes before it proves us."""

import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldsurvey.throughput.link_trace import LinkTrace
from tests.support.lab_channel import IP_RATIO, PAYLOAD_RATIO
from tests.support.lab_iperf3 import iperf3, iperf3_server
from tests.support.lab_link import ROOT, Laboratory, Link, laboratory

pytestmark = pytest.mark.root


def handshakes_s(lab: Laboratory, port: int, times: int = 5) -> list[float]:
    """Return how long connections take to open: one round trip, answered by the kernel."""

    def open_and_close() -> list[float]:
        took_s: list[float] = []
        deadline_s = time.monotonic() + 20
        while len(took_s) < times:
            began_s = time.monotonic()
            try:
                with socket.create_connection((lab.server_address, port), 5):
                    took_s.append(time.monotonic() - began_s)
            except ConnectionRefusedError:  # iperf3 opens its port anew after each connection
                if began_s > deadline_s:
                    raise
                time.sleep(0.05)
        return took_s

    return lab.client.call(open_and_close)


def check_with_iperf3(mbps: int, round_trip_s: float, omit_s: int, seconds: int) -> None:
    """Cubic at the sender, and a queue that never runs dry.

    BBR slows down by itself to look for the round trip, and so do flows that all drop at once.
    """
    bits_on_the_way = mbps * 1e6 * round_trip_s
    link = Link(LinkTrace.steady(mbps * 1e6), round_trip_s, int(bits_on_the_way / 8 * 3))
    ceiling_bps = pytest.approx(mbps * 1e6 * PAYLOAD_RATIO, rel=0.01)
    with laboratory(link) as lab, iperf3_server(lab.server) as port:
        for _ in range(2):  # bytes behind a lost packet, held back over an edge, are chance
            lab.set_link(link)
            result = iperf3(
                lab, port, "--reverse", "--parallel", "4", "--congestion", "cubic",
                "--omit", str(omit_s), "--time", str(seconds),
            )  # fmt: skip
            down, _ = lab.passed()
            if result.received_bps == ceiling_bps:
                break
    assert result.received_bps == ceiling_bps
    # The log is a bound: no slot but the cut packet's carries more than the link could.
    assert max(down.forwarded_bytes) <= mbps * 1e6 / 8 / 10 + 1500
    # A busy machine may start iperf3 seconds late: the load's own beginning counts.
    began = next(slot for slot, sent in enumerate(down.forwarded_bytes) if sent > 1e5)
    steady = down.forwarded_bytes[began + omit_s * 10 + 5 : began + (omit_s + seconds) * 10 - 5]
    assert statistics.mean(steady) == pytest.approx(mbps * 1e6 / 8 / 10, rel=0.01)


@pytest.mark.parametrize(
    ("mbps", "round_trip_ms", "omit_s", "seconds"),
    [
        (10, 20, 1, 2),
        (100, 20, 1, 2),
        (300, 20, 1, 2),
        (100, 120, 2, 2),
        pytest.param(10, 120, 4, 6, marks=pytest.mark.bench),
        pytest.param(300, 120, 10, 6, marks=pytest.mark.bench),  # a long queue drains slowly
    ],
)
def test_iperf3_reaches_the_payload_ceiling(
    mbps: int, round_trip_ms: int, omit_s: int, seconds: int
) -> None:
    check_with_iperf3(mbps, round_trip_ms / 1000, omit_s, seconds)


def test_big_segments_are_counted_as_the_packets_they_stand_for() -> None:
    link = Link(LinkTrace.steady(600e6), 0.02, queue_bytes=4_500_000)
    with laboratory(link) as lab, iperf3_server(lab.server) as port:
        result = iperf3(
            lab, port, "--reverse", "--parallel", "4", "--congestion", "cubic",
            "--omit", "1", "--time", "2",
        )  # fmt: skip
        down, _ = lab.passed()
    assert result.received_bps == pytest.approx(600e6 * PAYLOAD_RATIO, rel=0.02)
    assert max(down.forwarded_bytes) <= 600e6 / 8 / 10 + 70_000


@pytest.mark.parametrize("round_trip_ms", [20, 120])
def test_a_round_trip_takes_as_long_as_was_asked(round_trip_ms: int) -> None:
    with (
        laboratory(Link.steady(100e6, round_trip_ms / 1000)) as lab,
        iperf3_server(lab.server) as port,
    ):
        took_s = handshakes_s(lab, port)
    assert min(took_s) >= round_trip_ms / 1000 - 0.001
    assert min(took_s) == pytest.approx(round_trip_ms / 1000, abs=0.002)


def test_as_many_packets_are_lost_as_was_asked() -> None:
    link = Link.steady(50e6, 0.02, loss=0.05)
    with laboratory(link) as lab, iperf3_server(lab.server) as port:
        result = iperf3(
            lab, port, "--reverse", "--udp", "--bitrate", "5M", "--length", "125", "--time", "2",
            "--window", "1M",
        )  # fmt: skip
        down, _ = lab.passed()
    seen = result.output["end"]["sum"]
    assert seen["packets"] > 9_000
    # Three standard deviations of 9,000 draws.
    assert seen["lost_packets"] / seen["packets"] == pytest.approx(0.05, abs=0.007)
    assert down.dropped == 0
    assert down.lost == pytest.approx(seen["lost_packets"], abs=10)  # iperf3's own talk, too


def test_iperf3_follows_the_trace() -> None:
    rates_mbps = [40, 80, 20, 100, 100]
    trace = LinkTrace(tuple(range(5)), tuple(mbps * 1e6 for mbps in rates_mbps), 5.0)
    link = Link(trace, 0.02, queue_bytes=200_000)
    with laboratory(link) as lab, iperf3_server(lab.server) as port:
        lab.set_link(link)  # begin it together with the client
        iperf3(lab, port, "--reverse", "--parallel", "8", "--time", "4", "--congestion", "cubic")
        down, _ = lab.passed()
    for second in range(1, 4):
        carried_bps = sum(down.forwarded_bytes[second * 10 : second * 10 + 10]) * 8
        assert carried_bps <= rates_mbps[second] * 1e6 + 1500 * 8
        assert carried_bps >= rates_mbps[second] * 1e6 * 0.85
        assert link.payload_bps(second, second + 1) * IP_RATIO == pytest.approx(
            rates_mbps[second] * 1e6
        )


def test_two_laboratories_do_not_know_of_each_other() -> None:
    slow, fast = Link.steady(10e6, 0.1), Link.steady(50e6, 0.02)
    with (
        laboratory(slow) as one,
        laboratory(fast) as other,
        iperf3_server(one.server) as port,
        iperf3_server(other.server, port),
    ):
        assert min(handshakes_s(one, port)) == pytest.approx(0.1, abs=0.01)
        assert min(handshakes_s(other, port)) == pytest.approx(0.02, abs=0.01)


def test_nothing_is_left_when_the_one_who_built_it_is_killed() -> None:
    built = (
        "import sys, time\n"
        "from tests.support.lab_iperf3 import iperf3_server\n"
        "from tests.support.lab_link import Link, laboratory\n"
        "with laboratory(Link.steady(1e6, 0.0)) as lab, iperf3_server(lab.server):\n"
        "    print(lab.server.command()[1].removeprefix('--net='), flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", built], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as builder:
        assert builder.stdout is not None
        path = Path(builder.stdout.readline().strip())
        emulator, namespace = int(path.parts[2]), str(path.readlink())
        assert namespace.startswith("net:")
        assert len(processes_in(namespace, emulator)) == 2  # the emulator and iperf3
        builder.kill()
    deadline_s = time.monotonic() + 5
    while holders := processes_in(namespace, emulator):
        assert time.monotonic() < deadline_s, f"still there: {holders}"
        time.sleep(0.02)


def processes_in(namespace: str, emulator: int) -> list[int]:
    """Return the processes that live in a namespace or hold it open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            inside = str((process / "ns/net").readlink()) == namespace
        except OSError:
            continue
        if state != "Z" and (inside or int(process.name) == emulator):
            found.append(int(process.name))
    return found
