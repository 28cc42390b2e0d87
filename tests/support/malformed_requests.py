"""Requests that no client should send, near enough to real ones to get past the first check."""

import socket
import time
from contextlib import suppress

from hypothesis import strategies as st

from tests.support.honest_client import upgrade_request

PATHS = (
    "/throughput/v1/download?streams=1&duration=20",
    "/throughput/v1/upload?streams=1&duration=20&bins=50000",
    "/ndt/v7/download?early_exit=1",
    "/ndt/v7/upload",
    "/garbage.php?ckSize=1",
    "/empty.php",
    "/getIP.php",
    "/__down?bytes=1000",
    "/__up",
    "/mini/speedtest/random350x350.jpg",
    "/mini/speedtest/upload.php",
    "/fieldsurvey/v1/ping?nonce=a",
    "/fieldsurvey/v1/token",
    "/v2/nearest/ndt/ndt7",
    "/health",
    "/",
)
_QUERY_KEYS = (
    *("streams", "duration", "bytes", "pace", "bins", "cc", "mid", "delay", "access_token"),
    *("nonce", "early_exit", "ckSize", "cors", "seconds"),
)
_HEADERS = (
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5\r\nContent-Length: 6",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 3",
    "Transfer-Encoding: gzip, chunked",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
    "Expect: nonsense",
    "Upgrade: websocket\r\nConnection: Upgrade",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Version: 8",
    "Sec-WebSocket-Key: short",
    "Sec-WebSocket-Protocol: net.measurementlab.throughput.v1",
    "Connection: close",
    "Range: bytes=0-1",
    "Host: \x00",
    "Authorization: Bearer é",
    "Accept-Language: " + "ru," * 500,
    "X: " + "a" * 5000,
    " folded: line",
    ": no name",
    "no colon",
)
_BODIES = (
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"-1\r\n\r\n",
    b"5;" + b"e" * 9000,
    b"\x1f\x8b\x08\x00garbage",
    b"\x82\x85maskhello",
    b"\x81\xfe\xff\xffmask",
    b"\x88\x80mask",
    b"GET / HTTP/1.1\r\n\r\n" * 50,
)

_texts = st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass"))
_numbers = st.integers(-(10**30), 10**30).map(lambda number: str(number).encode())
_values = st.one_of(
    _texts, _numbers, st.sampled_from([b"", b"nan", b"1e309", b"%00", b"%", b"\xff"])
)
_queries = st.lists(
    st.tuples(st.sampled_from(_QUERY_KEYS).map(str.encode), _values), max_size=5
).map(lambda pairs: b"&".join(key + b"=" + value for key, value in pairs))


@st.composite
def _near_requests(draw: st.DrawFn) -> bytes:
    method = draw(st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD", "TRACE", "get", ""]))
    path = draw(st.sampled_from(PATHS)).encode()
    query = draw(_queries)
    target = path + (b"&" if b"?" in path else b"?") + query if query else path
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", ""]))
    headers = draw(st.lists(st.sampled_from(_HEADERS), max_size=4))
    lines = ["Host: x", *headers, "", ""]
    head = method.encode() + b" " + target + b" " + version.encode() + b"\r\n"
    return head + "\r\n".join(lines).encode("utf-8") + draw(st.sampled_from(_BODIES))


@st.composite
def _damaged_requests(draw: st.DrawFn) -> bytes:
    """A good request, cut, with bytes changed, or with rude frames after its handshake."""
    path = draw(st.sampled_from(PATHS))
    good = upgrade_request(path) + draw(st.sampled_from(_BODIES)) + draw(st.binary(max_size=60))
    data = bytearray(good)
    for at, byte in draw(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=4)
    ):
        data[at] = byte
    return bytes(data[: draw(st.integers(0, len(good)))])


malformed_requests = st.one_of(_near_requests(), _damaged_requests(), st.binary(max_size=300))


def send(port: int, request: bytes, seconds: float) -> float:
    """Send ``request`` and no more; return how long the server took to let go of us."""
    began_s = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=seconds) as sock,
        suppress(ConnectionError),
    ):
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1 << 20):
            pass
    return time.monotonic() - began_s


SERVER_OPTIONS = (
    *("--seconds", "1", "--head-s", "1", "--pause-s", "0.1"),
    *("--tests-per-client", "50", "--tests-per-client-hour", "1000000"),
)
LONGEST_S = 6.0  # a load of 1 s, its goodbye, a body that lingers, and a busy machine
