"""Every cause, provoked for real."""

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from tests.support.throughput import (
    OddServer,
    Visit,
    assert_bound_reached,
    certificate,
    measure,
    running,
)


def quick(url: str) -> MeasurementPlan:
    return MeasurementPlan(url, connect_timeout_us=600_000, stall_timeout_us=600_000, wake_up=False)


def failed(measurement: Measurement, cause: Cause) -> Phase:
    """Return the phase that failed, having made sure that it and the test say why."""
    assert measurement.outcome is Outcome.FAILED
    assert measurement.cause is cause, measurement.detail
    assert measurement.detail
    phase = measurement.phases[-1]
    assert (phase.outcome, phase.cause) == (Outcome.FAILED, cause)
    assert all(one.estimate is None for one in measurement.phases)
    return phase


def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failed(measure(MeasurementPlan(f"http://127.0.0.1:{port}")), Cause.REFUSED)


def test_a_name_that_is_none() -> None:
    plan = MeasurementPlan("http://measure.invalid", connect_timeout_us=5_000_000)
    failed(measure(plan), Cause.DNS)


def test_a_laptop_without_any_network_has_no_route() -> None:
    """In a network namespace of its own, where there is nothing at all."""
    script = (
        "from fieldsurvey.model.throughput import MeasurementPlan\n"
        "from tests.support.throughput import measure\n"
        "found = measure(MeasurementPlan('http://198.18.0.1:80'))\n"
        "print(found.outcome, found.cause, found.detail)"
    )
    command = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a network namespace")
    said = subprocess.run(
        [*command, sys.executable, "-c", script],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert said.stdout.startswith("failed no_route ENETUNREACH"), said


def test_a_server_whose_queue_is_full_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            waiting.append(sock)
        began = time.monotonic()
        measurement = measure(quick(f"http://127.0.0.1:{address[1]}"))
        took_s = time.monotonic() - began
        for sock in waiting:
            sock.close()
    failed(measurement, Cause.TIMED_OUT)
    assert 0.5 < took_s < 1.5


def test_a_server_that_never_answers_stalls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        phase = failed(measure(quick(url)), Cause.STALLED)
    assert phase.round_trips_lost == 1


def test_a_load_that_falls_silent_stalls_and_keeps_what_came() -> None:
    def behave(visit: Visit) -> None:
        visit.upgrade()
        visit.binary(bytes(50_000))
        visit.hang()

    with OddServer(behave) as server:
        measurement = measure(quick(server.url))
    phase = failed(measurement, Cause.STALLED)
    assert phase.payload_bytes == measurement.wire_bytes == 200_000
    assert phase.bins is not None
    assert sum(phase.bins.byte_counts) == 200_000
    assert len(phase.bins.byte_counts) >= 12, "the silence is there, as empty bins"
    assert measurement.phases[0].outcome is Outcome.COMPLETED


def test_a_load_without_a_byte_is_never_a_rate_of_zero() -> None:
    def behave(visit: Visit) -> None:
        visit.upgrade()
        visit.hang()

    with OddServer(behave) as server:
        plan = MeasurementPlan(server.url, max_duration_us=300_000, stall_timeout_us=5_000_000)
        failed(measure(plan), Cause.STALLED)


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_load_cut_off_midway_keeps_what_came(end: str) -> None:
    def behave(visit: Visit) -> None:
        visit.upgrade()
        visit.binary(bytes(50_000))
        time.sleep(0.2)
        if end == "reset":
            visit.reset()

    with OddServer(behave) as server:
        measurement = measure(quick(server.url))
    phase = failed(measurement, Cause.CUT_OFF)
    assert phase.payload_bytes == measurement.wire_bytes == 200_000


def test_one_connection_of_four_that_breaks_does_not_end_a_load() -> None:
    visits = iter(range(4))

    def behave(visit: Visit) -> None:
        number = next(visits)
        visit.upgrade()
        for _ in range(100):
            visit.binary(bytes(10_000))
            if number == 0:
                visit.reset()
                return
            time.sleep(0.01)
        visit.hang()

    with OddServer(behave) as server:
        plan = MeasurementPlan(server.url, mode=Mode.CALIBRATE, max_duration_us=700_000)
        measurement = measure(plan)
    assert measurement.outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>Log in!</html>",
        b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-FieldSurvey-Server: old\r\nX-FieldSurvey-Nonce: cached\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 9000,
    ],
)
@pytest.mark.parametrize("at", [PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD])
def test_somebody_else_who_answers_is_a_portal(answer: bytes, at: PhaseKind) -> None:
    def behave(visit: Visit) -> None:
        visit.sock.sendall(answer)
        visit.hang()

    with OddServer(behave, answer_pings=at is not PhaseKind.IDLE_LATENCY) as server:
        plan = MeasurementPlan(server.url, phases=(PhaseKind.IDLE_LATENCY, at))
        measurement = measure(plan)
    assert failed(measurement, Cause.CAPTIVE_PORTAL).payload_bytes == 0


def test_a_server_without_a_free_slot_is_busy() -> None:
    with running(MeasurementServer("busy", Limits(loads=2))) as port:
        plan = MeasurementPlan(f"http://127.0.0.1:{port}", mode=Mode.CALIBRATE, max_bytes=1 << 40)
        measurement = measure(plan)
    failed(measurement, Cause.SERVER_BUSY)


def test_tls_to_a_server_that_speaks_none() -> None:
    with running(MeasurementServer("plain")) as port:
        failed(measure(MeasurementPlan(f"https://127.0.0.1:{port}")), Cause.TLS)


def test_a_tls_handshake_without_an_answer_stalls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        failed(measure(quick(url)), Cause.STALLED)


@pytest.fixture(scope="module")
def certificate_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_url(certificate_path: Path) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_path)
    with running(MeasurementServer("tls", tls=context)) as port:
        yield f"https://127.0.0.1:{port}"


def test_a_certificate_nobody_vouches_for(tls_url: str) -> None:
    measurement = measure(MeasurementPlan(tls_url))
    failed(measurement, Cause.TLS)
    assert "certificate" in measurement.detail


def test_a_certificate_that_is_trusted(
    tls_url: str, certificate_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_path))
    phases = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)
    plan = MeasurementPlan(
        tls_url, mode=Mode.CALIBRATE, phases=phases, max_bytes=20_000_000, wake_up=False
    )
    measurement = measure(plan)
    assert measurement.outcome is Outcome.COMPLETED, measurement.detail
    idle, _, upload = measurement.phases
    assert (idle.payload_bytes, upload.payload_bytes) == (0, 20_000_000)
    assert_bound_reached(measurement, 20_000_000)


def test_a_certificate_of_an_authority_of_our_own(tls_url: str, certificate_path: Path) -> None:
    plan = MeasurementPlan(tls_url, max_bytes=1_000_000, ca_pem=certificate_path.read_text())
    measurement = measure(plan)
    assert (measurement.outcome, measurement.tls) == (Outcome.COMPLETED, True), measurement.detail


def test_an_authority_without_certificates_is_our_failure(tls_url: str) -> None:
    measurement = measure(MeasurementPlan(tls_url, ca_pem="nothing to trust"))
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.ENGINE)
