"""Frames in pieces of any size, counted as they arrive; and frames that nobody may send."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.websocket import (
    LARGEST_FRAME_BYTES,
    LARGEST_TEXT_BYTES,
    MEASUREMENT_PROTOCOL,
    FrameError,
    FrameReader,
    Opcode,
    accept_of,
    close_payload,
    frame,
    frame_header,
)
from fieldsurvey.throughput.websocket_upgrade import Upgrade

SERVER = ServerAddress.parse("http://example.org:8080/base")


class Heard:
    """A reader and what it said."""

    def __init__(self, *, from_client: bool = False) -> None:
        self.payload: list[int] = []
        self.texts: list[bytes] = []
        self.controls: list[tuple[Opcode, bytes]] = []
        self.reader = FrameReader(
            from_client=from_client,
            on_payload=self.payload.append,
            on_text=self.texts.append,
            on_control=lambda opcode, payload: self.controls.append((opcode, payload)),
        )

    def feed(self, data: bytes) -> None:
        self.reader.feed(memoryview(data))


def part(opcode: int, payload: bytes, *, final: bool) -> bytes:
    """Return a short unmasked frame of a message in parts."""
    return struct.pack("!BB", 0x80 * final | opcode, len(payload)) + payload


def test_the_rfcs_own_example_of_a_key() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_the_rfcs_own_masked_text() -> None:
    heard = Heard(from_client=True)
    heard.feed(bytes.fromhex("818537fa213d7f9f4d5158"))
    assert heard.texts == [b"Hello"]


def test_a_message_is_counted_while_it_arrives() -> None:
    heard = Heard()
    heard.feed(frame_header(Opcode.BINARY, 1 << 20))
    for _ in range(64):
        heard.feed(bytes(1 << 14))
    assert heard.payload == [1 << 14] * 64


@given(
    sizes=st.lists(st.sampled_from([0, 1, 125, 126, 1000, 65_535, 65_536]), max_size=6),
    masked=st.booleans(),
    seed=st.integers(0, 1 << 32),
)
def test_frames_come_through_in_any_pieces(sizes: list[int], masked: bool, seed: int) -> None:
    heard = Heard(from_client=masked)
    data = b"".join(
        frame(Opcode.TEXT, b"%d" % size, masked=masked)
        + frame(Opcode.PING, b"?", masked=masked)
        + frame_header(Opcode.BINARY, size, masked=masked)
        + bytes(size)
        for size in sizes
    )
    cut = random.Random(seed)
    at = 0
    while at < len(data):
        piece = cut.choice([1, 2, 3, 7, 100, 70_000])
        heard.feed(data[at : at + piece])
        at += piece
    assert sum(heard.payload) == sum(sizes)
    assert heard.texts == [b"%d" % size for size in sizes]
    assert heard.controls == [(Opcode.PING, b"?")] * len(sizes)


def test_a_text_in_parts_with_a_ping_between_them() -> None:
    heard = Heard()
    heard.feed(part(1, b"ab", final=False))
    heard.feed(part(9, b"", final=True))
    heard.feed(part(0, b"cd", final=True))
    assert heard.texts == [b"abcd"]
    assert heard.controls == [(Opcode.PING, b"")]


def test_a_load_in_parts_is_a_load() -> None:
    heard = Heard()
    heard.feed(part(2, bytes(10), final=False) + part(0, bytes(20), final=True))
    assert sum(heard.payload) == 30


def test_what_came_before_a_wrong_frame_is_counted() -> None:
    heard = Heard()
    with pytest.raises(FrameError):
        heard.feed(part(2, bytes(10), final=True) + b"\xf2\x00")
    assert heard.payload == [10]


def test_a_close_tells_why() -> None:
    heard = Heard()
    heard.feed(frame(Opcode.CLOSE, struct.pack("!H", 1013) + b"later", masked=False))
    assert close_payload(heard.controls[0][1]) == (1013, "later")
    assert close_payload(b"") == (None, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(Opcode.TEXT, b"masked", masked=True), id="masked by a server"),
        pytest.param(b"\xc2\x00", id="reserved bit"),
        pytest.param(b"\x83\x00", id="reserved opcode"),
        pytest.param(b"\x89\x7e\x00\x7e", id="control frame too long"),
        pytest.param(b"\x09\x00", id="control frame in parts"),
        pytest.param(b"\x80\x00", id="continues nothing"),
        pytest.param(b"\x02\x00\x81\x00", id="two messages at once"),
        pytest.param(frame_header(Opcode.BINARY, LARGEST_FRAME_BYTES + 1), id="huge"),
        pytest.param(b"\x82\x7f" + b"\xff" * 8, id="more than there is"),
        pytest.param(frame_header(Opcode.TEXT, LARGEST_TEXT_BYTES + 1), id="text too long"),
        pytest.param(
            b"\x01\x7e\xff\xff" + bytes(65_535) + b"\x00\x02", id="text too long in parts"
        ),
    ],
)
def test_nonsense_is_refused_before_its_payload(data: bytes) -> None:
    heard = Heard()
    with pytest.raises(FrameError):
        heard.feed(data)
    assert heard.texts == []


def answer(upgrade: Upgrade, nonce: str, **changed: str) -> bytes:
    request = upgrade.request(SERVER, "/x?nonce=1").decode()
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    headers = {
        "X-FieldSurvey-Server": "s",
        "X-FieldSurvey-Nonce": nonce,
        "Sec-WebSocket-Accept": accept_of(key),
        "Sec-WebSocket-Protocol": MEASUREMENT_PROTOCOL,
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()


def test_an_upgrade_asks_properly_and_returns_what_follows() -> None:
    upgrade = Upgrade(MEASUREMENT_PROTOCOL, "1")
    request = upgrade.request(SERVER, "/x?nonce=1").decode()
    assert request.startswith("GET /base/x?nonce=1 HTTP/1.1\r\nHost: example.org:8080\r\n")
    assert "Sec-WebSocket-Version: 13\r\n" in request
    said = answer(upgrade, "1") + b"rest"
    assert upgrade.feed(said[:20]) is None
    assert upgrade.feed(said[20:]) == b"rest"


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"X_FieldSurvey_Nonce": "other"}, Cause.CAPTIVE_PORTAL),
        ({"Sec_WebSocket_Accept": "wrong"}, Cause.ENGINE),
        ({"Sec_WebSocket_Protocol": "chat"}, Cause.ENGINE),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, Cause.ENGINE),
    ],
)
def test_an_upgrade_that_is_none(changed: dict[str, str], cause: Cause) -> None:
    upgrade = Upgrade(MEASUREMENT_PROTOCOL, "1")
    with pytest.raises(LinkError) as raised:
        upgrade.feed(answer(upgrade, "1", **changed))
    assert raised.value.cause is cause
