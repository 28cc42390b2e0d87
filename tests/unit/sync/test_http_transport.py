"""Real sockets against servers that misbehave: every one ends, in time, with the right word."""

import asyncio
import base64
import hashlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.answers import (
    Busy,
    Delivered,
    NotOurServer,
    Trouble,
    Unreachable,
    meaning_of_put,
)
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.transport import MAX_ANSWER_BYTES, TransportError
from fieldsurvey.wire.answers import EnrolRequest
from fieldsurvey.wire.keys import Ed25519PrivateKey
from tests.support.measure_server import make_certificate
from tests.support.sync_batches import DEVICE, EPOCH, batch, receipt
from tests.support.sync_servers import (
    PORTAL,
    Handler,
    Request,
    answering,
    never_answers,
    reads_nothing,
    reads_slowly,
    reply,
    resets_midway,
    says,
    serving,
    trickles,
)

T = TypeVar("T")

KEY = Ed25519PrivateKey.generate()
HQ_KEY = Ed25519PrivateKey.generate()
BATCH = batch(KEY, 3, bytes(range(256)) * 800)  # 200 kB
RECEIPT = msgspec.json.encode({**msgspec.to_builtins(receipt(BATCH, HQ_KEY)), "replay": False})
GOOD = reply(201, RECEIPT, content_type="application/json")
IDLE_S = 1.0


def talk(handler: Handler, work: Callable[[HttpTransport], Awaitable[T]]) -> T:
    async def main() -> T:
        async with serving(handler) as url, HttpTransport(url, "secret", idle_s=IDLE_S) as hq:
            return await work(hq)

    return asyncio.run(main())


async def put(hq: HttpTransport) -> Delivered | Trouble:
    try:
        answer = await hq.put(DEVICE, EPOCH, 3, BATCH.content)
    except TransportError as error:
        return Unreachable(error.cause)
    return meaning_of_put(answer, BATCH, HQ_KEY.public_key())


def test_a_batch_arrives_with_its_digest_and_the_token() -> None:
    seen: list[Request] = []
    assert isinstance(talk(answering(GOOD, seen), put), Delivered)
    (request,) = seen
    assert (request.method, request.body) == ("PUT", BATCH.content)
    assert request.path == f"/v1/devices/{DEVICE}/epochs/{EPOCH}/batches/3"
    digest = base64.b64encode(hashlib.sha256(BATCH.content).digest()).decode()
    assert request.headers["content-digest"] == f"sha-256=:{digest}:"
    assert request.headers["authorization"] == "Bearer secret"


def test_the_token_goes_nowhere_it_is_not_needed() -> None:
    seen: list[Request] = []

    async def ask(hq: HttpTransport) -> None:
        await hq.hello()
        await hq.enrol(EnrolRequest("code", "key", "signature"))
        await hq.state(DEVICE, EPOCH)
        await hq.consistency(3, 7)

    talk(answering(reply(200, b"{}", set_cookie="portal=1"), seen), ask)
    assert [request.path for request in seen] == [
        "/v1/hello",
        "/v1/enrol",
        f"/v1/devices/{DEVICE}/epochs/{EPOCH}/state",
        "/v1/log/consistency?first=3&size=7",
    ]
    assert ["authorization" in request.headers for request in seen] == [False, False, True, False]
    assert not any("cookie" in request.headers for request in seen)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (reply(200, PORTAL, content_type="text/html"), NotOurServer),
        (reply(302, b"", location="http://portal.example/"), NotOurServer),
        (reply(511, PORTAL, content_type="text/html"), NotOurServer),
        (reply(502, b"<html>Bad Gateway</html>", content_type="text/html"), Unreachable),
        (reply(413, b"<html>too large</html>", content_type="text/html"), NotOurServer),
        (reply(429, b"", retry_after="7"), Busy),
    ],
)
def test_what_others_answer(answer: bytes, meaning: type[Trouble]) -> None:
    seen: list[Request] = []
    assert isinstance(talk(answering(answer, seen), put), meaning)
    assert len(seen) == 1  # nothing was followed or tried again


@pytest.mark.parametrize(
    ("handler", "causes"),
    [
        (resets_midway, {Cause.CUT_OFF}),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), {Cause.CAPTIVE_PORTAL}),
        (says(b""), {Cause.CUT_OFF}),
        (says(b"HTTP/1.1 201 X\r\nContent-Length: 500\r\n\r\n{"), {Cause.CUT_OFF}),
    ],
)
def test_broken_off_answers(handler: Handler, causes: set[Cause]) -> None:
    trouble = talk(handler, put)
    assert isinstance(trouble, Unreachable)
    assert trouble.cause in causes


@pytest.mark.parametrize("handler", [never_answers, reads_nothing])
def test_who_stops_moving_is_left_in_time(handler: Handler) -> None:
    start_s = time.monotonic()
    trouble = talk(handler, put)
    assert trouble == Unreachable(Cause.STALLED)
    assert IDLE_S <= time.monotonic() - start_s < 6 * IDLE_S


def test_a_slow_link_is_given_all_the_time_it_needs() -> None:
    async def main() -> tuple[Delivered | Trouble, float]:
        slow = reads_slowly(60_000, GOOD)
        async with (
            serving(slow, receive_buffer=4096) as url,
            HttpTransport(url, idle_s=IDLE_S) as hq,
        ):
            start_s = time.monotonic()
            return await put(hq), time.monotonic() - start_s

    meaning, took_s = asyncio.run(main())
    assert took_s > 2 * IDLE_S
    assert isinstance(meaning, Delivered)


def test_an_answer_may_trickle() -> None:
    start_s = time.monotonic()
    assert isinstance(talk(trickles(GOOD, 0.005), put), Delivered)
    assert time.monotonic() - start_s > IDLE_S


def test_no_answer_fills_the_memory() -> None:
    async def ask(hq: HttpTransport) -> int:
        return len((await hq.hello()).body)

    assert talk(answering(reply(200, bytes(4 * MAX_ANSWER_BYTES)), []), ask) == MAX_ANSWER_BYTES


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def main(url: str) -> Delivered | Trouble:
        async with HttpTransport(url) as hq:
            return await put(hq)

    assert asyncio.run(main(f"http://127.0.0.1:{port}")) == Unreachable(Cause.REFUSED)
    assert asyncio.run(main("http://name.invalid")) == Unreachable(Cause.DNS)


def test_a_cancelled_upload_stops_at_once() -> None:
    got = 0

    async def main() -> None:
        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal got
            while part := await reader.read(2000):
                got += len(part)
                await asyncio.sleep(0.02)

        async with serving(count, receive_buffer=4096) as url, HttpTransport(url) as hq:
            task = asyncio.create_task(put(hq))
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.wait({task})
            before = got
            await asyncio.sleep(0.5)
            assert got <= before + 70_000  # what the other end had in its own buffers

    asyncio.run(main())
    assert 0 < got < len(BATCH.content)


def test_a_private_authority_is_trusted_and_no_other(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    async def main(trusted: str) -> Delivered | Trouble:
        async with serving(answering(GOOD, []), tls) as url, HttpTransport(url, "", trusted) as hq:
            return await put(hq)

    assert isinstance(asyncio.run(main(certificate.read_text())), Delivered)
    assert asyncio.run(main("")) == Unreachable(Cause.TLS)
    with pytest.raises(KnownError):
        HttpTransport("https://hq.example", "", "no certificate")


@pytest.mark.parametrize("url", ["", "hq.example", "ftp://hq.example", "https://"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(KnownError) as caught:
        HttpTransport(url)
    assert caught.value.message.id == "sync.bad_url"
