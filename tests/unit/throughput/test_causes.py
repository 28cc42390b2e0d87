import socket
import ssl
import urllib.error

import pytest

from fieldsurvey.model.throughput import Cause
from fieldsurvey.throughput.causes import LinkError, cause_of, detail_of


class WinsockError(OSError):
    """An OSError with ``winerror``, which only Windows can make."""

    def __init__(self, winerror: int) -> None:
        super().__init__(22, "the system's words")
        self.winerror = winerror


@pytest.mark.parametrize(
    ("platform", "number", "cause"),
    [
        ("linux", 101, Cause.NO_ROUTE),
        ("linux", 113, Cause.NO_ROUTE),
        ("linux", 19, Cause.NO_ROUTE),
        ("linux", 111, Cause.REFUSED),
        ("linux", 110, Cause.TIMED_OUT),
        ("linux", 104, Cause.CUT_OFF),
        ("linux", 32, Cause.CUT_OFF),
        ("darwin", 51, Cause.NO_ROUTE),
        ("darwin", 61, Cause.REFUSED),
        ("darwin", 60, Cause.TIMED_OUT),
        ("darwin", 54, Cause.CUT_OFF),
        ("win32", 10051, Cause.NO_ROUTE),
        ("win32", 10061, Cause.REFUSED),
        ("win32", 10060, Cause.TIMED_OUT),
        ("win32", 10054, Cause.CUT_OFF),
    ],
)
def test_errno_of_each_system_has_its_cause(platform: str, number: int, cause: Cause) -> None:
    assert cause_of(OSError(number, "words"), platform) is cause


@pytest.mark.parametrize(
    ("winerror", "cause"),
    [(1225, Cause.REFUSED), (121, Cause.TIMED_OUT), (64, Cause.CUT_OFF), (1231, Cause.NO_ROUTE)],
)
def test_overlapped_io_of_windows_has_numbers_of_its_own(winerror: int, cause: Cause) -> None:
    assert cause_of(WinsockError(winerror), "win32") is cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (socket.gaierror(-2, "Name or service not known"), Cause.DNS),
        (ssl.SSLCertVerificationError(1, "self-signed"), Cause.TLS),
        (ssl.SSLEOFError(8, "EOF"), Cause.CUT_OFF),
        (TimeoutError(), Cause.TIMED_OUT),
        (EOFError(), Cause.CUT_OFF),
        (urllib.error.URLError(ConnectionRefusedError(111, "refused")), Cause.REFUSED),
        (LinkError(Cause.STALLED, "words"), Cause.STALLED),
    ],
)
def test_errors_that_are_not_numbers(error: BaseException, cause: Cause) -> None:
    assert cause_of(error, "linux") is cause


@pytest.mark.parametrize(
    "error", [ValueError("bug"), PermissionError(1, "not permitted"), OSError(24, "too many files")]
)
def test_what_is_not_the_networks_fault_is_ours(error: BaseException) -> None:
    assert cause_of(error, "linux") is Cause.ENGINE


def test_detail_keeps_the_systems_words_and_the_name_of_its_number() -> None:
    wrapped = urllib.error.URLError(ConnectionRefusedError(111, "Connection refused"))
    assert "Connection refused" in detail_of(wrapped)
    assert detail_of(LinkError(Cause.DNS, "no answer")) == "no answer"
