"""The library speedtest-cli, kept on a leash: our server only, our bounds, our counters.

Must not let it reach speedtest.net, swallow the cause of a failure, or read one byte beyond the
plan: the library does all three by itself. It is imported here and only when it is asked for.
"""

import threading
import time
from typing import Any

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.protocols.protocol import Cancel

_DOWNLOAD_SIZES = [350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000]
_DOWNLOADS_PER_SIZE = 4
# Without 65536, for which the library announces seven bytes more than it sends.
_UPLOAD_SIZES = [524288, 1048576, 7340032]
_UPLOADS_PER_SIZE = 17


class Leash:
    """What the library may still do, and what it has done; asked from its many threads."""

    def __init__(self, limit_bytes: int, cancel: Cancel) -> None:
        self.meter = Meter(limit_bytes)
        self.trouble: BaseException | None = None
        self.trouble_ns = 0
        self.confirmed_bytes = 0  # of uploads: what the server says it received
        self._bodies: list[Any] = []
        self._limit_bytes = limit_bytes
        self._cancel = cancel
        self._stopped = False
        self._lock = threading.Lock()

    def isSet(self) -> bool:  # noqa: N802 - the library's name for it
        return (
            self._stopped
            or self._cancel.is_set()
            or self.meter.full
            or self.sent_bytes() >= self._limit_bytes
        )

    def stop(self) -> None:
        """Let nothing more be counted, though threads may still be reading."""
        with self._lock:
            self._stopped = True

    def sent_bytes(self) -> int:
        """Return what the library has handed to its sockets."""
        return sum(sum(body.total) for body in self._bodies)

    def sends(self, body: Any) -> None:
        with self._lock:
            self._bodies.append(body)

    def received(self, count: int) -> None:
        with self._lock:
            if not self._stopped:
                self.meter.count(count)

    def confirmed(self, answer: bytes) -> None:
        """Take the server's ``size=N``."""
        digits = answer.removeprefix(b"size=").strip()
        if digits.isdigit():
            with self._lock:
                self.confirmed_bytes += int(digits)

    def note(self, error: BaseException) -> None:
        """Remember what the library is about to swallow."""
        if isinstance(error, TimeoutError):  # unwrapped: urllib wraps those of connecting
            error = LinkError(Cause.STALLED, "connected, but nothing came any more")
        self.trouble, self.trouble_ns = error, time.perf_counter_ns()


class _Opener:
    """Stands in for the library's urllib opener."""

    def __init__(self, opener: Any, leash: Leash, own_error: type[BaseException]) -> None:
        self._opener = opener
        self._leash = leash
        self._own_error = own_error

    def open(self, request: Any) -> "_Response":
        body = getattr(request, "data", None)
        if self._leash.isSet():
            raise OSError("the test is over")
        if body is not None:
            self._leash.sends(body)
        try:
            return _Response(self._opener.open(request), self._leash, body is not None)
        except self._own_error:  # its way to end an upload in time
            raise
        except Exception as error:
            self._leash.note(error)
            raise


class _Response:
    def __init__(self, response: Any, leash: Leash, upload: bool) -> None:
        self._response = response
        self._leash = leash
        self._upload = upload

    def read(self, size: int = -1) -> bytes:
        if self._leash.isSet() and not self._upload:
            return b""
        try:
            data: bytes = self._response.read(16 if self._upload else size)
        except Exception as error:
            self._leash.note(error)
            raise
        if self._upload:
            self._leash.confirmed(data)
        else:
            self._leash.received(len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)


def library_client(
    leash: Leash, source: str | None, timeout_s: float, connections: int, duration_s: float
) -> Any:
    """Return a ``speedtest.Speedtest`` that knows no server but the one it will be given.

    Its configuration is what speedtest.net would send; nothing is asked of speedtest.net.
    """
    import speedtest  # fails to import without standard streams, hence here and guarded

    class OwnServer(speedtest.Speedtest):  # type: ignore[misc]  # the library has no types
        def get_config(self) -> dict[str, Any]:
            self.config.update(
                client={"ip": "", "lat": "0", "lon": "0"},
                ignore_servers=[],
                sizes={"download": _DOWNLOAD_SIZES, "upload": _UPLOAD_SIZES},
                counts={"download": _DOWNLOADS_PER_SIZE, "upload": _UPLOADS_PER_SIZE},
                threads={"download": connections, "upload": connections},
                length={"download": duration_s, "upload": duration_s},
                upload_max=_UPLOADS_PER_SIZE * len(_UPLOAD_SIZES),
            )
            self.lat_lon = (0.0, 0.0)
            return self.config  # type: ignore[no-any-return]  # as above

    client = OwnServer(source_address=source, timeout=timeout_s, shutdown_event=leash)
    client._opener = _Opener(client._opener, leash, speedtest.SpeedtestException)
    return client
