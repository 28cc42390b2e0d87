"""The few lines of HTTP that a test needs, and the question whether it is our server that speaks.

Must not believe anybody else: an answer without our header and our nonce is a captive portal's or
a cache's, and its bytes say nothing about the link.
"""

import secrets

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.link import ServerAddress

SERVER_HEADER = "X-FieldSurvey-Server"
NONCE_HEADER = "X-FieldSurvey-Nonce"
CONGESTION_HEADER = "X-FieldSurvey-Congestion-Control"
LIMIT_BYTES_HEADER = "X-FieldSurvey-Limit-Bytes"
LIMIT_SECONDS_HEADER = "X-FieldSurvey-Limit-Seconds"
PING_PATH = "/fieldsurvey/v1/ping"
DOWNLOAD_PATH = "/fieldsurvey/v1/download"
UPLOAD_PATH = "/fieldsurvey/v1/upload"
LARGEST_HEAD_BYTES = 8192
_BUSY = (429, 503)


def new_nonce() -> str:
    """Return a word that no cache has seen."""
    return secrets.token_hex(8)


def request_head(
    server: ServerAddress,
    request: str,
    *headers: str,
    http: str = "HTTP/1.1",
) -> bytes:
    """Return the head of ``request`` ("GET /fieldsurvey/v1/ping?nonce=1f")."""
    method, _, path = request.partition(" ")
    lines = [f"{method} {server.path}{path} {http}", f"Host: {server.authority}", *headers, "", ""]
    return "\r\n".join(lines).encode("ascii")


class Head:
    """The head of an answer, fed as it arrives."""

    def __init__(self, nonce: str) -> None:
        self.headers: dict[str, str] = {}
        self._nonce = nonce
        self._received = bytearray()

    def feed(self, data: bytes | memoryview) -> bytes | None:
        """Take the next bytes; once the head is complete return what follows it, until then None.

        Raises LinkError: CAPTIVE_PORTAL when it is not our server, SERVER_BUSY when it is but has
        no slot, ENGINE when it does not understand us.
        """
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > LARGEST_HEAD_BYTES:
                raise LinkError(Cause.CAPTIVE_PORTAL, "the answer is not HTTP")
            return None
        status, *lines = self._received[:end].decode("latin-1").split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self._check(status)
        return bytes(self._received[end + 4 :])

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    def _check(self, status: str) -> None:
        version, _, rest = status.partition(" ")
        code = int(rest[:3]) if rest[:3].isdigit() else 0
        if (
            not version.startswith("HTTP/1.")
            or self.header(SERVER_HEADER) is None
            or self.header(NONCE_HEADER) != self._nonce
        ):
            raise LinkError(Cause.CAPTIVE_PORTAL, f"not our server answered: {status[:80]!r}")
        if code in _BUSY:
            raise LinkError(Cause.SERVER_BUSY, f"the server answered {status[:80]!r}")
        if code != 200:
            raise LinkError(Cause.ENGINE, f"the server answered {status[:80]!r}")
