"""Reachability over real sockets: what each second of a drive is called, and why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil
import pytest

from fieldsurvey.model.clock import Clock, ScaledClock
from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.link_trace import LinkTrace
from fieldsurvey.throughput.reachability import ReachabilityProbe
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.shaped_link import ShapedLink
from tests.support.link_server import (
    download_for_ever,
    free_port,
    in_event_loop,
    link_server,
    running,
)

SPEED = 10.0


@asynccontextmanager
async def probing(port: int, clock: Clock | None = None) -> AsyncIterator[ReachabilityProbe]:
    probe = ReachabilityProbe(f"http://127.0.0.1:{port}", clock or ScaledClock(SPEED))
    async with running(probe.run()):
        yield probe


async def seconds(probe: ReachabilityProbe, clock: Clock, count: int) -> list[Reachability]:
    """Take once per drive second, as the drive does."""
    taken = []
    due_us = clock.mono_us() + 1_000_000
    for _ in range(count):
        await clock.sleep((due_us - clock.mono_us()) / 1e6)
        taken.append(probe.take())
        due_us += 1_000_000
    return taken


async def until(
    probe: ReachabilityProbe, wanted: Callable[[Reachability], bool], real_s: float = 5.0
) -> Reachability:
    async with asyncio.timeout(real_s):
        while True:
            await asyncio.sleep(0.1)
            taken = probe.take()
            if wanted(taken):
                return taken


def sockets_to(port: int) -> int:
    connections = psutil.Process().net_connections()
    return sum(bool(c.raddr) and c.raddr.port == port for c in connections)


@in_event_loop
async def test_a_dead_stretch_is_unreachable_and_nothing_else_is() -> None:
    mbps = 1e6
    trace = LinkTrace((0.0, 10.0, 18.0), (50 * mbps, 0.0, 50 * mbps), 60.0)
    async with link_server() as server:
        clock = ScaledClock(SPEED)
        link = ShapedLink(("127.0.0.1", server.port), trace, clock, delay_s=0.005, queue_s=0.02)
        port = await link.start(hold_trace=True)
        try:
            async with probing(port, clock) as probe, running(download_for_ever(port)):
                await until(probe, lambda taken: taken.reachable)
                link.begin_trace()
                taken = await seconds(probe, clock, 25)
            assert sum(down for _, down, _ in link.forwarded()) > 5_000_000
        finally:
            await link.stop()
    # Second i is the time from i to i + 1. One second at either edge may go either way.
    inside, outside = taken[12:17], taken[:9] + taken[19:]
    assert [(second.reachable, second.cause) for second in inside] == [(False, Cause.TIMED_OUT)] * 5
    assert [second.reachable for second in outside] == [True] * len(outside)
    # The bulk's queue (20 ms) and the way there and back (10 ms) are in every round trip.
    assert all((second.round_trip_us or 0) > 10_000 for second in outside)


@in_event_loop
async def test_answers_that_take_longer_than_a_second_still_come_every_second() -> None:
    async with link_server() as server:
        clock = ScaledClock(SPEED)
        link = ShapedLink(("127.0.0.1", server.port), LinkTrace.steady(10e6), clock, delay_s=0.06)
        port = await link.start()
        try:
            async with probing(port, clock) as probe:
                await until(probe, lambda taken: taken.reachable)
                taken = await seconds(probe, clock, 15)
        finally:
            await link.stop()
    assert all(second.reachable for second in taken)
    trips_us = [second.round_trip_us for second in taken if second.round_trip_us is not None]
    assert len(trips_us) >= 14
    assert 120_000 <= min(trips_us) < 150_000


@in_event_loop
async def test_a_link_as_slow_as_a_satellite_under_load_keeps_its_warm_connection() -> None:
    """Answers later than overdue ones may be: they come all the same, so service there is."""
    async with link_server() as server:
        clock = ScaledClock(2.0)
        link = ShapedLink(("127.0.0.1", server.port), LinkTrace.steady(10e6), clock, delay_s=0.45)
        port = await link.start()
        try:
            async with probing(port, clock) as probe:
                await until(probe, lambda taken: taken.reachable)
                await seconds(probe, clock, 3)
                taken = await seconds(probe, clock, 6)
        finally:
            await link.stop()
    assert all(second.reachable for second in taken)
    assert min(second.round_trip_us or 0 for second in taken if second.round_trip_us) >= 900_000


@in_event_loop
async def test_a_server_that_is_killed_refuses_and_is_found_again_when_it_is_back() -> None:
    async with link_server() as server, probing(server.port) as probe:
        await until(probe, lambda taken: taken.reachable)
        await server.kill()
        await until(probe, lambda taken: taken == Reachability(False, None, Cause.REFUSED))
        assert {(await until(probe, lambda _: True)).cause for _ in range(5)} == {Cause.REFUSED}
        await server.start()
        await until(probe, lambda taken: taken.reachable)


@in_event_loop
async def test_a_connection_reset_on_the_way_is_cut_off() -> None:
    async with link_server() as server:
        clock = ScaledClock(SPEED)
        link = ShapedLink(("127.0.0.1", server.port), LinkTrace.steady(10e6), clock)
        port = await link.start()
        try:
            async with probing(port, clock) as probe:
                await until(probe, lambda taken: taken.reachable)
                await server.kill()
                await until(probe, lambda taken: taken.cause is Cause.CUT_OFF)
        finally:
            await link.stop()


@in_event_loop
async def test_somebody_else_who_answers_is_a_portal() -> None:
    async with link_server() as server, probing(server.port) as probe:
        server.portal = True
        await until(probe, lambda taken: taken.cause is Cause.CAPTIVE_PORTAL)
        server.portal = False
        await until(probe, lambda taken: taken.reachable)


@in_event_loop
async def test_an_answer_to_another_question_is_a_portal() -> None:
    async with link_server() as server, probing(server.port) as probe:
        server.nonce = "0"
        await until(probe, lambda taken: taken.cause is Cause.CAPTIVE_PORTAL)


@in_event_loop
async def test_a_name_that_does_not_resolve_is_dns() -> None:
    clock = ScaledClock(SPEED)
    for host in ("no-such-host.invalid", "a" * 64):
        probe = ReachabilityProbe(f"http://{host}/", clock)
        async with running(probe.run()):
            await until(probe, lambda taken: taken.cause is Cause.DNS, real_s=15.0)


@in_event_loop
async def test_an_interface_that_is_not_there_is_no_route() -> None:
    async with link_server() as server:
        probe = ReachabilityProbe(
            f"http://127.0.0.1:{server.port}", ScaledClock(SPEED), interface="nowhere7"
        )
        async with running(probe.run()):
            await until(probe, lambda taken: taken.cause is Cause.NO_ROUTE)


@in_event_loop
async def test_plain_talk_where_tls_is_expected_is_tls() -> None:
    async with link_server() as server:
        probe = ReachabilityProbe(f"https://127.0.0.1:{server.port}", ScaledClock(SPEED))
        server.greeting = b"220 no TLS here\r\n"
        async with running(probe.run()):
            await until(probe, lambda taken: taken.cause is Cause.TLS)


@pytest.mark.parametrize(("speed", "later_real_s"), [(1.0, 1.05), (10.0, 0.3)])
@in_event_loop
async def test_bytes_of_a_running_test_are_proof_for_their_second(
    speed: float, later_real_s: float
) -> None:
    probe = ReachabilityProbe(f"http://127.0.0.1:{free_port()}", ScaledClock(speed))
    async with running(probe.run()):
        await until(probe, lambda taken: taken.cause is Cause.REFUSED)
        probe.note_traffic()
        await asyncio.sleep(0.05)
        assert probe.take() == Reachability(True)
        await asyncio.sleep(later_real_s)
        assert probe.take() == Reachability(False, None, Cause.REFUSED)


@in_event_loop
async def test_seconds_taken_late_in_one_go_share_their_proof() -> None:
    async with link_server() as server, probing(server.port, ScaledClock(1.0)) as probe:
        await until(probe, lambda taken: taken.reachable)
        assert [probe.take().reachable for _ in range(3)] == [True] * 3


@in_event_loop
async def test_silence_is_timed_out_from_the_first_second_on_and_sockets_stay_few() -> None:
    clock = ScaledClock(SPEED)
    link = ShapedLink(("127.0.0.1", free_port()), LinkTrace.steady(0.0), clock)
    port = await link.start()
    try:
        async with probing(port, clock) as probe:
            taken = await seconds(probe, clock, 20)
            assert 1 <= sockets_to(port) <= 3
        assert {(second.reachable, second.cause) for second in taken} == {(False, Cause.TIMED_OUT)}
        assert sockets_to(port) == 0
    finally:
        await link.stop()


@in_event_loop
async def test_asking_costs_little_and_keeps_one_connection() -> None:
    async with link_server() as server, probing(server.port) as probe:
        await seconds(probe, ScaledClock(SPEED), 10)
        assert server.connections == 1
        assert 15 <= server.pings <= 22
        assert 0 < probe.wire_bytes / server.pings < 1000


@in_event_loop
async def test_the_real_measurement_server_is_understood() -> None:
    server = MeasurementServer()
    port = await server.start()
    try:
        async with probing(port) as probe:
            taken = await seconds(probe, ScaledClock(SPEED), 10)
            assert all(second.reachable for second in taken[3:])
            assert probe.wire_bytes < 22 * 1000
    finally:
        await server.stop()


def test_an_address_that_is_none_is_said_at_once() -> None:
    for url in ("", "ftp://example.invalid", "http://", "http://host:port"):
        with pytest.raises(KnownError) as caught:
            ReachabilityProbe(url, ScaledClock(1.0))
        assert caught.value.message.id == "link.bad_server_url"
