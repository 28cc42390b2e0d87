"""Every protocol reads the same link as what it is: 60 Mbit/s of Ethernet frames, both ways."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import (
    InterfaceKind,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    PhaseKind,
    SelfLimit,
)
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.protocols import PROTOCOLS
from fieldsurvey.throughput.protocols.protocol import Cancel
from tests.support.network_devices import needs_devices, neighbour

RATE_BPS = 60_000_000
CEILING_BPS = RATE_BPS * 1448 / 1514  # TCP payload in full frames
_SERVER = "from fieldsurvey.throughput.server.app import serve; serve({!r}, 8888)"
PHASES = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)

pytestmark = [
    needs_devices,
    pytest.mark.skipif(shutil.which("tc") is None, reason="tc(8) is not installed"),
]


@dataclass(frozen=True, slots=True)
class FarHost:
    """Our server and iperf3's behind the shaped link."""

    address: str
    device: str

    def url(self, protocol: str) -> str:
        return f"http://{self.address}:{5201 if protocol == 'iperf3' else 8888}"


@pytest.fixture(scope="module")
def far_host() -> Iterator[FarHost]:
    with neighbour() as other:
        other.shape(RATE_BPS)
        ours = subprocess.Popen(
            other.command(sys.executable, "-c", _SERVER.format(other.there)),
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.PIPE,
        )
        servers = [ours]
        try:
            if shutil.which("iperf3"):
                words = other.command("iperf3", "--server", "--bind", other.there)
                servers.append(subprocess.Popen(words, stdout=subprocess.DEVNULL))
            assert ours.stdout is not None
            assert ours.stdout.readline(), "our server has started"
            yield FarHost(other.there, other.device)
        finally:
            for server in servers:
                server.kill()
                server.communicate()


def measure(protocol: str, url: str) -> Measurement:
    plan = MeasurementPlan(
        url, protocol, Mode.CALIBRATE, phases=PHASES, max_duration_us=1_600_000,
        max_bytes=100_000_000,
    )  # fmt: skip
    home = Home()
    try:
        return PROTOCOLS[protocol](home).run(plan, lambda *_: None, Cancel())
    finally:
        home.close()


@pytest.mark.parametrize("protocol", ["native", "ndt7", "librespeed", "cloudflare", "iperf3"])
def test_the_link_is_read_as_what_it_is_and_nothing_of_ours_is_blamed(
    far_host: FarHost, protocol: str
) -> None:
    if protocol == "iperf3" and shutil.which("iperf3") is None:
        pytest.skip("iperf3 is not installed")
    result = measure(protocol, far_host.url(protocol))
    assert result.outcome is Outcome.COMPLETED, result.detail
    for kind in (PhaseKind.DOWNLOAD, PhaseKind.UPLOAD):
        phase = result.phase(kind)
        assert phase is not None
        assert phase.estimate is not None, kind
        share = phase.estimate.rate_bps / CEILING_BPS
        assert share < 1.03, f"{kind}: nobody may flatter"
        assert share > 0.85, f"{kind}: 0.99 on a machine with nothing else to do"
    check = result.self_check
    if protocol == "iperf3":
        assert check is None, "its process is not ours to watch"
        return
    assert check is not None
    assert check.interface == far_host.device
    assert check.interface_kind is InterfaceKind.UNKNOWN
    assert (check.other_rx_bytes, check.other_tx_bytes) == (0, 0), "headers, TLS, retransmissions"
    only_when_busy = {SelfLimit.CPU, SelfLimit.EVENT_LOOP}  # others may load this machine
    assert set(check.limits) <= only_when_busy
