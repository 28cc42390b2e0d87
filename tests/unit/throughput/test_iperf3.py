"""iperf3 through its binary, against Debian's own server."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    PhaseKind,
)
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.protocols.iperf3 import Iperf3Protocol, upload_seconds
from fieldsurvey.throughput.protocols.iperf3_answer import Answer, cause_of_words
from fieldsurvey.throughput.protocols.protocol import Cancel, Progress

PHASES = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)
needs_iperf3 = pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def server() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        ["iperf3", "--server", "--bind", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            listening = psutil.Process(process.pid).net_connections()
            if any(one.status == psutil.CONN_LISTEN for one in listening):
                break
            time.sleep(0.02)
        yield f"iperf3://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def measure(
    url: str,
    cancel: Cancel | None = None,
    progress: list[Progress] | None = None,
    **changes: object,
) -> Measurement:
    settings: dict[str, object] = {
        "mode": Mode.MEASURE, "phases": PHASES, "max_bytes": 20_000_000,
        "max_duration_us": 1_000_000, "connect_timeout_us": 700_000, "stall_timeout_us": 700_000,
        "connections": 2,
    }  # fmt: skip
    plan = MeasurementPlan(url, "iperf3", **(settings | changes))  # type: ignore[arg-type]  # names checked by the dataclass

    def note(one: Progress, _: int) -> None:
        if progress is not None:
            progress.append(one)

    return Iperf3Protocol().run(plan, note, cancel or Cancel())


@needs_iperf3
def test_both_ways_end_by_their_bounds(server: str) -> None:
    progress: list[Progress] = []
    result = measure(server, progress=progress, pace_bps=64_000_000)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert [phase.kind for phase in result.phases] == [PhaseKind.DOWNLOAD, PhaseKind.UPLOAD]
    download, upload = result.phases
    assert download.bins is not None
    assert download.bins.width_us == 125_000
    assert sum(download.bins.byte_counts) == download.payload_bytes
    assert 800_000 < download.duration_us < 1_300_000
    assert 6_000_000 < download.payload_bytes < 11_000_000
    assert upload.estimate is not None
    assert upload.estimate.estimator == "iperf3-mean/1"
    assert upload.estimate.rate_bps == pytest.approx(64e6, rel=0.15)
    assert upload.bins is None, "the server tells no bins"
    assert result.pace_bps == 64_000_000
    assert result.wire_bytes >= download.payload_bytes + upload.payload_bytes
    assert result.mss_bytes
    assert result.congestion_control
    assert [one for one in progress if one.phase is PhaseKind.DOWNLOAD and one.payload_bytes]


@needs_iperf3
def test_a_fast_download_ends_by_its_bytes(server: str) -> None:
    result = measure(server, phases=PHASES[1:2], max_duration_us=4_000_000)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert result.stop_reason == "bytes"
    assert 19_000_000 < result.phases[0].payload_bytes <= 20_000_000
    assert result.phases[0].estimate is not None


@needs_iperf3
def test_a_cancelled_run_leaves_nothing_and_is_charged(server: str) -> None:
    cancel = Cancel()
    timer = threading.Timer(0.7, cancel.set)
    timer.start()
    began_s = time.monotonic()
    result = measure(
        server, cancel, max_duration_us=8_000_000, max_bytes=1 << 30, pace_bps=40_000_000
    )
    timer.join()
    assert time.monotonic() - began_s < 1.5
    assert result.outcome is Outcome.CANCELLED
    assert result.phases[0].estimate is None
    assert result.wire_bytes > 500_000, "what had come by then, as the system counted"


@needs_iperf3
def test_a_server_that_serves_somebody_else_is_busy(server: str) -> None:
    results: list[Measurement] = []
    first = threading.Thread(
        target=lambda: results.append(measure(server, phases=PHASES[1:2], pace_bps=8_000_000))
    )
    first.start()
    time.sleep(0.4)
    second = measure(server, phases=PHASES[1:2])
    first.join()
    assert (second.outcome, second.cause) == (Outcome.FAILED, Cause.SERVER_BUSY), second.detail
    assert not second.no_service
    assert results[0].outcome is Outcome.COMPLETED, results[0].detail


@needs_iperf3
def test_a_closed_port_refuses_and_a_silent_one_stalls() -> None:
    refused = measure(f"iperf3://127.0.0.1:{free_port()}")
    assert (refused.outcome, refused.cause) == (Outcome.FAILED, Cause.REFUSED)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began_s = time.monotonic()
        silent = measure(f"iperf3://127.0.0.1:{listener.getsockname()[1]}")
    assert time.monotonic() - began_s < 4
    assert (silent.outcome, silent.cause) == (Outcome.FAILED, Cause.STALLED)


@needs_iperf3
def test_names_and_interfaces_that_are_not_there() -> None:
    assert measure("iperf3://no-such-host.invalid").cause is Cause.DNS
    assert measure("iperf3://127.0.0.1", interface="203.0.113.9").cause is Cause.NO_ROUTE
    assert measure("iperf3://127.0.0.1", interface="no-such-if").cause is Cause.NO_ROUTE


def test_without_the_binary_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = measure("iperf3://127.0.0.1")
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.ENGINE)
    assert "iperf3 is not installed" in result.detail
    assert not any(phase.estimate for phase in result.phases)


def test_it_has_no_pings() -> None:
    assert measure("iperf3://127.0.0.1", mode=Mode.PING).cause is Cause.ENGINE


def test_an_uploads_seconds_leave_room_above_the_target() -> None:
    def plan(**changes: int) -> MeasurementPlan:
        return MeasurementPlan("iperf3://127.0.0.1", "iperf3", **changes)  # type: ignore[arg-type]  # as above

    assert upload_seconds(plan(max_bytes=40_000_000, max_duration_us=4_000_000)) == 2
    assert upload_seconds(plan(max_bytes=125_000_000, max_duration_us=8_000_000)) == 6
    assert upload_seconds(plan(max_bytes=1, max_duration_us=500_000)) == 1, "never none"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "iperf3: out of memory",
        "[]",
        '{"intervals": 7}',
        '{"intervals": [{}]}',
        '{"intervals": [{"sum": {"sender": false}}]}',
        '{"intervals": [{"sum": {"sender": false, "bytes": "x", "end": "y"}}]}',
        '{"end": []}',
        '{"start": 3, "end": {"sum_received": []}}',
        '{"end": {"sum_received": {"bytes": -1e400, "seconds": 1}}}',
    ],
)
def test_nonsense_is_a_cause_and_not_a_crash(text: str) -> None:
    with pytest.raises(LinkError) as trouble:
        Answer(text)
    assert trouble.value.cause is Cause.ENGINE


def test_an_upload_without_the_servers_count_has_none() -> None:
    text = '{"intervals": [{"sum": {"bytes": 9000, "end": 0.125, "sender": true}}], "end": {}}'
    answer = Answer(text)
    assert answer.arrived_at_server() is None
    assert answer.received().byte_counts == (), "what was sent has not arrived"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("unable to connect to server: Connection timed out", Cause.TIMED_OUT),
        ("the server is busy running a test. try again later", Cause.SERVER_BUSY),
        ("unable to connect to server: Network is unreachable", Cause.NO_ROUTE),
        ("control socket has closed unexpectedly", Cause.CUT_OFF),
        ("unable to send control message: Connection reset by peer", Cause.CUT_OFF),
        ("idle timeout for receiving data", Cause.STALLED),
        ("something nobody has heard of", Cause.ENGINE),
    ],
)
def test_its_words_name_a_cause(words: str, cause: Cause) -> None:
    assert cause_of_words(words) is cause
