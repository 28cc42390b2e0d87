"""Why a link failed: turns what the system raised into one of the causes a survey stores.

Must not guess: an error that is not the network's is ours (``Cause.ENGINE``), so that a bug never
becomes a stretch of highway without service.
"""

import errno
import socket
import ssl
import sys

from fieldsurvey.model.throughput import Cause

# The numbers differ by system and Windows has three families of its own (BSD errno, Winsock,
# Win32 from overlapped I/O), so they are tables and not the ``errno`` names of this machine.
# Sources: Linux asm-generic/errno.h; XNU sys/errno.h; Windows "System Error Codes".
_LINUX = {
    Cause.NO_ROUTE: (19, 64, 99, 100, 101, 112, 113),
    Cause.REFUSED: (111,),
    Cause.TIMED_OUT: (110,),
    Cause.CUT_OFF: (32, 102, 103, 104, 107, 108),
}
_MACOS = {
    Cause.NO_ROUTE: (6, 49, 50, 51, 64, 65),
    Cause.REFUSED: (61,),
    Cause.TIMED_OUT: (60,),
    Cause.CUT_OFF: (32, 52, 53, 54, 57, 58),
}
_WINDOWS = {
    Cause.NO_ROUTE: (1214, 1231, 1232, 10047, 10049, 10050, 10051, 10064, 10065),
    Cause.DNS: (11001, 11002, 11003, 11004),
    Cause.REFUSED: (1225, 10061),
    Cause.TIMED_OUT: (121, 1460, 10060),
    Cause.CUT_OFF: (64, 109, 232, 995, 1229, 1236, 10052, 10053, 10054, 10057, 10058),
}
_BUSY = (429, 503)
_TABLES = {"linux": _LINUX, "darwin": _MACOS, "win32": _WINDOWS}


class LinkError(Exception):
    """A failure whose cause the protocol itself knows, with the words for support."""

    def __init__(self, cause: Cause, detail: str) -> None:
        self.cause = cause
        self.detail = detail
        super().__init__(detail)


def cause_of(error: BaseException, platform: str = sys.platform) -> Cause:
    """Return the cause of ``error`` as raised by a socket, by TLS, by asyncio or by urllib."""
    if isinstance(error, LinkError):
        return error.cause
    if (wrapped := _wrapped(error)) is not None:
        return cause_of(wrapped, platform)
    if getattr(error, "code", None) in _BUSY:  # urllib's HTTPError
        return Cause.SERVER_BUSY
    if isinstance(error, socket.gaierror | UnicodeError):  # a name IDNA cannot encode is no name
        return Cause.DNS
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Cause.CUT_OFF
    if isinstance(error, ssl.SSLError):
        return Cause.TLS
    if isinstance(error, OSError):
        return _cause_of_os_error(error, platform)
    if isinstance(error, EOFError):
        return Cause.CUT_OFF
    return Cause.ENGINE


def _cause_of_os_error(error: OSError, platform: str) -> Cause:
    number = getattr(error, "winerror", None) or error.errno
    for cause, numbers in _TABLES.get(platform, _LINUX).items():
        if number in numbers:
            return cause
    if isinstance(error, TimeoutError):
        return Cause.TIMED_OUT
    if isinstance(error, ConnectionRefusedError):
        return Cause.REFUSED
    if isinstance(error, ConnectionError):
        return Cause.CUT_OFF
    return Cause.ENGINE


def detail_of(error: BaseException) -> str:
    """Return the system's own words, one line, for support."""
    if isinstance(error, LinkError):
        return error.detail
    if (wrapped := _wrapped(error)) is not None:
        return detail_of(wrapped)
    text = " ".join(str(error).split()) or type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    name = errno.errorcode.get(number) if number is not None else None
    return f"{name}: {text}"[:300] if name and name not in text else text[:300]


def _wrapped(error: BaseException) -> BaseException | None:
    """Return what urllib wraps in its own error."""
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, BaseException) else None
