"""Answers of foreign servers are read right in whatever pieces they come, and never hang."""

import itertools
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.http_head import Head
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.protocols.foreign_http import BodyReader, ForeignPinger

SERVER = ServerAddress("127.0.0.1", 80, "", tls=False)


def head_of(*headers: str) -> Head:
    head = Head(None)
    head.feed("\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode())
    return head


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(deadline=None)
@given(
    chunks=st.lists(st.integers(1, 3000), max_size=6),
    cuts=st.lists(st.integers(0, 20_000), max_size=20),
    marks=st.sampled_from(["%x\r\n", "%X\r\n", "%x;name=value\r\n", "%x\n"]),
)
def test_chunks_in_any_pieces_are_payload_and_nothing_else(
    chunks: list[int], cuts: list[int], marks: str
) -> None:
    body = b"".join((marks % size).encode() + bytes(size) + b"\r\n" for size in chunks)
    body += b"0\r\nTrailer: x\r\n\r\n"
    counted: list[int] = []
    reader = BodyReader(head_of("Transfer-Encoding: chunked"), counted.append)
    after = b"".join(reader.feed(piece) for piece in pieces(body + b"NEXT", cuts))
    assert sum(counted) == sum(chunks)
    assert reader.ended
    assert after == b"NEXT"


@settings(deadline=None)
@given(length=st.integers(0, 5000), cuts=st.lists(st.integers(0, 6000), max_size=8))
def test_a_length_ends_a_body(length: int, cuts: list[int]) -> None:
    counted: list[int] = []
    reader = BodyReader(head_of(f"Content-Length: {length}"), counted.append)
    after = b"".join(reader.feed(piece) for piece in pieces(bytes(length) + b"NEXT", cuts))
    assert (sum(counted), reader.ended, after) == (length, True, b"NEXT")


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=4000), chunked=st.booleans())
def test_garbage_is_counted_refused_or_waited_for_but_never_raises(
    data: bytes, chunked: bool
) -> None:
    counted: list[int] = []
    header = "Transfer-Encoding: chunked" if chunked else "Content-Type: x"
    reader = BodyReader(head_of(header), counted.append)
    with suppress(LinkError):
        reader.feed(data)
    assert sum(counted) <= len(data)


@pytest.mark.parametrize("length", ["-1", "1e3", "many", ""])
def test_a_length_that_is_none_is_no_measurement_servers(length: str) -> None:
    with pytest.raises(LinkError) as trouble:
        BodyReader(head_of(f"Content-Length: {length}"), lambda _: None)
    assert trouble.value.cause is Cause.CAPTIVE_PORTAL


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.binary(max_size=300), max_size=5), method=st.sampled_from(["HEAD", "GET"]))
def test_a_pinger_survives_whatever_is_answered(data: list[bytes], method: str) -> None:
    pinger = ForeignPinger(SERVER, f"{method} /")
    pinger._asked.append(("", 0))
    for piece in data:
        pinger.data_received(piece)
    assert len(pinger.round_trips_us) <= 1
