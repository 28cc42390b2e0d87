"""The shaped link with real sockets and an independent judge (iperf3)."""

import asyncio
import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldsurvey.model.clock import Clock, ScaledClock, SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.link_trace import LinkTrace, load_trace
from fieldsurvey.throughput.shaped_link import ShapedLink
from tests.support.link_server import (
    download_for_ever,
    free_port,
    in_event_loop,
    link_server,
    running,
)


@asynccontextmanager
async def shaped(
    target_port: int,
    trace: LinkTrace,
    clock: Clock | None = None,
    *,
    delay_s: float = 0.0,
    queue_s: float = 0.05,
    upload_ratio: float = 1.0,
    hold_trace: bool = False,
) -> AsyncIterator[tuple[ShapedLink, int]]:
    link = ShapedLink(
        ("127.0.0.1", target_port),
        trace,
        clock or SystemClock(),
        delay_s=delay_s,
        queue_s=queue_s,
        upload_ratio=upload_ratio,
    )
    port = await link.start(hold_trace=hold_trace)
    try:
        yield link, port
    finally:
        await link.stop()


async def iperf3(port: int, *options: str) -> float:
    """Return the rate the receiver saw after the first second, in Mbit/s."""
    client = await asyncio.create_subprocess_exec(
        *("iperf3", "--client", "127.0.0.1", "--port", str(port), "--json"),
        *("--time", "2", "--omit", "1", *options),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await client.communicate()
    received: float = json.loads(output)["end"]["sum_received"]["bits_per_second"]
    return received / 1e6


@asynccontextmanager
async def iperf3_server() -> AsyncIterator[int]:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *("iperf3", "--server", "--bind", "127.0.0.1", "--port", str(port), "--forceflush"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert server.stdout is not None
    try:
        while b"listening" not in await server.stdout.readline():
            pass
        yield port
    finally:
        server.terminate()
        await server.communicate()


async def check_with_iperf3(mbps: int, delay_s: float, *options: str) -> None:
    trace = LinkTrace.steady(mbps * 1e6)
    async with iperf3_server() as server, shaped(server, trace, delay_s=delay_s) as (_, port):
        assert await iperf3(port, *options) == pytest.approx(mbps, rel=0.02)


@in_event_loop
async def test_iperf3_sees_the_rate_that_was_set() -> None:
    async with asyncio.TaskGroup() as together:
        together.create_task(check_with_iperf3(10, 0.02, "--reverse"))
        together.create_task(check_with_iperf3(50, 0.0, "--reverse", "--parallel", "4"))
        together.create_task(check_with_iperf3(100, 0.02))


@in_event_loop
async def test_iperf3_sees_300_mbps_with_a_long_delay() -> None:
    await check_with_iperf3(300, 0.05, "--reverse", "--parallel", "4")


async def note_arrivals(port: int, clock: Clock, arrivals: list[tuple[int, int]]) -> None:
    """Download for ever; note the clock's time and the size of everything that arrives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /bulk HTTP/1.1\r\n\r\n")
        while data := await reader.read(1_000_000):
            arrivals.append((clock.mono_us(), len(data)))
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@dataclass
class Played:
    """What came of a trace: bytes down per 100 ms by the link's log, and per second by both."""

    slots: list[int]
    link_seconds: list[int]
    client_seconds: list[int]


async def play(rates_bps: list[float], speed: float) -> Played:
    """Keep a link full while it plays one rate per second."""
    trace = LinkTrace(tuple(range(len(rates_bps))), tuple(rates_bps), float(len(rates_bps)))
    clock = ScaledClock(speed)
    arrivals: list[tuple[int, int]] = []
    async with (
        link_server() as server,
        shaped(server.port, trace, clock, queue_s=0.2, hold_trace=True) as (link, port),
        running(note_arrivals(port, clock, arrivals)),
    ):
        await asyncio.sleep(0.3)
        start_us = clock.mono_us()
        link.begin_trace()
        await clock.sleep(len(rates_bps) + 0.5)
        log = link.forwarded()
    assert [t_us for t_us, _, _ in log] == [i * 100_000 for i in range(len(log))]
    slots = [down for _, down, _ in log]
    client_seconds = [0] * (len(rates_bps) + 2)
    for at_us, size in arrivals:
        if at_us >= start_us:
            client_seconds[(at_us - start_us) // 1_000_000] += size
    seconds = range(len(rates_bps))
    return Played(
        slots,
        [sum(slots[i * 10 : i * 10 + 10]) for i in seconds],
        [client_seconds[i] for i in seconds],
    )


@in_event_loop
async def test_what_arrives_follows_steps_and_stops_in_dead_seconds() -> None:
    speed = 4.0
    rates_mbps = [40, 80, 0, 0, 20, 20, 160, 0, 60]
    played = await play([rate_mbps * 1e6 for rate_mbps in rates_mbps], speed)
    for i, rate_mbps in enumerate(rates_mbps):
        # What steps that come 50 ms late on a busy computer move from one second to the next.
        late_bytes = 0.05 * max(rate_mbps, rates_mbps[i - 1]) * 1e6 / 8
        assert played.link_seconds[i] == pytest.approx(rate_mbps * 1e6 / 8 / speed, abs=late_bytes)
    can_carry = sum(rates_mbps) * 1e6 / 8 / speed
    assert sum(played.link_seconds) == pytest.approx(can_carry, rel=0.03)
    # After its first three slots (75 ms real) a dead second carries nothing at all.
    assert {played.slots[i] for i in (*range(23, 40), *range(73, 80))} == {0}
    assert played.client_seconds[3] == 0
    assert sum(played.client_seconds) == pytest.approx(can_carry, rel=0.03)


@pytest.mark.realdata
@in_event_loop
async def test_a_recorded_drive_is_played_ten_times_as_fast(shared_data: Path) -> None:
    recorded = load_trace(shared_data / "links" / "att_run0_20230404T134628.csv")
    rates_bps = [recorded.rate_bps_at(second) for second in range(940, 965)]
    assert rates_bps.count(0.0) >= 8
    alike = []
    while not alike or (max(alike) <= 0.85 and len(alike) < 3):
        played = await play(rates_bps, speed=10.0)
        assert sum(played.link_seconds) == pytest.approx(sum(rates_bps) / 8 / 10, rel=0.03)
        alike.append(statistics.correlation(played.link_seconds, rates_bps))
    # A second is 100 ms here: a computer that stands still for 300 moves three of them.
    assert max(alike) > 0.85, alike


@in_event_loop
async def test_every_byte_arrives_in_order_both_ways_and_so_do_the_ends() -> None:
    sent = random.Random(1).randbytes(3_000_000)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            everything = await reader.read()  # until the client has closed its half
            writer.write(everything)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    server_port = server.sockets[0].getsockname()[1]
    async with server, shaped(server_port, LinkTrace.steady(200e6), delay_s=0.01) as (link, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        received = await asyncio.wait_for(reader.read(), 10.0)
        writer.close()
        await writer.wait_closed()
        assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()
        slots = link.forwarded()
    assert sum(down for _, down, _ in slots) == sum(up for _, _, up in slots) == len(sent)


async def round_trip_s(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        start_s = time.monotonic()
        writer.write(b"GET /fieldsurvey/v1/ping?nonce=1 HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(reader.read(10), 5.0)
        return time.monotonic() - start_s
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@in_event_loop
async def test_a_full_queue_delays_what_stands_behind_it() -> None:
    async with (
        link_server() as server,
        shaped(server.port, LinkTrace.steady(20e6), delay_s=0.02, queue_s=0.1) as (_, port),
    ):
        idle_s = [await round_trip_s(port) for _ in range(5)]
        async with running(download_for_ever(port)):
            await asyncio.sleep(0.5)
            loaded_s = [await round_trip_s(port) for _ in range(5)]
    assert 0.04 <= min(idle_s) < 0.055
    assert 0.13 < min(loaded_s) < 0.18


@in_event_loop
async def test_upload_has_its_own_share() -> None:
    taken = bytearray()

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100_000):
                taken.extend(data)
        except ConnectionResetError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    server_port = server.sockets[0].getsockname()[1]
    trace = LinkTrace.steady(80e6)
    async with server, shaped(server_port, trace, upload_ratio=0.25) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes(10_000_000))
        await asyncio.sleep(1.0)
        assert len(taken) == pytest.approx(20e6 / 8, rel=0.1)
        writer.transport.abort()
        await asyncio.sleep(0)


@in_event_loop
async def test_a_reader_that_sleeps_does_not_hold_up_the_others() -> None:
    async with (
        link_server() as server,
        shaped(server.port, LinkTrace.steady(100e6)) as (_, port),
    ):
        _, sleeper = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        sleeper.write(b"GET /bulk HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.7)
        assert await round_trip_s(port) < 0.5
        sleeper.transport.abort()
        await asyncio.sleep(0)


@in_event_loop
async def test_a_target_that_refuses_resets_the_client() -> None:
    async with shaped(free_port(), LinkTrace.steady(10e6)) as (_, port):
        with pytest.raises(ConnectionResetError):
            await round_trip_s(port)


@in_event_loop
async def test_cut_all_resets_everybody_and_takes_new_connections() -> None:
    async with (
        link_server() as server,
        shaped(server.port, LinkTrace.steady(10e6)) as (link, port),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /bulk HTTP/1.1\r\n\r\n")
        await reader.readexactly(10_000)
        link.cut_all()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5.0)
        writer.close()
        assert await round_trip_s(port) < 0.5


@in_event_loop
async def test_an_idle_link_sleeps_and_a_stopped_one_is_gone() -> None:
    async with link_server() as server:
        async with shaped(server.port, LinkTrace.steady(100e6)) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.1)
            before_s = time.process_time()
            await asyncio.sleep(1.0)
            assert time.process_time() - before_s < 0.02
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


@in_event_loop
async def test_a_port_that_is_taken_and_a_target_that_has_no_address_are_known_errors() -> None:
    async with link_server() as server:
        link = ShapedLink(("127.0.0.1", 1), LinkTrace.steady(1e6), SystemClock())
        with pytest.raises(KnownError, match=r"cannot listen on 127\.0\.0\.1"):
            await link.start(port=server.port)
    link = ShapedLink(("no-such-host.invalid", 1), LinkTrace.steady(1e6), SystemClock())
    with pytest.raises(KnownError, match=r"no-such-host\.invalid:1"):
        await link.start()


@in_event_loop
async def test_as_a_process_it_holds_the_trace_until_told_to_start(tmp_path: Path) -> None:
    trace_path, log_path = tmp_path / "link.csv", tmp_path / "log.csv"
    trace_path.write_text("t_s,rate_mbps\n0,50\n5,0\n", encoding="utf-8")
    async with link_server() as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fieldsurvey.throughput.shaped_link", "--ready-json"),
            *("--target", f"127.0.0.1:{server.port}", "--trace", str(trace_path)),
            *("--speed", "10", "--end", "--log", str(log_path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(await asyncio.wait_for(process.stdout.readline(), 10.0))["port"]
        await asyncio.sleep(0.6)  # the trace would be over
        assert await round_trip_s(port) < 0.5
        process.stdin.write(b"start\n")
        await asyncio.sleep(0.1)
        assert await round_trip_s(port) < 0.3
        await asyncio.sleep(0.6)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(round_trip_s(port), 0.3)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 5.0) == 0
    lines = log_path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "t_us,bytes_down,bytes_up"
    rows = [tuple(int(cell) for cell in line.split(",")) for line in lines[1:]]
    assert sum(row[1] for row in rows) > 0
    assert all(row[0] < 6_000_000 for row in rows)


def test_as_a_process_it_tells_what_is_wrong_with_a_trace(tmp_path: Path) -> None:
    trace_path = tmp_path / "link.csv"
    trace_path.write_text("t_s,rate_mbps\n0,fast\n", encoding="utf-8")
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "fieldsurvey.throughput.shaped_link"),
            *("--target", "127.0.0.1:1", "--trace", str(trace_path)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert finished.returncode == 1
    assert "line 2" in finished.stderr
    assert "Traceback" not in finished.stderr
