"""ndt7, LibreSpeed and Cloudflare from our side, against our own server: bounds, counts, causes."""

import ssl
import threading
import time
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    PhaseKind,
)
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.protocols import PROTOCOLS, foreign_loads
from fieldsurvey.throughput.protocols.protocol import Cancel
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from tests.support.throughput import NO_BYTE_LIMIT, assert_bound_reached, certificate, running

FOREIGN = ("ndt7", "librespeed", "cloudflare")
PHASES = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)


def measure(
    protocol: str, url: str, cancel: Cancel | None = None, **changes: object
) -> Measurement:
    settings: dict[str, object] = {
        "mode": Mode.CALIBRATE, "phases": PHASES, "max_bytes": 5_000_000,
        "max_duration_us": 2_000_000, "stall_timeout_us": 1_500_000, "pace_bps": 7,
    }  # fmt: skip
    plan = MeasurementPlan(url, protocol, **(settings | changes))  # type: ignore[arg-type]  # names checked by the dataclass
    home = Home()
    try:
        return PROTOCOLS[protocol](home).run(plan, lambda *_: None, cancel or Cancel())
    finally:
        home.close()


@pytest.mark.parametrize("protocol", FOREIGN)
@pytest.mark.parametrize("tls", [False, True])
def test_every_byte_of_the_plan_and_none_more(protocol: str, tls: bool, tmp_path: Path) -> None:
    context = None
    if tls:
        path = certificate(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
    with running(MeasurementServer("far", tls=context)) as port:
        scheme = {"ndt7": "wss" if tls else "ws"}.get(protocol, "https" if tls else "http")
        url = f"{scheme}://127.0.0.1:{port}"
        result = measure(protocol, url, ca_pem=path.read_text() if tls else "")
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert (result.protocol, result.server_url, result.tls) == (protocol, url, tls)
    assert result.pace_bps == 0, "nobody paced"
    idle, down, up = result.phases
    assert len(idle.round_trips_us) == 5
    assert_bound_reached(result, 5_000_000)
    assert 1 <= down.connections <= (1 if protocol == "ndt7" else 4), "that had answered by then"
    assert up.payload_bytes == 5_000_000
    assert result.wire_bytes == down.payload_bytes + up.payload_bytes
    for phase in (down, up):
        assert phase.bins is not None
        assert sum(phase.bins.byte_counts) == phase.payload_bytes
        assert phase.estimate is not None
        assert phase.estimate.estimator.endswith("+acknowledged") == (
            phase is up and protocol != "ndt7"
        )


@pytest.mark.parametrize("protocol", FOREIGN)
def test_a_cancelled_test_ends_at_once_and_has_no_rate(protocol: str) -> None:
    cancel = Cancel()
    timer = threading.Timer(0.4, cancel.set)
    with running(MeasurementServer("far", NO_BYTE_LIMIT)) as port:
        timer.start()
        began_s = time.monotonic()
        result = measure(
            protocol, f"http://127.0.0.1:{port}", cancel, max_bytes=1 << 40,
            max_duration_us=8_000_000,
        )  # fmt: skip
        timer.join()
    assert time.monotonic() - began_s < 2
    assert result.outcome is Outcome.CANCELLED
    assert all(phase.estimate is None for phase in result.phases)


@pytest.mark.parametrize("protocol", FOREIGN)
def test_a_full_server_is_busy_and_says_when_to_come_back(protocol: str) -> None:
    with running(MeasurementServer("far", Limits(loads=0))) as port:
        result = measure(protocol, f"http://127.0.0.1:{port}")
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.SERVER_BUSY), result.detail
    assert result.retry_after_s
    assert not result.no_service


@pytest.mark.parametrize("protocol", ["librespeed", "cloudflare"])
def test_where_nothing_tells_what_arrived_there_is_no_upload(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_loads, "read_tcp_info", lambda _: None)
    with running(MeasurementServer("far")) as port:
        result = measure(protocol, f"http://127.0.0.1:{port}", phases=PHASES[2:])
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.ENGINE)
    assert "TCP_INFO" in result.detail
    assert result.phases[0].estimate is None


@pytest.mark.parametrize("protocol", FOREIGN)
def test_a_server_of_another_kind_is_not_a_place_without_service(protocol: str) -> None:
    with running(MeasurementServer("far")) as port:
        url = f"http://127.0.0.1:{port}/nothing/here"
        result = measure(protocol, url, phases=PHASES[1:2])
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.ENGINE), result.detail
