"""ndt7, LibreSpeed and Cloudflare endpoints, by what their specifications ask."""

import asyncio
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.ndt7 import SUBPROTOCOL
from tests.support.throughput import running


@pytest.fixture
def url() -> Iterator[str]:
    limits = Limits(loads=8, seconds=1.0, bytes_per_load=30_000_000)
    with running(MeasurementServer("here", limits)) as port:
        yield f"http://127.0.0.1:{port}"


def ask(
    url: str, method: str = "GET", data: bytes | io.BytesIO | None = None
) -> tuple[int, dict[str, str], bytes]:
    async def ask() -> tuple[int, dict[str, str], bytes]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=data) as answer,
        ):
            return answer.status, dict(answer.headers), await answer.read()

    return asyncio.run(ask())


def ndt7(url: str, upload: bytes = b"", protocol: str = SUBPROTOCOL) -> list[Any]:
    """Return texts, and the lengths of binary messages, in the order in which they came."""

    async def run() -> list[Any]:
        heard: list[Any] = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=[protocol], max_msg_size=1 << 24) as ws,
        ):
            for _ in range(10 if upload else 0):
                await ws.send_bytes(upload)
            async for got in ws:
                text = got.type is aiohttp.WSMsgType.TEXT
                heard.append(json.loads(got.data) if text else len(got.data))
            heard.append(ws.close_code)
        return heard

    return asyncio.run(run())


def test_ndt7_download(url: str) -> None:
    *heard, code = ndt7(f"{url}/ndt/v7/download?client_name=test")
    sizes = [one for one in heard if isinstance(one, int)]
    texts = [one for one in heard if isinstance(one, dict)]
    assert code == 1000
    assert sizes[0] == 1 << 13
    assert max(sizes) <= 1 << 20
    assert all(later >= sooner for sooner, later in itertools.pairwise(sizes[:-1]))
    last = texts[-1]
    assert last["AppInfo"]["NumBytes"] == sum(sizes)
    assert last["Test"] == "download"
    assert last["Origin"] == "server"
    assert last["TCPInfo"]["MinRTT"] >= 0
    assert last["ConnectionInfo"]["UUID"]


def test_ndt7_upload_is_counted_here(url: str) -> None:
    *heard, code = ndt7(f"{url}/ndt/v7/upload", upload=bytes(100_000))
    assert code == 1000
    assert heard[-1]["AppInfo"]["NumBytes"] == 1_000_000
    assert heard[-1]["TCPInfo"]["BytesReceived"] >= 1_000_000


def test_ndt7_early_exit(url: str) -> None:
    heard = ndt7(f"{url}/ndt/v7/download?early_exit=2")
    assert sum(one for one in heard[:-1] if isinstance(one, int)) == 2_000_000


@pytest.mark.parametrize(
    "query", ["?early_exit=x", "?a=1&a=2", "?a=", "?a=" + "b" * 4100, "?early_exit=0"]
)
def test_ndt7_bad_metadata(url: str, query: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        ndt7(f"{url}/ndt/v7/download{query}")
    assert refused.value.status == 400


def test_ndt7_wants_its_subprotocol(url: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        ndt7(f"{url}/ndt/v7/download", protocol="net.measurementlab.ndt.v8")
    assert refused.value.status == 400


@pytest.mark.parametrize("path", ["/garbage.php", "/backend/garbage", "/garbage"])
@pytest.mark.parametrize(
    ("query", "chunks"), [("", 4), ("?ckSize=2", 2), ("?ckSize=0", 4), ("?ckSize=x", 4)]
)
def test_librespeed_garbage(url: str, path: str, query: str, chunks: int) -> None:
    status, headers, body = ask(f"{url}{path}{query}")
    assert status == 200
    assert len(body) == chunks << 20
    assert "no-store" in headers["Cache-Control"]
    assert headers["Content-Type"] == "application/octet-stream"
    assert "Access-Control-Allow-Origin" not in headers


def test_librespeed_empty_and_address(url: str) -> None:
    assert ask(f"{url}/empty.php")[2] == b""
    status, headers, body = ask(f"{url}/backend/empty.php?cors=true", "POST", bytes(1 << 20))
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(ask(f"{url}/getIP.php")[2])["processedString"] == "127.0.0.1"


def test_cloudflare(url: str) -> None:
    status, headers, body = ask(f"{url}/__down?bytes=100000")
    assert (status, len(body)) == (200, 100_000)
    assert headers["Timing-Allow-Origin"] == "*"
    assert headers["Server-Timing"].startswith("cfReqDur;dur=")
    assert ask(f"{url}/__down?bytes=0")[2] == b""
    assert ask(f"{url}/__down?bytes=1e9")[0] == 400
    assert ask(f"{url}/__up", "POST", bytes(12_345))[2] == b"12345"


def test_a_body_without_end_is_refused(url: str) -> None:
    status, _, _ = ask(f"{url}/__up", "POST", io.BytesIO(bytes(31_000_000)))
    assert status == 413
