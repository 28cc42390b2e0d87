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
PING_PATH = "/fieldsurvey/v1/ping"
TOKEN_PATH = "/fieldsurvey/v1/token"
DOWNLOAD_PATH = "/throughput/v1/download"
UPLOAD_PATH = "/throughput/v1/upload"
LARGEST_HEAD_BYTES = 8192
_BUSY = (429, 503)
_LONGEST_WAIT_S = 86_400


def new_nonce() -> str:
    """Return a word that no cache has seen."""
    return secrets.token_hex(8)


def request_head(
    server: ServerAddress,
    request: str,
    *headers: str,
) -> bytes:
    """Return the head of ``request`` ("GET /fieldsurvey/v1/ping?nonce=1f")."""
    method, _, path = request.partition(" ")
    lines = [
        f"{method} {server.path}{path} HTTP/1.1",
        f"Host: {server.authority}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


class RefusalError(LinkError):
    """Our server said no: its status, and when it wants to be asked again."""

    def __init__(self, cause: Cause, detail: str, status: int, retry_after_s: int | None) -> None:
        super().__init__(cause, detail)
        self.status = status
        self.retry_after_s = retry_after_s


class Head:
    """The head of an answer, fed as it arrives. Without a ``nonce`` anybody may have sent it."""

    def __init__(self, nonce: str | None, expected_status: int = 200) -> None:
        self.headers: dict[str, str] = {}
        self._nonce = nonce
        self._expected_status = expected_status
        self._received = bytearray()

    def feed(self, data: bytes | memoryview) -> bytes | None:
        """Take the next bytes; once the head is complete return what follows it, until then None.

        Raises LinkError: CAPTIVE_PORTAL when it is not our server, SERVER_BUSY when it is but has
        no slot, ENGINE when it does not understand us; the latter two as :class:`RefusalError`.
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

    def number(self, name: str, largest: int) -> int | None:
        """Return a header that holds a number up to ``largest``; None where there is none."""
        text = self.header(name) or ""
        value = int(text) if text.isdecimal() and len(text) <= 18 else None
        return value if value is not None and value <= largest else None

    def _check(self, status: str) -> None:
        version, _, rest = status.partition(" ")
        code = int(rest[:3]) if rest[:3].isdecimal() else 0
        said = f"{status[:80]!r}"
        if not version.startswith("HTTP/1.") or not self._is_ours(code):
            raise LinkError(Cause.CAPTIVE_PORTAL, f"not our server answered: {said}")
        if code in _BUSY:
            wait_s = self.number("Retry-After", _LONGEST_WAIT_S)
            raise RefusalError(Cause.SERVER_BUSY, f"the server answered {said}", code, wait_s)
        if code != self._expected_status:
            raise RefusalError(Cause.ENGINE, f"the server answered {said}", code, None)

    def _is_ours(self, code: int) -> bool:
        if self._nonce is None:  # a portal sends people elsewhere, or a page with its own status
            return code >= 400 or code == self._expected_status
        return self.header(SERVER_HEADER) is not None and self.header(NONCE_HEADER) == self._nonce
