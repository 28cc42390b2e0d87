"""TLS: what is spoken, a private authority, a new certificate without a restart."""

import signal
import socket
import ssl
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import MeasurementPlan, Outcome, PhaseKind
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.settings import Settings
from fieldsurvey.throughput.server.tls import Certificate
from tests.support.measure_server import ServerProcess, known_error, make_certificate, wait_until
from tests.support.throughput import measure, running


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "first")


@pytest.fixture(scope="module")
def other_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "second")


def shown_by(port: int) -> bytes:
    """The certificate that the server shows now."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        context.wrap_socket(sock) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def der(cert: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(cert.read_text())


def test_a_whole_test_over_tls_with_an_authority_of_our_own(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    settings = Settings(tls_cert=str(cert), tls_key=str(key))
    phases = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)
    with running(MeasurementServer(settings=settings)) as port:
        plan = MeasurementPlan(
            f"https://127.0.0.1:{port}", phases=phases, max_bytes=5_000_000, ca_pem=cert.read_text()
        )
        measurement = measure(plan)
    assert (measurement.outcome, measurement.tls) == (Outcome.COMPLETED, True), measurement.detail


def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(
    pair: tuple[Path, Path],
) -> None:
    """Over TLS 1.3 a client may send its request in the same breath."""
    cert, key = pair
    settings = Settings(tls_cert=str(cert), tls_key=str(key))
    context = ssl.create_default_context(cafile=str(cert))
    with running(MeasurementServer(settings=settings)) as port:
        for _ in range(20):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        sock.sendall(outgoing.read())
                        incoming.write(sock.recv(65_536))
                tls.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                sock.sendall(outgoing.read())  # the handshake's last word and the request
                answer = b""
                while b"200 OK" not in answer:
                    received = sock.recv(65_536)
                    assert received, "no answer"
                    incoming.write(received)
                    try:
                        answer += tls.read(65_536)
                    except ssl.SSLWantReadError:
                        continue


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_nothing_older_than_1_2(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cert)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = MeasurementServer(settings=Settings(tls_cert=str(cert), tls_key=str(key)))
    with (
        running(server) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(sock, server_hostname="127.0.0.1")


def test_what_is_no_certificate(pair: tuple[Path, Path], other_pair: tuple[Path, Path]) -> None:
    for cert, key in (
        (pair[0], other_pair[1]),
        (pair[1], pair[1]),
        (pair[0], Path("/nowhere")),
    ):
        with known_error("bad_certificate"):
            Certificate(cert, key)


def test_a_new_certificate_is_used_after_sighup_and_a_broken_one_is_not(
    tmp_path: Path, pair: tuple[Path, Path], other_pair: tuple[Path, Path]
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def install(pair: tuple[Path, Path]) -> None:
        cert.write_bytes(pair[0].read_bytes())
        key.write_bytes(pair[1].read_bytes())

    install(pair)
    options = ("--tls-cert", str(cert), "--tls-key", str(key))
    server = ServerProcess(tmp_path / "stderr", *options)
    try:
        assert shown_by(server.port) == der(pair[0])
        install(other_pair)
        server.signal(signal.SIGHUP)
        assert wait_until(lambda: shown_by(server.port) == der(other_pair[0]))
        assert server.errors() == ""
        cert.write_text("nothing of the kind")
        server.signal(signal.SIGHUP)
        assert wait_until(lambda: "PEM" in server.errors())
        assert shown_by(server.port) == der(other_pair[0])
    finally:
        assert server.stop() == 0
    assert "Traceback" not in server.errors()
