"""The middleware, the token and the lists, asked over real connections."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from fieldsurvey.model.throughput import MeasurementPlan, Outcome, PhaseKind
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.settings import Settings, Sister
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL
from tests.support.honest_client import connected, download, upgrade_request
from tests.support.measure_server import status_of
from tests.support.throughput import measure, running

LOADS = [
    ("GET", "/throughput/v1/download?streams=1&duration=200"),
    ("GET", "/throughput/v1/upload?streams=1&duration=200"),
    ("GET", "/ndt/v7/download?client_name=test&early_exit=1"),
    ("GET", "/ndt/v7/upload?client_name=test"),
    ("GET", "/garbage.php?ckSize=1"),
    ("GET", "/backend/garbage?ckSize=1"),
    ("POST", "/empty.php"),
    ("POST", "/backend/empty"),
    ("GET", "/__down?bytes=1000"),
    ("GET", "/__down?bytes=0x10"),
    ("POST", "/__up"),
    ("GET", "/mini/speedtest/random350x350.jpg"),
    ("POST", "/mini/speedtest/upload.php"),
    ("GET", "/mini/speedtest/upload.php"),  # with a body
]
FREE = [
    "/",
    "/health",
    "/fieldsurvey/v1/ping?nonce=a",
    "/fieldsurvey/v1/token",
    "/v2/nearest/ndt/ndt7",
    "/empty.php",
    "/getIP.php",
    "/__down?bytes=0",
    "/__down",
    "/mini/",
    "/mini/speedtest/latency.txt",
]


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "token-key"
    path.write_bytes(b"a secret of more than sixteen bytes\n")
    return str(path)


@contextmanager
def served(**settings: Any) -> Iterator[int]:
    with running(MeasurementServer(settings=Settings(server_id="kz-1", **settings))) as port:
        yield port


def head(method: str, target: str) -> bytes:
    if "/v1/" in target and "fieldsurvey" not in target:
        return upgrade_request(target)
    if "/v7/" in target:
        request = upgrade_request(target).decode()
        return request.replace(MEASUREMENT_PROTOCOL, "net.measurementlab.ndt.v7").encode()
    body = (
        "Content-Length: 5\r\n\r\nhello" if method == "POST" or "upload.php" in target else "\r\n"
    )
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{body}".encode()


def with_token(target: str, token: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}access_token={token}"


async def fetch(port: int, path: str, **headers: str) -> tuple[int, Any, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer,
    ):
        is_json = answer.content_type == "application/json"
        return answer.status, answer.headers, await (answer.json() if is_json else answer.text())


async def token_of(port: int) -> str:
    status, headers, told = await fetch(port, "/fieldsurvey/v1/token?nonce=n1")
    assert (status, headers["X-FieldSurvey-Nonce"]) == (200, "n1")
    return str(told["access_token"])


@pytest.mark.parametrize(("method", "target"), LOADS)
def test_every_load_asks_for_a_token_where_one_is_required(
    key: str, method: str, target: str
) -> None:
    with served(token_key=key) as port:

        async def ask() -> tuple[int, int, dict[str, str]]:
            without, headers = await status_of(port, head(method, target))
            forged, _ = await status_of(port, head(method, with_token(target, "e30.e30")))
            assert forged == 401
            good = with_token(target, await token_of(port))
            return without, (await status_of(port, head(method, good)))[0], headers

        without, given, headers = asyncio.run(ask())
    assert without == 401
    assert headers["x-fieldsurvey-server"] == "kz-1"
    assert given in (101, 200) or "0x10" in target


@pytest.mark.parametrize(("method", "target"), LOADS)
def test_no_load_asks_for_a_token_elsewhere(method: str, target: str) -> None:
    with served() as port:
        status, _ = asyncio.run(status_of(port, head(method, target)))
    assert status in (101, 200) or "0x10" in target


def test_what_costs_nothing_is_free(key: str) -> None:
    with served(token_key=key, limits=Limits(tests_per_client_hour=1)) as port:
        for target in FREE:
            assert asyncio.run(status_of(port, head("GET", target)))[0] == 200, target


def test_a_token_in_the_authorization_header_is_as_good(key: str) -> None:
    with served(token_key=key) as port:

        async def ask() -> int:
            token = await token_of(port)
            request = head("GET", "/__down?bytes=10").decode()
            bearer = f"Host: x\r\nAuthorization: Bearer {token}"
            return (await status_of(port, request.replace("Host: x", bearer).encode()))[0]

        assert asyncio.run(ask()) == 200


def test_our_client_gets_and_shows_its_token(key: str) -> None:
    phases = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD, PhaseKind.UPLOAD)
    with served(token_key=key) as port:
        for _ in range(2):
            plan = MeasurementPlan(f"http://127.0.0.1:{port}", phases=phases, max_bytes=2_000_000)
            assert measure(plan).outcome is Outcome.COMPLETED


def test_a_token_is_for_one_test(key: str) -> None:
    target = "/throughput/v1/download?streams=2&duration=100"
    with served(token_key=key) as port:

        async def ask() -> list[int]:
            token = await token_of(port)
            return [
                (await status_of(port, upgrade_request(with_token(f"{target}&mid={mid}", token))))[
                    0
                ]
                for mid in ("one", "one", "two")
            ]

        assert asyncio.run(ask()) == [101, 101, 401]


def test_the_connections_of_a_test_share_its_slot_and_others_are_told_when_to_come() -> None:
    limits = Limits(tests=1, pause_s=0.5)
    with served(limits=limits) as port:

        async def ask() -> None:
            loads = [asyncio.create_task(download(port, 1.5, mid="one")) for _ in range(4)]
            await asyncio.sleep(0.5)
            assert (await fetch(port, "/health"))[2]["running_tests"] == 1
            status, headers = await status_of(
                port, upgrade_request("/throughput/v1/download?streams=1&mid=two&nonce=n2")
            )
            assert status == 503
            assert headers["x-fieldsurvey-nonce"] == "n2"
            wait_s = int(headers["retry-after"])
            assert 2 <= wait_s <= 3  # 1.0 s are left of the loads, then their goodbye and the pause
            assert (await fetch(port, "/fieldsurvey/v1/token"))[0] == 503
            assert (await fetch(port, "/health"))[2]["status"] == "full"
            await asyncio.sleep(wait_s)
            total, _ = await download(port, 0.1, mid="two")
            assert total > 0
            assert all(got > 0 for got, _ in await asyncio.gather(*loads))

        asyncio.run(ask())


def test_one_client_leaves_slots_to_the_others() -> None:
    with served(limits=Limits(tests=3, tests_per_client=1)) as port:

        async def ask() -> None:
            load = asyncio.create_task(download(port, 1.0, mid="one"))
            await asyncio.sleep(0.2)
            request = upgrade_request("/throughput/v1/download?streams=1&duration=50&mid=two")
            status, headers = await status_of(port, request)
            assert (status, int(headers["retry-after"]) > 0) == (429, True)
            assert (await status_of(port, request, "127.0.0.2"))[0] == 101
            await load

        asyncio.run(ask())


def test_our_client_reports_when_to_come_back() -> None:
    with served(limits=Limits(tests=1)) as port:

        async def occupied() -> Any:
            load = asyncio.create_task(download(port, 2.0, "127.0.0.2"))
            await asyncio.sleep(0.2)
            measured = await asyncio.to_thread(measure, MeasurementPlan(f"http://127.0.0.1:{port}"))
            await load
            return measured

        measurement = asyncio.run(occupied())
    assert measurement.cause == "server_busy"
    assert 3 <= measurement.retry_after_s <= 6  # 1.8 s of load, 1 s of goodbye, 3 s of pause


def test_a_test_is_cut_at_its_bytes() -> None:
    limits = Limits(bytes_per_test=20_000_000)
    with served(limits=limits) as port:

        async def ask() -> int:
            loads = [download(port, 8.0, mid="one", pace_bps=200_000_000) for _ in range(2)]
            return sum(total for total, _ in await asyncio.gather(*loads))

        total = asyncio.run(ask())
    # 50 MB/s; looked at twice a second
    assert 20_000_000 <= total < 60_000_000


@pytest.mark.parametrize("target", ["/__down?bytes=500000000", "/garbage?ckSize=400"])
def test_an_http_load_is_cut_at_the_tests_bytes_too(target: str) -> None:
    with served(limits=Limits(bytes_per_test=5_000_000)) as port:

        async def ask() -> int:
            reader, writer = await connected(port)
            writer.write(head("GET", target))
            total = 0
            with contextlib.suppress(ConnectionResetError):
                while data := await reader.read(100_000):
                    total += len(data)
                    await asyncio.sleep(0.004)
            writer.transport.abort()
            return total

        assert asyncio.run(ask()) < 60_000_000


def test_served_bytes_are_those_that_clients_got() -> None:
    with served(limits=Limits(pause_s=0.1)) as port:

        async def ask() -> None:
            got, _ = await download(port, 0.5, mid="one", pace_bps=40_000_000)
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{port}"
                async with session.get(f"{url}/garbage?ckSize=3") as answer:
                    got += len(await answer.read())
                async with session.post(f"{url}/__up", data=bytes(700_000)) as answer:
                    got += 700_000
                    await answer.read()
            await asyncio.sleep(0.3)
            told = (await fetch(port, "/health"))[2]
            assert told["served_bytes"] == pytest.approx(got, rel=0.01)
            assert told["last_hour"] == {"tests": 3, "bytes": told["served_bytes"]}

        asyncio.run(ask())


def test_locate_lists_this_server_and_its_sisters_with_a_token_each(key: str) -> None:
    sister = Sister("https://two.example:8443", "Astana", "KZ")
    with served(token_key=key, city="Almaty", country="KZ", sisters=(sister,)) as port:

        async def ask() -> None:
            for service, path in (
                ("ndt/ndt7", "/ndt/v7/download"),
                ("msak/throughput1", "/throughput/v1/download"),
            ):
                status, headers, told = await fetch(port, f"/v2/nearest/{service}?client_name=x")
                assert status == 200
                assert headers["Access-Control-Allow-Origin"] == "*"
                ours, theirs = told["results"]
                assert ours["location"] == {"city": "Almaty", "country": "KZ"}
                assert ours["machine"] == "127.0.0.1"
                assert len(ours["urls"]) == len(theirs["urls"]) == 2
                there = theirs["urls"][f"wss://{path}"]
                assert there.startswith(f"wss://two.example:8443{path}?access_token=")
                url = urlsplit(ours["urls"][f"ws://{path}"])
                assert url.port == port
                target = f"{url.path}?{url.query}" + ("&streams=1" if "v1" in path else "")
                assert (await status_of(port, head("GET", target)))[0] == 101

        asyncio.run(ask())


def test_locate_has_nothing_to_list_when_full() -> None:
    with served(limits=Limits(tests=1)) as port:

        async def ask() -> None:
            load = asyncio.create_task(download(port, 0.6))
            await asyncio.sleep(0.2)
            assert (await fetch(port, "/v2/nearest/ndt/ndt7"))[0] == 204
            await load

        asyncio.run(ask())


def test_locate_knows_two_services_and_believes_no_odd_host() -> None:
    with served() as port:
        assert asyncio.run(fetch(port, "/v2/nearest/ndt/ndt5"))[0] == 404
        odd = b'GET /v2/nearest/ndt/ndt7 HTTP/1.1\r\nHost: a"><script>\r\n\r\n'
        assert asyncio.run(status_of(port, odd))[0] == 400
    with served(public_url="https://kz-1.example") as port:
        told = asyncio.run(fetch(port, "/v2/nearest/ndt/ndt7"))[2]
        assert list(told["results"][0]["urls"]) == [
            "wss:///ndt/v7/download",
            "wss:///ndt/v7/upload",
        ]


def test_health_for_machines_and_for_people() -> None:
    limits = Limits(pause_s=0.1)
    with served(limits=limits) as port:
        got, _ = asyncio.run(download(port, 0.3, mid="a-word-of-the-client"))
        asyncio.run(asyncio.sleep(0.3))
        told = asyncio.run(fetch(port, "/health"))[2]
        assert told["status"] == "ok"
        assert (told["server"], told["slots"], told["running_tests"]) == ("kz-1", 50, 0)
        assert told["served_tests"] == told["last_hour"]["tests"] == 1
        assert told["served_bytes"] >= got * 0.99
        assert told["version"]
        assert 0 < told["uptime_s"] < 60
        pages = {
            language: asyncio.run(fetch(port, "/", **{"Accept-Language": asked}))
            for language, asked in (("ru", "ru-RU,ru;q=0.9"), ("kk", "kk"), ("en", "de, en"))
        }
    for language, (status, headers, text) in pages.items():
        assert status == 200
        assert headers["Content-Type"].startswith("text/html")
        assert f'<html lang="{language}">' in text
        assert "<script" not in text
        assert "kz-1" in text
        assert "{" not in text
    everything = json.dumps(told) + "".join(page[2] for page in pages.values())
    assert "127.0.0" not in everything
    assert "a-word-of-the-client" not in everything


def test_librespeed_still_finds_its_files_below_the_page() -> None:
    with served() as port:
        assert asyncio.run(status_of(port, head("GET", "/getIP.php")))[0] == 200
        assert asyncio.run(status_of(port, head("GET", "/garbage.php?ckSize=1")))[0] == 200
        assert asyncio.run(status_of(port, head("HEAD", "/")))[0] == 200


def test_limits_can_be_changed_by_hand() -> None:
    limits = replace(Limits(), seconds=0.3)
    with served(limits=limits) as port:
        began_s = time.monotonic()
        asyncio.run(download(port, 20.0))
    assert time.monotonic() - began_s < 3
