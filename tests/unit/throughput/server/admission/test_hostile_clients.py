"""Clients that mean harm. Each time an honest one still gets its slot and its rate, and what the
others took comes back: connections, memory, files."""

import asyncio
import itertools
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.connections import BACKLOG
from fieldsurvey.throughput.server.limits import Limits
from tests.support.honest_client import connected, download, upgrade_request
from tests.support.measure_server import (
    ROOT,
    ServerProcess,
    known_closed,
    server_process,
    status_of,
    wait_until,
)
from tests.support.throughput import running

PACE_BPS = 10_000_000
HONEST_S = 1.0
OTHER = "127.0.0.2"  # another client
OPTIONS = (
    *("--head-s", "1.5", "--idle-s", "5", "--seconds", "2", "--pause-s", "0.3"),
    *("--connections", "1500", "--connections-per-client", "600"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server"), *OPTIONS) as server:
        asyncio.run(download(server.port, 0.3))  # what is loaded at the first use is there
        yield server


def survives(
    server: ServerProcess,
    attack: Callable[[int, asyncio.Event], Awaitable[None]],
    honest_source: str = OTHER,
    files_come_back_s: float = 10.0,
) -> None:
    """Measure honestly once ``attack`` is at its height; afterwards all must be as before."""
    files, memory_bytes = server.open_files(), server.memory_bytes()

    async def both() -> int:
        ready = asyncio.Event()
        attacking = asyncio.ensure_future(attack(server.port, ready))
        await asyncio.wait_for(ready.wait(), 20)
        honest = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.honest_client"),
            *(str(server.port), str(HONEST_S), honest_source, str(PACE_BPS)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        said, _ = await honest.communicate()
        assert not attacking.done(), "the attack ended too early"
        attacking.cancel()
        with suppress(asyncio.CancelledError):
            await attacking
        assert honest.returncode == 0
        return int(said)

    in_time = asyncio.run(both())
    assert in_time * 8 / HONEST_S == pytest.approx(PACE_BPS, rel=0.15)
    assert wait_until(lambda: server.open_files() <= files + 3, files_come_back_s)
    assert server.memory_bytes() < memory_bytes + 80_000_000
    assert wait_until(lambda: server.health()["running_tests"] == 0)
    assert server.errors() == ""


def waves(
    number: int, one: Callable[[int, int], Awaitable[None]], pause_s: float
) -> Callable[[int, asyncio.Event], Awaitable[None]]:
    """Attack with ``number`` clients at a time, wave after wave; each is told port and index."""

    async def attack(port: int, ready: asyncio.Event) -> None:
        ready.set()
        while True:
            await asyncio.gather(*(one(port, index) for index in range(number)))
            await asyncio.sleep(pause_s)

    return attack


def test_slowloris(server: ServerProcess) -> None:
    """Heads that come letter by letter are given up after head_s."""
    lives: list[float] = []

    async def one(port: int, _: int) -> None:
        reader, writer = await connected(port)
        began_s = time.monotonic()
        try:
            for letter in itertools.chain(b"GET /health HTTP/1.1\r\n", itertools.repeat(ord("a"))):
                writer.write(bytes([letter]))
                await writer.drain()
                if await known_closed(reader, 0.1):
                    lives.append(time.monotonic() - began_s)
                    return
        finally:
            writer.transport.abort()

    survives(server, waves(200, one, 0))
    assert len(lives) >= 100
    assert max(lives) < 1.5 + 1.5


def test_endless_headers(server: ServerProcess) -> None:
    """Header after header, as fast as they go, or one header without an end, also in pieces so
    large that the server once held hundreds of megabytes of them until garbage was collected."""
    pieces = (b"X-A: " + b"b" * 900 + b"\r\n", b"a" * 5000, b"c" * 300_000)

    async def one(port: int, index: int) -> None:
        reader, writer = await connected(port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n")
            began_s = time.monotonic()
            with suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(pieces[index % len(pieces)])
                    await writer.drain()
                    await asyncio.sleep(0)
                    assert time.monotonic() - began_s < 5
        finally:
            writer.transport.abort()

    survives(server, waves(50, one, 0.1))


def test_huge_frames(server: ServerProcess) -> None:
    """Frames of 8 EiB, texts of 16 MiB, control frames with a load: closed at their header."""
    frames = (
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask",
        b"\x81\xff\x00\x00\x00\x00\x01\x00\x00\x00mask",
        b"\x89\xff\x00\x00\x00\x00\x01\x00\x00\x00mask",
    )

    async def one(port: int, index: int) -> None:
        target = f"/throughput/v1/upload?streams=1&duration=2000&mid={index % 5}"
        reader, writer = await connected(port)
        try:
            writer.write(upgrade_request(target) + frames[index % 3])
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 101 " in head[:20]:
                with suppress(ConnectionError):
                    for _ in range(20):
                        writer.write(bytes(1 << 20))
                        await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    survives(server, waves(6, one, 0.05))


def test_wrong_subprotocols(server: ServerProcess) -> None:
    request = upgrade_request("/throughput/v1/download?streams=1").replace(
        b"net.measurementlab.throughput.v1", b"chat"
    )
    statuses: set[int] = set()

    async def one(port: int, _: int) -> None:
        status, _answer = await status_of(port, request)
        statuses.add(status)

    survives(server, waves(20, one, 0.05))
    assert statuses == {400}


def test_thousands_of_connections_without_a_request(server: ServerProcess) -> None:
    """From two addresses, more than the server holds open."""
    most = 0

    async def attack(port: int, ready: asyncio.Event) -> None:
        nonlocal most
        held = []
        try:
            for index in range(3_000):
                with suppress(ConnectionError):
                    held.append(await connected(port, f"127.0.0.{3 + index % 4}"))
                if index % 100 == 0:
                    most = max(most, server.open_files())
            ready.set()
            await asyncio.sleep(30)
        finally:
            for _, writer in held:
                writer.transport.abort()

    survives(server, attack)
    assert 1000 < most < 1500 + 100 + 2 * BACKLOG


def test_idle_connections_of_ones_own_address_give_way(server: ServerProcess) -> None:
    """Behind one address of an operator there are honest clients as well."""

    async def attack(port: int, ready: asyncio.Event) -> None:
        held = [await connected(port) for _ in range(1_000)]
        try:
            ready.set()
            await asyncio.sleep(30)
        finally:
            for _, writer in held:
                writer.transport.abort()

    survives(server, attack, honest_source="127.0.0.1")


def test_answers_that_nobody_reads(server: ServerProcess) -> None:
    """Pipelined questions, and loads, without taking a byte: cut when their time is over."""

    async def attack(port: int, ready: asyncio.Event) -> None:
        held = []
        try:
            for index in range(40):
                _, writer = pair = await connected(port)
                held.append(pair)
                writer.transport.get_extra_info("socket").setsockopt(1, 8, 2048)  # SO_RCVBUF
                writer.transport.pause_reading()
                load = b"GET /__down?bytes=100000000 HTTP/1.1\r\nHost: x\r\n\r\n"
                pings = b"GET /fieldsurvey/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000
                writer.write(load if index % 2 else pings)
            ready.set()
            await asyncio.sleep(30)
        finally:
            for _, writer in held:
                writer.transport.abort()

    survives(server, attack)


def test_noise(server: ServerProcess) -> None:
    noise = random.Random(7)

    async def one(port: int, _: int) -> None:
        _, writer = await connected(port)
        try:
            writer.write(noise.randbytes(noise.randrange(1, 5_000)))
            await asyncio.sleep(0.01)
        finally:
            writer.transport.abort()

    survives(server, waves(20, one, 0.1))


def test_a_warm_connection_lives_while_nobody_needs_its_place(tmp_path: Path) -> None:
    """Clients open connections before they need them; head_s does not hold for these."""
    with server_process(tmp_path, "--head-s", "0.5") as server:

        async def ask_late() -> bytes:
            reader, writer = await connected(server.port)
            request = b"GET /fieldsurvey/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n"
            for _ in range(2):
                await asyncio.sleep(1.2)
                writer.write(request)
                answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
            writer.close()
            return answer

        assert asyncio.run(ask_late()).startswith(b"HTTP/1.1 200 ")


def test_one_who_never_reads_its_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldsurvey.throughput.server.connections._ANSWER_GRACE_S", 0.5)
    server = MeasurementServer(limits=Limits(seconds=0.5))
    pings = b"GET /fieldsurvey/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000
    with running(server) as port, socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(0.3)
        sock.connect(("127.0.0.1", port))
        with suppress(TimeoutError, ConnectionError):
            for _ in range(10_000):  # until it takes no more, because nobody takes its answers
                sock.sendall(pings)
            raise AssertionError("the server takes questions without end")
        assert wait_until(lambda: server._door.open == 0, 5)
