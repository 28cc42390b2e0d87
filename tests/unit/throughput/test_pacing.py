"""The token bucket for systems whose kernel does not pace, and the kernel's own."""

import socket
import time
from collections.abc import Iterator

import pytest

from fieldsurvey.throughput import pacing
from fieldsurvey.throughput.pacing import Pacing
from fieldsurvey.throughput.server.app import MeasurementServer
from tests.support.throughput import running

REQUEST = (
    "GET /throughput/v1/download?streams=1&duration={ms}&pace={bps} HTTP/1.1\r\nHost: x\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: net.measurementlab.throughput.v1\r\n\r\n"
)


@pytest.fixture
def pair() -> Iterator[socket.socket]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as one,
        listener.accept()[0],
    ):
        yield one


def bucket(rate_bps: int, sock: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Pacing:
    monkeypatch.setattr(pacing, "_paced_by_kernel", lambda *_: False)
    paced = Pacing(rate_bps)
    paced.apply(sock)
    return paced


def test_a_bucket_gives_no_more_than_its_rate(
    pair: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced = bucket(80_000_000, pair, monkeypatch)
    began_s = time.monotonic()
    for _ in range(20):
        time.sleep(paced.wait_s())
        paced.sent(100_000)  # 10 ms each
    assert time.monotonic() - began_s + paced.wait_s() >= 0.19


def test_a_bucket_does_not_catch_up_after_a_pause(
    pair: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced = bucket(80_000_000, pair, monkeypatch)
    time.sleep(0.2)
    paced.sent(100_000 * 5)
    assert paced.wait_s() > 0.03


def test_a_bucket_gives_small_pieces(pair: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bucket(50_000_000, pair, monkeypatch).piece_bytes(262_144) == 31_250
    assert bucket(1_000, pair, monkeypatch).piece_bytes(262_144) == 4096


def test_without_a_rate_nothing_waits(pair: socket.socket) -> None:
    free = Pacing()
    free.apply(pair)
    free.sent(10**9)
    assert free.wait_s() == 0
    assert free.piece_bytes(262_144) == 262_144


@pytest.mark.parametrize("by_kernel", [True, False])
def test_a_load_is_never_faster_than_its_pace(
    by_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not by_kernel:
        monkeypatch.setattr(pacing, "_paced_by_kernel", lambda *_: False)
    received = 0
    with (
        running(MeasurementServer("here")) as port,
        socket.create_connection(("127.0.0.1", port)) as sock,
    ):
        sock.sendall(REQUEST.format(ms=1500, bps=50_000_000).encode())
        began_s = time.monotonic()
        while data := sock.recv(1 << 18):
            if time.monotonic() - began_s > 1.4:
                break
            received += len(data)
        seconds = time.monotonic() - began_s
    rate_bps = received * 8 / seconds
    assert 0.85 * 50_000_000 < rate_bps < 1.04 * 50_000_000
