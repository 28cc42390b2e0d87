"""The native endpoints, asked by another WebSocket implementation and by rude ones."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.pacing import Pacing
from fieldsurvey.throughput.server.app import MeasurementServer
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.websocket_load import ServerLoad
from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL
from tests.support.throughput import certificate, running

LIMITS = Limits(loads=4, seconds=3.0, bytes_per_load=50_000_000)
REQUEST = (
    "GET /throughput/v1/{target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    f"Sec-WebSocket-Protocol: {MEASUREMENT_PROTOCOL}\r\n\r\n"
)


@pytest.fixture
def port() -> Iterator[int]:
    with running(MeasurementServer("here", LIMITS)) as port:
        yield port


class Heard:
    """What came of one test: bytes, texts, the closing code."""

    def __init__(self) -> None:
        self.payload_bytes = 0
        self.largest_bytes = 0
        self.texts: list[dict[str, Any]] = []
        self.code: int | None = None
        self.headers: dict[str, str] = {}
        self.seconds = 0.0


def listen(port: int, target: str, upload: list[bytes] | None = None) -> Heard:
    return asyncio.run(_listen(port, target, upload or []))


async def _listen(port: int, target: str, upload: list[bytes]) -> Heard:
    heard = Heard()
    began_s = time.monotonic()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"ws://127.0.0.1:{port}/throughput/v1/{target}",
            protocols=[MEASUREMENT_PROTOCOL],
            max_msg_size=1 << 24,
        ) as ws,
    ):
        heard.headers = dict(ws._response.headers)
        for message in upload:
            await ws.send_bytes(message)
        async for got in ws:
            if got.type is aiohttp.WSMsgType.BINARY:
                heard.payload_bytes += len(got.data)
                heard.largest_bytes = max(heard.largest_bytes, len(got.data))
            else:
                heard.texts.append(json.loads(got.data))
        heard.code = ws.close_code
    heard.seconds = time.monotonic() - began_s
    return heard


def test_a_download_ends_at_its_bytes_and_says_so(port: int) -> None:
    heard = listen(port, "download?streams=1&bytes=20000000&nonce=n1")
    assert heard.payload_bytes == 20_000_000
    assert heard.largest_bytes == 1 << 20
    assert heard.code == 1000
    assert heard.headers["X-FieldSurvey-Server"] == "here"
    assert heard.headers["X-FieldSurvey-Nonce"] == "n1"
    last = heard.texts[-1]
    assert last["Application"]["BytesSent"] == 20_000_000
    assert last["CC"] == heard.headers["X-FieldSurvey-Congestion-Control"]
    assert last["TCPInfo"]["BytesSent"] > 0


def test_a_download_ends_in_time(port: int) -> None:
    heard = listen(port, "download?streams=1&duration=600&pace=40000000")
    assert 0.55 < heard.seconds < 1.2
    assert heard.code == 1000
    # about one report every 250 ms, and the last word
    assert 3 <= len(heard.texts) <= 5
    assert heard.texts[-1]["ElapsedTime"] >= 600_000


def test_the_servers_limits_are_stronger_than_the_clients_wish(port: int) -> None:
    heard = listen(port, "download?streams=1&duration=600000&bytes=10000000000")
    assert heard.payload_bytes <= LIMITS.bytes_per_load
    assert heard.seconds < LIMITS.seconds + 1


@pytest.mark.parametrize("pace_mbps", [20, 80])
def test_a_download_keeps_its_pace(port: int, pace_mbps: int) -> None:
    heard = listen(port, f"download?streams=1&duration=1500&pace={pace_mbps * 1_000_000}")
    elapsed_us = heard.texts[-1]["ElapsedTime"]
    told_mbps = heard.texts[-1]["TCPInfo"]["BytesAcked"] * 8 / elapsed_us
    assert told_mbps == pytest.approx(pace_mbps, rel=0.06)


def test_an_upload_is_counted_into_the_bins_in_which_it_came(port: int) -> None:
    """One message of 1 MiB that takes a second to arrive must fill the bins of that second."""
    heard = asyncio.run(_slow_message(port, 1 << 20, pieces=20, seconds=1.0))
    counts: list[int] = []
    for text in heard.texts:
        told = text["FieldSurvey"]
        assert told["FirstBin"] == len(counts)
        counts += told["Bins"]
    assert sum(counts) == heard.texts[-1]["Application"]["BytesReceived"] == 1 << 20
    assert heard.texts[-1]["FieldSurvey"]["Final"]
    filled = [count for count in counts if count]
    assert len(filled) >= 15
    assert max(filled) <= 3 * (1 << 20) / 20


async def _slow_message(port: int, size: int, pieces: int, seconds: float) -> Heard:
    """Send one big message in pieces, by hand; a library would send it at once."""
    heard = Heard()
    reader, writer = await _upgraded(port, "upload?streams=1&duration=2000&bins=50000")
    writer.write(b"\x82\xff" + size.to_bytes(8, "big") + b"mask")
    for _ in range(pieces):
        writer.write(bytes(size // pieces))
        await asyncio.sleep(seconds / pieces)
    writer.write(bytes(size % pieces))
    writer.write(b"\x88\x82mask" + bytes(a ^ b for a, b in zip(b"\x03\xe8", b"ma", strict=True)))
    data = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    while data[:1] == b"\x81":
        start, length = (4, int.from_bytes(data[2:4], "big")) if data[1] == 126 else (2, data[1])
        heard.texts.append(json.loads(data[start : start + length]))
        data = data[start + length :]
    assert data[:1] == b"\x88"
    return heard


async def _upgraded(port: int, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST.format(target=target).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    return reader, writer


@pytest.mark.parametrize(
    "target",
    [
        "download",  # streams are required
        "download?streams=0",
        "download?streams=1&duration=x",
        "download?streams=1&bytes=-5",
        "download?streams=1&cc=vegas",
        "upload?streams=1&bins=1",
        "upload?streams=1&pace=99999999999999999999999",
    ],
)
def test_a_bad_query_is_refused_in_words(port: int, target: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        listen(port, target)
    assert refused.value.status == 400


def test_another_subprotocol_is_refused(port: int) -> None:
    async def ask() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                await session.ws_connect(
                    f"ws://127.0.0.1:{port}/throughput/v1/download?streams=1", protocols=["chat"]
                )
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status
        return 101

    assert asyncio.run(ask()) == 400


@pytest.mark.parametrize(
    "rude",
    [
        b"\x82\x05hello",  # not masked
        b"\xf2\x85maskhello",  # reserved bits
        b"\x83\x85maskhello",  # unknown kind
        b"\x89\xfe\x10\x00mask",  # a ping of 4 KiB
        b"\x80\x85maskhello",  # goes on with nothing
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask",  # a frame of 8 EiB
        b"\x81\xff\x00\x00\x00\x00\x00\x0f\xff\xffmask",  # a text of 1 MiB
    ],
)
def test_rude_frames_end_the_connection(port: int, rude: bytes) -> None:
    async def be_rude() -> bytes:
        reader, writer = await _upgraded(port, "upload?streams=1&duration=3000")
        writer.write(rude)
        try:
            return await asyncio.wait_for(reader.read(), 2.5)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    answer = asyncio.run(be_rude())
    assert b"\x88\x02\x03\xea" in answer  # closed, protocol error
    assert listen(port, "download?streams=1&bytes=1000").payload_bytes == 1000


def test_one_who_does_not_read_holds_a_slot_no_longer_than_the_test(port: int) -> None:
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(LIMITS.loads)]
    try:
        for sock in socks:
            sock.sendall(REQUEST.format(target="download?streams=1&duration=1000").encode())
            assert sock.recv(12) == b"HTTP/1.1 101"
        with pytest.raises(aiohttp.WSServerHandshakeError) as busy:
            listen(port, "download?streams=1&bytes=1000")
        assert busy.value.status == 503
        assert busy.value.headers is not None
        assert int(busy.value.headers["Retry-After"]) > 0
        time.sleep(1 + 1.5)
        assert listen(port, "download?streams=1&bytes=1000").payload_bytes == 1000
    finally:
        for sock in socks:
            sock.close()


def test_one_who_never_ends_tls_holds_no_slot(tmp_path: Path) -> None:
    """TLS's own goodbye may take 30 s; nobody waits for it."""
    pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=pem.with_suffix(".crt"))

    def ask(sock: socket.socket) -> tuple[bytes, ssl.SSLSocket]:
        secure = trusting.wrap_socket(sock, server_hostname="127.0.0.1")
        secure.sendall(REQUEST.format(target="upload?streams=1&duration=500").encode())
        return secure.recv(12), secure

    limits = Limits(loads=1)
    with (
        running(MeasurementServer("here", limits, tls)) as port,
        socket.create_connection(("127.0.0.1", port)) as first,
        socket.create_connection(("127.0.0.1", port)) as second,
    ):
        answer, kept = ask(first)
        assert answer == b"HTTP/1.1 101"
        time.sleep(0.5 + 1.5)
        answer, other = ask(second)
        assert answer == b"HTTP/1.1 101"
        kept.close()
        other.close()


@pytest.mark.parametrize(
    "tiny",
    [
        b"\x89\x80mask",  # pings
        b"\x82\x80mask",  # empty messages
        b"\x81\x81mask\x00",  # texts
    ],
)
def test_a_flood_of_tiny_frames_is_cut_off(port: int, tiny: bytes) -> None:
    async def flood() -> bytes:
        reader, writer = await _upgraded(port, "upload?streams=1&duration=3000")
        writer.write(tiny * 200_000)
        try:
            return await asyncio.wait_for(reader.read(), 2.5)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    began_s = time.monotonic()
    answer = asyncio.run(flood())
    assert time.monotonic() - began_s < 2.5, "before the load's own end"
    assert answer.count(b"\x8a\x00") <= 1000
    assert listen(port, "download?streams=1&bytes=1000").payload_bytes == 1000


def test_one_who_does_not_read_gets_no_pongs() -> None:
    ping = b"\x89\x82\x00\x00\x00\x00hi"

    async def ask(paused: bool) -> bytes:
        peer, ours = socket.socketpair()
        with peer:
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, sock=ours
            )
            load = ServerLoad(
                PhaseKind.UPLOAD, lambda *_: None, seconds=1.0, limit_bytes=10, report_every_s=1.0,
                pacing=Pacing(), bin_width_us=50_000,
            )  # fmt: skip
            load.take_over(transport, b"")
            if paused:
                load.pause_writing()
            load.get_buffer(-1)[: len(ping)] = ping
            load.buffer_updated(len(ping))
            load.reset()
            await load.finished
            return peer.recv(100)

    assert asyncio.run(ask(paused=False)) == b"\x8a\x02hi"
    assert asyncio.run(ask(paused=True)) == b""


def test_many_who_do_not_read_cost_little_memory() -> None:
    async def hold(port: int) -> int:
        before: int = psutil.Process().memory_info().rss
        held = []
        for _ in range(40):
            reader, writer = await _upgraded(port, "download?streams=1&duration=2500")
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            held.append((reader, writer))
        await asyncio.sleep(0.7)
        grown: int = psutil.Process().memory_info().rss - before
        for _, writer in held:
            writer.transport.abort()
        return grown

    with running(MeasurementServer("here", Limits(tests_per_client=50))) as port:
        assert asyncio.run(hold(port)) < 40 * 700_000


def test_reports_come_on_a_slow_link_too(port: int) -> None:
    """A client that takes 20 Mbps keeps the server's buffers full all the time."""

    async def crawl() -> int:
        reader, writer = await _upgraded(port, "download?streams=1&duration=2000")
        data = bytearray()
        try:
            while chunk := await reader.read(50_000):
                data += chunk
                await asyncio.sleep(0.02)
        except ConnectionResetError:
            pass
        writer.close()
        return data.count(b'"ElapsedTime"') // 2

    assert asyncio.run(crawl()) >= 6


def test_the_congestion_control_told_is_the_one_in_use(port: int) -> None:
    available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    for name in ("bbr", "cubic", "reno"):
        heard = listen(port, f"download?streams=1&bytes=1000&cc={name}")
        told = heard.texts[-1]["CC"]
        assert told == heard.headers["X-FieldSurvey-Congestion-Control"]
        assert (told == name) == (name in available)
    if "bbr" in available:  # also where the system itself prefers another
        assert listen(port, "download?streams=1&bytes=1000").texts[-1]["CC"] == "bbr"


def test_pings_are_answered(port: int) -> None:
    async def ping() -> bytes:
        reader, writer = await _upgraded(port, "upload?streams=1&duration=1000")
        writer.write(b"\x89\x85\x00\x00\x00\x00hello")
        data = b""
        while b"\x8a\x05hello" not in data:
            data += await asyncio.wait_for(reader.read(4096), 2)
        writer.close()
        return data

    assert b"\x8a\x05hello" in asyncio.run(ping())
