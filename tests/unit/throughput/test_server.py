"""The measurement server towards strangers: what it says, what it refuses, what it survives."""

import asyncio
import io
import json
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from tests.support.throughput import running

V1 = "/fieldsurvey/v1"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    limits = Limits(loads=2, seconds=1.0, bytes_per_load=50_000_000, idle_s=1.0)
    with running(MeasurementServer("kz-1", limits)) as bound:
        yield bound


async def ask(
    port: int, path: str, method: str = "GET", data: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    body = io.BytesIO(data) if data is not None else None
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}{path}", data=body) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.read()


def test_ping_says_who_and_repeats_the_nonce(port: int) -> None:
    status, headers, body = asyncio.run(ask(port, f"{V1}/ping?nonce=abc-1"))
    assert status == 200
    assert headers["X-FieldSurvey-Server"] == "kz-1"
    assert headers["X-FieldSurvey-Nonce"] == "abc-1"
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(body) == {"server": "kz-1", "nonce": "abc-1"}


def test_a_nonce_that_would_break_a_header_is_not_repeated_in_one(port: int) -> None:
    status, headers, _ = asyncio.run(ask(port, f"{V1}/ping?nonce=a%0d%0aSet-Cookie:x"))
    assert status == 200
    assert "X-FieldSurvey-Nonce" not in headers
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "said", [b"", b"GET /fieldsurvey/v1/ping HT", b"GET / HTTP/1.1\r\nA: b\r\n"]
)
def test_a_client_that_says_nothing_or_half_of_it_is_let_go(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(said)
        sock.settimeout(4)
        began = time.monotonic()
        assert sock.recv(1000) == b""
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n" + b"x" * 20_000]
)
def test_garbage_does_not_hurt(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(said)
        sock.settimeout(4)
        sock.recv(4096)
    assert asyncio.run(ask(port, "/health"))[0] == 200


def test_mini_speaks_as_speedtest_expects(port: int) -> None:
    def get(path: str, method: str = "GET", data: bytes | None = None) -> tuple[int, bytes]:
        status, _, body = asyncio.run(ask(port, path, method, data))
        return status, body

    assert b'upload_extension: "php"' in get("/mini/?x=1.0")[1]
    assert get("/mini/speedtest/latency.txt?x=1.0")[1].startswith(b"test=test")
    assert len(get("/mini/speedtest/random350x350.jpg?x=1.0")[1]) == 245_388
    assert get("/mini/speedtest/random351x351.jpg")[0] == 404
    assert get("/mini/speedtest/upload.php", "POST", bytes(777))[1] == b"size=777"
    assert get("/mini/speedtest/upload.php")[1] == b"size=0"


def test_a_port_in_use_is_a_known_error(port: int) -> None:
    async def start() -> None:
        await MeasurementServer("second").start("127.0.0.1", port)

    with pytest.raises(KnownError) as caught:
        asyncio.run(start())
    assert f"127.0.0.1:{port}" in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_when_told(number: int) -> None:
    script = "from fieldsurvey.throughput.server.app import serve; serve('127.0.0.1', 0)"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        said = json.loads(process.stdout.readline())
        for request in (
            "POST /__up",
            "GET /__down?bytes=1000000000",
            "POST /mini/speedtest/upload.php",
        ):
            with socket.create_connection(("127.0.0.1", said["port"])) as sock:
                sock.sendall(
                    f"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nhi".encode()
                )
                time.sleep(0.05)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.create_connection(("127.0.0.1", said["port"])) as sock:
            sock.sendall(b"GET /__down?bytes=1000000000 HTTP/1.0\r\n\r\n")
            sock.recv(100)
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(5) == 0
            assert time.monotonic() - began < 3
        assert process.stderr.read() == b"", "clients that break off are nothing to complain about"
