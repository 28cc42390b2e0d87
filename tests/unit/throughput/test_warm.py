"""Connections kept between tests: used when they are good, never believed when they are not."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.clock import ScaledClock
from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput import warm
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.link import Link, ServerAddress
from fieldsurvey.throughput.link_trace import LinkTrace
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.shaped_link import ShapedLink
from fieldsurvey.throughput.warm import Destination, WarmConnections
from tests.support.throughput import (
    OddServer,
    Pace,
    Visit,
    certificate,
    measure,
    running,
    wait_until,
)

CONNECTIONS = 5  # four loads and the pings


@pytest.fixture
def home() -> Iterator[Home]:
    home = Home()
    try:
        yield home
    finally:
        home.close()


@pytest.fixture
def server() -> Iterator[OddServer]:
    with OddServer(Pace(20e6)) as server:
        yield server


def short(url: str, **more: object) -> MeasurementPlan:
    plan = MeasurementPlan(url, max_bytes=400_000, stall_timeout_us=600_000, **more)  # type: ignore[arg-type]  # any field
    assert plan.connections + 1 == CONNECTIONS
    return plan


def measured_and_ready(server: OddServer, home: Home) -> int:
    """Measure once, wait for the next test's connections, and prepare no more after that."""
    assert measure(short(server.url), home=home).outcome is Outcome.COMPLETED
    wait_until(lambda: home.warm.total() == CONNECTIONS)
    time.sleep(0.1)  # for the server to have accepted the last of them
    setattr(home, "between_tests", lambda chore: chore.close())  # noqa: B010 - not a method's place
    return server.accepted


def completed_on_all(measurement: Measurement) -> None:
    assert measurement.outcome is Outcome.COMPLETED, measurement.detail
    assert measurement.phases[-1].connections == 4
    assert all(phase.outcome is Outcome.COMPLETED for phase in measurement.phases)


def test_the_next_test_opens_nothing(server: OddServer, home: Home) -> None:
    before = measured_and_ready(server, home)
    completed_on_all(measure(short(server.url), home=home))
    assert server.accepted == before


def test_connections_that_the_server_closed_cost_nothing(server: OddServer, home: Home) -> None:
    before = measured_and_ready(server, home)
    server.cut_all()
    began_s = time.monotonic()
    completed_on_all(measure(short(server.url), home=home))
    assert time.monotonic() - began_s < 1
    assert server.accepted == before + CONNECTIONS


def test_connections_that_died_without_a_word_are_replaced(server: OddServer, home: Home) -> None:
    before = measured_and_ready(server, home)
    server.go_deaf()
    completed_on_all(measure(short(server.url), home=home))
    assert server.accepted == before + CONNECTIONS


def test_loads_that_died_without_a_word_are_replaced(server: OddServer, home: Home) -> None:
    """Without pings before, it is the load that finds out."""
    before = measured_and_ready(server, home)
    server.go_deaf()
    plan = short(server.url, phases=(PhaseKind.DOWNLOAD,), wake_up=False)
    measurement = measure(plan, home=home)
    completed_on_all(measurement)
    assert len(measurement.phases) == 1
    assert server.accepted == before + CONNECTIONS


def test_a_dead_network_is_still_a_dead_network(home: Home) -> None:
    with OddServer(Pace(20e6)) as server:
        measured_and_ready(server, home)
    began_s = time.monotonic()
    measurement = measure(short(server.url), home=home)
    assert (measurement.outcome, measurement.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert time.monotonic() - began_s < 1
    assert home.warm.total() == 0


def test_nothing_is_kept_after_a_failure(home: Home) -> None:
    def behave(visit: Visit) -> None:
        visit.upgrade()
        visit.reset()

    with OddServer(behave) as server:
        assert measure(short(server.url), home=home).outcome is Outcome.FAILED
        time.sleep(0.1)
        assert home.warm.total() == 0


def test_old_connections_are_not_used(
    server: OddServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measured_and_ready(server, home)
    monkeypatch.setattr(warm, "OLDEST_S", 0.0)
    completed_on_all(measure(short(server.url), home=home))
    assert server.accepted >= before + CONNECTIONS


def test_another_interface_does_not_use_them(server: OddServer, home: Home) -> None:
    before = measured_and_ready(server, home)
    completed_on_all(measure(short(server.url, interface="127.0.0.1"), home=home))
    assert server.accepted == before + CONNECTIONS


@pytest.mark.parametrize(("source", "good"), [("127.0.0.1", True), ("127.0.0.2", False)])
def test_a_connection_from_an_address_that_is_not_used_now(source: str, good: bool) -> None:
    async def scenario() -> asyncio.Transport | None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            transport, _ = await loop.create_connection(
                asyncio.Protocol, "127.0.0.1", port, local_addr=(source, 0)
            )
            kept = WarmConnections()
            destination = Destination("127.0.0.1", port, False, None, None)
            kept.keep(destination, transport)
            found = await kept.take(destination)
            kept.close()
            transport.abort()
            await asyncio.sleep(0.01)
            return found

    assert (asyncio.run(scenario()) is not None) == good


def test_a_handshake_called_off_leaves_its_socket_to_nobody(tmp_path: Path) -> None:
    """What is prepared between two tests is called off by the next one, at any moment."""

    async def scenario(port: int, ca_pem: str) -> None:
        server = ServerAddress.parse(f"https://127.0.0.1:{port}")
        link = Link(server, None, 1_000_000, 1_000_000, ca_pem=ca_pem)
        for step in range(150):
            handshakes = [asyncio.ensure_future(link.open_fresh(Pinger(server))) for _ in range(3)]
            await asyncio.sleep(step * 0.0001)
            for handshake in handshakes:
                handshake.cancel()
            for found in await asyncio.gather(*handshakes, return_exceptions=True):
                if isinstance(found, Pinger):
                    found.close()
            (await link.open_fresh(Pinger(server))).close()

    path = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    with running(MeasurementServer("tls", tls=context)) as port:
        asyncio.run(scenario(port, path.read_text()))


def first_byte_us(phases: tuple[Phase, ...]) -> int:
    download = phases[-1]
    assert download.bins is not None
    silent = next(index for index, count in enumerate(download.bins.byte_counts) if count)
    return download.start_offset_us + silent * download.bins.width_us


def test_a_test_on_a_long_road_starts_sooner(
    home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """120 ms of round trip, TLS. Seen with a wake-up: first byte after 1.08 s cold, 0.69 s warm.

    The relay's computer answers the TCP handshake itself, so a real road gains two more.
    """
    path = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    with running(MeasurementServer("far", tls=context)) as port:
        trace = LinkTrace((0.0,), (100e6,), 600.0)
        link = ShapedLink(("127.0.0.1", port), trace, ScaledClock(1.0), delay_s=0.06)
        far = asyncio.run(link.start())
        try:
            plan = MeasurementPlan(
                f"https://127.0.0.1:{far}",
                mode=Mode.CHECK,
                ca_pem=path.read_text(),
                max_bytes=500_000,
                wake_up=False,
            )
            cold = measure(plan, home=home)
            assert (cold.outcome, cold.tls) == (Outcome.COMPLETED, True), cold.detail
            wait_until(lambda: home.warm.total() == CONNECTIONS)
            warmed = measure(plan, home=home)
        finally:
            home.close()
            asyncio.run(link.stop())
    assert first_byte_us(warmed.phases) < first_byte_us(cold.phases) - 200_000
