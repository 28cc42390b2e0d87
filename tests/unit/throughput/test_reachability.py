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
    """Settle drive seconds from now on, each as soon as it can be, as the drive does."""
    settled: list[Reachability] = []
    start_us = clock.mono_us()
    async with asyncio.timeout(30.0):
        while len(settled) < count:
            await clock.sleep(0.2)
            due_us = start_us + len(settled) * 1_000_000
            if due_us + 1_000_000 <= clock.mono_us():
                taken = probe.settle(due_us, due_us + 1_000_000)
                settled += [] if taken is None else [taken]
    return settled


async def until(
    probe: ReachabilityProbe, wanted: Callable[[Reachability], bool], real_s: float = 8.0
) -> Reachability:
    clock = probe.clock
    async with asyncio.timeout(real_s):
        while True:
            [taken] = await seconds(probe, clock, 1)
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


class HeldClock:
    """A clock that the test sets."""

    speed = 1.0

    def __init__(self) -> None:
        self.now_us = 0

    def mono_us(self) -> int:
        return self.now_us

    def utc_us(self) -> int:
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def settled(proofs_s: list[float], now_s: float, *, seconds: int, final: bool = False) -> str:
    """Draw each second: ``.`` reachable, ``x`` not, ``?`` not known yet."""
    clock = HeldClock()
    probe = ReachabilityProbe("http://127.0.0.1:1", clock)
    for proof_s in proofs_s:
        clock.now_us = int(proof_s * 1e6)
        probe.note_traffic()
    clock.now_us = int(now_s * 1e6)
    marks = {True: ".", False: "x", None: "?"}
    drawn = ""
    for second in range(seconds):
        taken = probe.settle(second * 1_000_000, (second + 1) * 1_000_000, final=final)
        drawn += marks[None if taken is None else taken.reachable]
    return drawn


@pytest.mark.parametrize(
    ("proofs_s", "now_s", "expected"),
    [
        ([0.5, 1.5, 2.5], 3.0, "..."),
        ([0.1, 1.9, 2.5], 3.0, "..."),
        ([0.9, 2.2], 3.0, "..."),  # a short silence covers second 1
        ([0.9], 2.0, ".?"),  # not known yet
        ([0.9], 2.8, ".?"),
        ([0.9], 3.0, ".xx"),  # silent for more than two seconds
        ([0.9, 4.1], 5.0, ".xxx."),
        ([], 1.0, "?"),
        ([], 2.5, "xx"),
    ],
)
def test_a_second_is_judged_by_the_silence_around_it(
    proofs_s: list[float], now_s: float, expected: str
) -> None:
    assert settled(proofs_s, now_s, seconds=len(expected)) == expected


def test_the_last_second_is_judged_by_what_is_known() -> None:
    assert settled([0.9], 2.0, seconds=2, final=True) == ".x"


@in_event_loop
async def test_bytes_of_a_running_test_are_proof_for_their_second() -> None:
    clock = ScaledClock(1.0)
    probe = ReachabilityProbe(f"http://127.0.0.1:{free_port()}", clock)
    async with running(probe.run()):
        start_us = clock.mono_us()
        await asyncio.sleep(0.1)
        probe.note_traffic()
        assert probe.settle(start_us, start_us + 1_000_000) == Reachability(True)
        await asyncio.sleep(2.2)
        assert probe.settle(start_us + 1_000_000, start_us + 2_000_000) == Reachability(
            False, None, Cause.REFUSED
        )


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
