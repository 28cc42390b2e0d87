"""Our clients against what real servers answer: transcripts written from their specifications."""

import time

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
from fieldsurvey.throughput.protocols import PROTOCOLS
from fieldsurvey.throughput.protocols.protocol import Cancel
from tests.support.throughput import assert_bound_reached
from tests.support.transcripts import TranscriptServer

IDLE, DOWN, UP = PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD


def measure(protocol: str, url: str, *phases: PhaseKind, **changes: int) -> Measurement:
    settings = {
        "max_bytes": 1_500_000, "max_duration_us": 2_000_000, "connections": 1, "idle_pings": 3,
        "connect_timeout_us": 1_000_000, "stall_timeout_us": 800_000,
    } | changes  # fmt: skip
    plan = MeasurementPlan(url, protocol, Mode.CALIBRATE, phases=phases, **settings)  # type: ignore[arg-type]  # names checked by the dataclass
    home = Home()
    try:
        return PROTOCOLS[protocol](home).run(plan, lambda *_: None, Cancel())
    finally:
        home.close()


def test_ndt7_downloads_from_the_reference_server() -> None:
    with TranscriptServer("ndt7") as server:
        result = measure("ndt7", f"ws://127.0.0.1:{server.port}", IDLE, DOWN, max_bytes=2_000_000)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert server.unexpected == []
    assert result.server_url == f"ws://127.0.0.1:{server.port}"
    idle, download = result.phases
    assert len(idle.round_trips_us) == 3, "a 404 is a round trip too"
    assert download.payload_bytes == 8192 + 8192 + 1_000_000
    assert download.bins is not None
    assert sum(download.bins.byte_counts) == download.payload_bytes
    assert download.connections == 1
    told = download.tcp_server
    assert told is not None
    assert (told.round_trip_us, told.min_round_trip_us) == (31_000, 20_500)
    assert (told.receive_window_limited_us, told.busy_us) == (300_000, 900_000)


def test_ndt7_takes_the_servers_tcp_count_for_an_upload_and_no_byte_more() -> None:
    with TranscriptServer("ndt7") as server:
        result = measure("ndt7", f"http://127.0.0.1:{server.port}", UP, max_bytes=5_000_000)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert server.unexpected == []
    (upload,) = result.phases
    assert 1_490_000 < upload.payload_bytes < 1_700_000, "the server's figure, less frame headers"
    assert result.wire_bytes >= upload.payload_bytes, "what was sent is charged"
    assert upload.bins is not None
    before, after = upload.bins.byte_counts[:2], upload.bins.byte_counts[3:7]
    assert before[0] == pytest.approx(before[1], abs=2), "evenly over the report's 125 ms"
    assert max(after) - min(after) <= 2
    assert upload.estimate is not None
    assert "acknowledged" not in upload.estimate.estimator


def test_ndt7_is_told_that_the_server_is_busy() -> None:
    with TranscriptServer("ndt7_busy") as server:
        result = measure("ndt7", f"ws://127.0.0.1:{server.port}", IDLE, DOWN)
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.SERVER_BUSY)
    assert not result.no_service
    assert result.phases[0].outcome is Outcome.COMPLETED
    assert len(result.phases[0].round_trips_us) == 1, "it closed after the first answer"
    assert result.phases[1].estimate is None


def test_librespeeds_php_backend_sends_chunks_and_only_payload_counts() -> None:
    with TranscriptServer("librespeed_php") as server:
        url = f"http://127.0.0.1:{server.port}/backend"
        result = measure("librespeed", url, IDLE, DOWN)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert server.unexpected == []
    assert len(result.phases[0].round_trips_us) == 3
    assert_bound_reached(result, 1_500_000)
    assert result.stop_reason == "bytes"


def test_librespeeds_answers_follow_each_other_on_one_connection() -> None:
    with TranscriptServer("librespeed_go") as server:
        result = measure("librespeed", f"http://127.0.0.1:{server.port}", DOWN)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert_bound_reached(result, 1_500_000)
    assert sum(line.startswith("GET /garbage.php") for line in server.asked) == 5


@pytest.mark.parametrize(
    ("protocol", "transcript", "path"),
    [("librespeed", "librespeed_php", "/backend"), ("cloudflare", "cloudflare", "")],
)
def test_uploads_that_nobody_counts_are_what_tcp_acknowledged(
    protocol: str, transcript: str, path: str
) -> None:
    with TranscriptServer(transcript) as server:
        result = measure(protocol, f"http://127.0.0.1:{server.port}{path}", UP)
    assert result.outcome is Outcome.COMPLETED, result.detail
    (upload,) = result.phases
    assert upload.payload_bytes == 1_500_000
    assert upload.estimate is not None
    assert upload.estimate.estimator.endswith("+acknowledged")


def test_an_upload_that_stays_in_our_buffers_is_not_counted() -> None:
    """The other end takes the request's head and no more than its own buffers hold."""
    with TranscriptServer("portal_page") as server:
        server.asked.clear()
        result = measure("librespeed", f"http://127.0.0.1:{server.port}", UP)
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.CAPTIVE_PORTAL)
    assert result.phases[0].estimate is None


def test_cloudflare_says_how_long_it_took_itself() -> None:
    with TranscriptServer("cloudflare") as server:
        result = measure("cloudflare", f"http://127.0.0.1:{server.port}", IDLE, DOWN)
    assert result.outcome is Outcome.COMPLETED, result.detail
    assert server.unexpected == []
    idle, _ = result.phases
    assert 1_000 <= min(idle.round_trips_us) < 30_000, "30 ms, less the 29 it spent itself"
    assert_bound_reached(result, 1_500_000)


def test_cloudflare_has_had_enough_of_us() -> None:
    with TranscriptServer("cloudflare_limited") as server:
        result = measure("cloudflare", f"http://127.0.0.1:{server.port}", IDLE, DOWN)
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.SERVER_BUSY)
    assert not result.no_service


@pytest.mark.parametrize("protocol", ["ndt7", "librespeed", "cloudflare"])
@pytest.mark.parametrize("portal", ["portal_redirect", "portal_page"])
@pytest.mark.parametrize("kind", [DOWN, UP])
def test_a_portal_is_no_server_and_gives_no_rate(
    protocol: str, portal: str, kind: PhaseKind
) -> None:
    began_s = time.monotonic()
    with TranscriptServer(portal) as server:
        result = measure(protocol, f"http://127.0.0.1:{server.port}", kind)
    assert time.monotonic() - began_s < 3
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.CAPTIVE_PORTAL), result.detail
    assert result.phases[0].estimate is None
    if kind is DOWN:
        assert result.phases[0].payload_bytes == 0, "its page is not a load"
