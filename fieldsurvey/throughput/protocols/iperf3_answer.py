"""What iperf3 says, read: causes from its words, bins from its intervals.

Must not take what a client sent for what arrived: only a receiver's counts become bins or a rate.
"""

import msgspec

from fieldsurvey.model.throughput import Bins, Cause
from fieldsurvey.throughput.causes import LinkError

INTERVAL_S = 0.125  # half a batch of the estimator; iperf3 allows no less than 0.1
_WIDTH_US = round(INTERVAL_S * 1e6)
# What iperf3 3.x and the C library say in the C locale, in the order in which it is looked for.
_CAUSES = (
    ("server is busy", Cause.SERVER_BUSY),
    ("refused", Cause.REFUSED),
    ("unreachable", Cause.NO_ROUTE),
    ("No route to host", Cause.NO_ROUTE),
    ("Cannot assign requested address", Cause.NO_ROUTE),
    ("No such device", Cause.NO_ROUTE),
    ("not known", Cause.DNS),
    ("name resolution", Cause.DNS),
    ("No address associated", Cause.DNS),
    ("idle timeout", Cause.STALLED),
    ("timed out", Cause.TIMED_OUT),
    ("Operation now in progress", Cause.TIMED_OUT),  # --connect-timeout has passed
    ("reset by peer", Cause.CUT_OFF),
    ("closed unexpectedly", Cause.CUT_OFF),
    ("Broken pipe", Cause.CUT_OFF),
    ("server has terminated", Cause.CUT_OFF),
)
_INTERRUPTED = "the client has terminated"


class _Sum(msgspec.Struct):
    bytes: int
    end: float
    sender: bool  # of this end


class _Interval(msgspec.Struct):
    sum: _Sum


class _Received(msgspec.Struct):
    bytes: int
    seconds: float


class _Start(msgspec.Struct):
    tcp_mss_default: int | None = None


class _End(msgspec.Struct):
    sum_received: _Received | None = None
    sender_tcp_congestion: str | None = None


class _Told(msgspec.Struct):
    """What is asked for here of all that ``--json`` tells."""

    start: _Start = msgspec.field(default_factory=_Start)
    intervals: list[_Interval] = msgspec.field(default_factory=list)
    end: _End = msgspec.field(default_factory=_End)
    error: str = ""


class Answer:
    """One run's JSON."""

    def __init__(self, text: str) -> None:
        """Raises LinkError if it is none."""
        try:
            self._told = msgspec.json.decode(text, type=_Told)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise LinkError(Cause.ENGINE, f"iperf3 said what cannot be read: {error}") from error

    def raise_error(self, *, interrupted: bool) -> None:
        """Raise what iperf3 gave up for, unless it was us who interrupted it."""
        error = self._told.error
        if error and not (interrupted and _INTERRUPTED in error):
            raise LinkError(cause_of_words(error), f"iperf3: {error}"[:300])

    def received(self) -> Bins:
        """Return what this end received per interval."""
        counts = [one.sum.bytes for one in self._told.intervals if not one.sum.sender]
        return Bins(tuple(counts), _WIDTH_US)

    def duration_us(self) -> int:
        """Return until when this end counted."""
        intervals = self._told.intervals
        return round(intervals[-1].sum.end * 1e6) if intervals else 0

    def arrived_at_server(self) -> tuple[int, int] | None:
        """Return the bytes the server received, and the µs it took; None if it did not tell."""
        received = self._told.end.sum_received
        return None if received is None else (received.bytes, round(received.seconds * 1e6))

    def congestion_control(self) -> str | None:
        return self._told.end.sender_tcp_congestion

    def mss_bytes(self) -> int | None:
        return self._told.start.tcp_mss_default or None


def cause_of_words(error: str) -> Cause:
    """Return the cause that iperf3's own words name; ENGINE where they name none."""
    return next((cause for words, cause in _CAUSES if words in error), Cause.ENGINE)
