"""speedtest-cli, the library, against our own server."""

import asyncio
import socket
import time

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    PhaseKind,
)
from fieldsurvey.throughput.engine import MeasuringProcess, Progress
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from tests.support.throughput import OddServer, Visit, running

PHASES = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)


def measure(plan: MeasurementPlan, progress: list[Progress] | None = None) -> Measurement:
    """Measure in the child process: the library is not fit to be imported anywhere else."""

    async def run() -> Measurement:
        process = MeasuringProcess()
        try:
            return await process.run(plan, progress.append if progress is not None else None)
        finally:
            await process.close()

    return asyncio.run(run())


def plan(url: str, **changes: object) -> MeasurementPlan:
    settings: dict[str, object] = {
        "phases": PHASES, "max_bytes": 4_000_000, "max_duration_us": 2_000_000,
        "connect_timeout_us": 1_000_000, "stall_timeout_us": 700_000,
    }  # fmt: skip
    return MeasurementPlan(url, "speedtest-cli", Mode.MEASURE, **(settings | changes))  # type: ignore[arg-type]  # names checked by the dataclass


def test_the_library_measures_our_server() -> None:
    with running(MeasurementServer("mini")) as port:
        measurement = measure(plan(f"http://127.0.0.1:{port}"))
    assert measurement.outcome is Outcome.COMPLETED, measurement.detail
    assert measurement.server_id == "mini"
    idle, download, upload = measurement.phases
    assert len(idle.round_trips_us) == 1
    assert download.payload_bytes == 4_000_000, "the plan's bytes, not the library's"
    assert download.bins is not None
    assert sum(download.bins.byte_counts) == 4_000_000
    assert download.estimate is not None
    assert download.estimate.estimator == "speedtest-cli-mean/1"
    assert download.estimate.ramp_us == 0
    assert upload.estimate is not None
    assert upload.payload_bytes > 0, "what the server confirmed"
    assert upload.estimate.low_bps <= upload.estimate.rate_bps <= upload.estimate.high_bps
    assert measurement.wire_bytes >= download.payload_bytes + upload.payload_bytes


def test_seconds_are_a_bound_too() -> None:
    progress: list[Progress] = []
    with running(MeasurementServer("mini")) as port:
        began = time.monotonic()
        measurement = measure(
            plan(
                f"http://127.0.0.1:{port}", max_bytes=1 << 40, max_duration_us=500_000,
                phases=PHASES[:2],
            ),
            progress,
        )  # fmt: skip
    assert time.monotonic() - began < 3
    assert measurement.outcome is Outcome.COMPLETED, measurement.detail
    assert [one for one in progress if one.phase is PhaseKind.DOWNLOAD and one.payload_bytes]


def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    measurement = measure(plan(f"http://127.0.0.1:{port}"))
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert measurement.phases[0].cause is Cause.REFUSED


def test_a_portals_page_is_a_portal() -> None:
    def behave(visit: Visit) -> None:
        visit.head("200 OK", "Content-Length: 6", "Connection: close")
        visit.sock.sendall(b"log in")

    with OddServer(behave) as server:
        measurement = measure(plan(server.url))
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.CAPTIVE_PORTAL)


def test_a_server_without_a_slot_is_busy_and_not_a_rate_of_zero() -> None:
    with running(MeasurementServer("busy", Limits(loads=0))) as port:
        measurement = measure(plan(f"http://127.0.0.1:{port}"))
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.SERVER_BUSY)
    assert measurement.phases[-1].estimate is None


def test_a_download_that_falls_silent_stalls() -> None:
    def behave(visit: Visit) -> None:
        if visit.path.endswith("latency.txt"):
            body = b"test=test\n"
        elif visit.path.endswith("/mini/"):
            body = b'upload_extension: "php"'
        else:
            visit.head("200 OK", "Content-Length: 245388")
            visit.sock.sendall(bytes(30_000))
            visit.hang()
            return
        visit.head("200 OK", f"Content-Length: {len(body)}", "Connection: close")
        visit.sock.sendall(body)

    with OddServer(behave) as server:
        measurement = measure(plan(server.url))
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.STALLED)
    phase = measurement.phases[-1]
    assert phase.payload_bytes > 0
    assert phase.estimate is None
