"""Real links end to end: a pseudo terminal, TCP and UDP sockets, a real gpsd."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from fieldsurvey.model.clock import Clock, ScaledClock, SystemClock
from fieldsurvey.model.position import FixFlag, PositionTrouble, TroubleKind
from fieldsurvey.position import open_position
from fieldsurvey.position.network_links import WAITING_DATAGRAMS, UdpLink
from fieldsurvey.position.source import PositionSource
from tests.support.position import (
    PtyReceiver,
    Report,
    a_drive,
    an_epoch,
    collect,
    fixes,
    is_trouble,
    nothing,
    pty_receiver,
    troubles,
)

pytestmark = pytest.mark.timeout(40)


def serial_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("serial ")]


def serial_threads_left(wait_s: float = 2.0) -> list[str]:
    """Return those that do not end by themselves; the last one needs the processor for that."""
    deadline_s = time.monotonic() + wait_s
    while serial_threads() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return serial_threads()


def has_fixes(count: int) -> Callable[[list[Report]], bool]:
    return lambda reports: len(fixes(reports)) >= count


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[PtyReceiver]:
    with pty_receiver(tmp_path / "ttyGNSS") as receiver:
        yield receiver


def serial(receiver: PtyReceiver, clock: Clock | None = None) -> PositionSource:
    return open_position(f"serial:{receiver.link}?baud=38400", clock or SystemClock())


def test_serial_port(receiver: PtyReceiver) -> None:
    """Whatever was sent before the port was open is lost; from then on every second is there."""
    source = serial(receiver)
    receiver.talk(a_drive(500))
    reports = asyncio.run(collect(source, (has_fixes(9), nothing)))
    assert troubles(reports) == []
    north_min = [(fix.latitude_deg - 43) * 60 for fix in fixes(reports)]
    steps_min = [round(later - earlier, 4) for earlier, later in pairwise(north_min)]
    assert steps_min == [0.0108] * 8
    assert serial_threads_left() == []


def test_fix_is_there_right_after_its_last_sentence(receiver: PtyReceiver) -> None:
    """One epoch, then silence: nothing to learn from, and no next time stamp to wait for."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(collect(serial(receiver), (has_fixes(1), nothing)))
        await asyncio.sleep(0.3)
        started = loop.time()
        receiver.write(an_epoch())
        await task
        return loop.time() - started

    assert asyncio.run(run()) < 0.4  # 80 ms of quiet, on a computer shared with others


def test_unplugged_and_plugged_in_again(receiver: PtyReceiver) -> None:
    def replug() -> None:
        receiver.plug()
        receiver.talk(a_drive(50))

    receiver.talk(a_drive(1000))
    reports = asyncio.run(
        collect(
            serial(receiver),
            (has_fixes(3), receiver.unplug),
            (is_trouble(TroubleKind.UNPLUGGED), replug),
            (has_fixes(8), nothing),
        )
    )
    assert troubles(reports) == [TroubleKind.UNPLUGGED]
    after = fixes(reports[reports.index(next(r for r in reports if troubles([r]))) :])
    assert after[0].flags & FixFlag.AFTER_GAP


def test_port_that_is_not_there(tmp_path: Path) -> None:
    source = open_position(f"serial:{tmp_path / 'nothing'}", SystemClock())
    (trouble,) = asyncio.run(collect(source, (is_trouble(TroubleKind.UNPLUGGED), nothing)))
    assert isinstance(trouble, PositionTrouble)
    assert trouble.message.id == "position.no_port"


def test_port_that_another_program_holds(receiver: PtyReceiver) -> None:
    async def run() -> list[Report]:
        first = asyncio.create_task(collect(serial(receiver), (has_fixes(1000), nothing)))
        await asyncio.sleep(0.3)
        reports = await collect(serial(receiver), (is_trouble(TroubleKind.UNPLUGGED), nothing))
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        return reports

    (trouble,) = asyncio.run(run())
    assert isinstance(trouble, PositionTrouble)
    assert trouble.message.id == "position.port_busy"
    assert serial_threads_left() == []


def test_garbage_and_silence_are_told_apart(receiver: PtyReceiver) -> None:
    source = serial(receiver, ScaledClock(5))
    receiver.talk([b"\xa0\xa2\x00\x29 not nmea \xb0\xb3"] * 60)  # 1.2 s, six seconds of the drive
    reports = asyncio.run(collect(source, (is_trouble(TroubleKind.SILENT), nothing)))
    assert troubles(reports) == [TroubleKind.GARBAGE, TroubleKind.SILENT]


def test_cancelling_releases_port_and_thread(receiver: PtyReceiver) -> None:
    async def run() -> float:
        task = asyncio.create_task(collect(serial(receiver), (has_fixes(10**6), nothing)))
        await asyncio.sleep(0.3)
        assert serial_threads()
        loop = asyncio.get_running_loop()
        started = loop.time()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return loop.time() - started

    assert asyncio.run(run()) < 0.3
    assert serial_threads_left() == []


def test_auto_finds_the_port_that_speaks_nmea(tmp_path: Path) -> None:
    with (
        pty_receiver(tmp_path / "silent") as silent,
        pty_receiver(tmp_path / "modem") as modem,
        pty_receiver(tmp_path / "gnss") as gnss,
    ):
        modem.talk([b"+CREG: 1\r\n"] * 1000)
        gnss.talk([an_epoch()] * 1000)
        ports = [str(port.link) for port in (silent, modem, gnss)]
        source = open_position("serial:auto", ScaledClock(4), list_ports=lambda: ports)
        reports = asyncio.run(collect(source, (has_fixes(3), nothing)))
        assert troubles(reports) == []
        assert serial_threads_left() == []
        assert silent.read() == modem.read() == b"", "nothing may be written to a foreign port"


def test_auto_keeps_looking(tmp_path: Path) -> None:
    ports: list[str] = []
    with pty_receiver(tmp_path / "gnss") as gnss:
        gnss.talk([an_epoch()] * 1000)
        source = open_position("serial:auto", SystemClock(), list_ports=lambda: ports)
        reports = asyncio.run(
            collect(
                source,
                (is_trouble(TroubleKind.UNPLUGGED), lambda: ports.append(str(gnss.link))),
                (has_fixes(2), nothing),
            )
        )
    assert isinstance(trouble := reports[0], PositionTrouble)
    assert trouble.message.id == "position.no_receiver_found"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_tcp_server_that_comes_goes_and_returns() -> None:
    port = free_port()
    clock = SystemClock()
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for epoch in a_drive(5):
            writer.write(epoch)

    async def start() -> None:
        servers.append(await asyncio.start_server(serve, "127.0.0.1", port))

    def hang_up() -> None:
        writers[-1].close()

    async def run() -> list[Report]:
        tasks: list[asyncio.Task[None]] = []
        source = open_position(f"tcp://127.0.0.1:{port}", clock)
        reports = await collect(
            source,
            (
                is_trouble(TroubleKind.UNPLUGGED),
                lambda: tasks.append(asyncio.create_task(start())),
            ),
            (has_fixes(5), hang_up),
            (is_trouble(TroubleKind.UNPLUGGED), nothing),
            (has_fixes(10), nothing),
        )
        for writer in writers:
            writer.close()
        servers[0].close()
        await servers[0].wait_closed()
        return reports

    reports = asyncio.run(run())
    assert troubles(reports) == [TroubleKind.UNPLUGGED, TroubleKind.UNPLUGGED]
    assert len(fixes(reports)) == 10


def test_tcp_connection_that_went_dead_is_opened_anew() -> None:
    """A half-open connection never says anything again, not even that it is gone."""
    connections: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        for epoch in a_drive(3):
            writer.write(epoch)

    async def run() -> list[Report]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        source = open_position(f"tcp://127.0.0.1:{port}", ScaledClock(10))
        reports = await collect(source, (has_fixes(6), nothing))
        for writer in connections:
            writer.close()
        server.close()
        await server.wait_closed()
        return reports

    reports = asyncio.run(run())
    assert len(connections) == 2
    assert troubles(reports) == [TroubleKind.SILENT]


def test_udp_datagrams_with_and_without_line_ends() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def run() -> list[Report]:
        source = open_position(f"udp://127.0.0.1:{port}", SystemClock())
        task = asyncio.create_task(collect(source, (has_fixes(20), nothing)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number, epoch in enumerate(a_drive(200)):
                for sentence in epoch.splitlines(keepends=number % 2 == 0):
                    sender.sendto(sentence, ("127.0.0.1", port))
                await asyncio.sleep(0.01)
                if task.done():
                    break
        return await task

    assert troubles(asyncio.run(run())) == []


def test_a_flood_of_datagrams_leaves_the_newest() -> None:
    async def run() -> bytes:
        link = UdpLink("127.0.0.1", 0, SystemClock())
        for number in range(WAITING_DATAGRAMS + 1):
            link.datagram_received(str(number).encode(), None)
        return (await link.read()).data

    assert asyncio.run(run()) == b"1"


def test_udp_port_that_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        source = open_position(f"udp://127.0.0.1:{holder.getsockname()[1]}", SystemClock())
        (trouble,) = asyncio.run(collect(source, (is_trouble(TroubleKind.UNPLUGGED), nothing)))
    assert isinstance(trouble, PositionTrouble)
    assert trouble.message.id == "position.udp_port_taken"


needs_gpsd = pytest.mark.skipif(
    not (shutil.which("gpsd") and shutil.which("gpsfake")), reason="gpsd and gpsfake not installed"
)


@contextlib.contextmanager
def fed_gpsd(port: int, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real gpsd that a fake receiver feeds with ``log``, again and again: a short one would be
    over before a busy machine has asked for the first report."""
    process = subprocess.Popen(
        ["gpsfake", "-q", *options, "-P", str(port), str(log)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(10)


@needs_gpsd
def test_real_gpsd(tmp_path: Path) -> None:
    log = tmp_path / "drive.nmea"
    log.write_bytes(b"".join(a_drive(400)))
    port = free_port()
    with fed_gpsd(port, log, "-1", "-c", "0.01") as process:
        source = open_position(f"gpsd://127.0.0.1:{port}", SystemClock())
        reports = asyncio.run(
            collect(
                source,
                (has_fixes(20), process.terminate),
                (is_trouble(TroubleKind.UNPLUGGED), nothing),
            )
        )
    seen = fixes(reports)
    # gpsd may already be up or not; it may miss the epoch it was started in; none comes twice.
    steps = [round((fix.latitude_deg - 43) * 60 / 0.0108) for fix in seen]
    assert steps == list(range(steps[0], steps[0] + len(steps)))
    assert {fix.satellites for fix in seen} <= {9, None}
    assert seen[-1].speed_mps == pytest.approx(20.0, abs=0.05)


@needs_gpsd
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("log", "has_position"), [("bu303-nofix.log", False), ("bu303-moving.log", True)]
)
def test_binary_receiver_through_gpsd(shared_data: Path, log: str, has_position: bool) -> None:
    port = free_port()
    with fed_gpsd(port, shared_data / "drives" / "receivers" / log, "-c", "0.05"):
        source = open_position(f"gpsd://127.0.0.1:{port}", SystemClock())
        seen = has_fixes(5) if has_position else is_trouble(TroubleKind.NO_FIX)
        reports = asyncio.run(collect(source, (seen, nothing)))
    assert bool(fixes(reports)) is has_position
    assert (TroubleKind.NO_FIX in troubles(reports)) is not has_position
