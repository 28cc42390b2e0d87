"""How far a survey is on its way to HQ, in terms a person counts in. Immutable; shells show it."""

from dataclasses import dataclass
from enum import StrEnum

from fieldsurvey.model.messages import Message, message
from fieldsurvey.store.outbox import OutboxProgress
from fieldsurvey.sync.answers import (
    Busy,
    NotOurServer,
    OtherHq,
    Refused,
    TooOld,
    Trouble,
    Unauthorised,
    Unreachable,
)
from fieldsurvey.wire.receipt import Receipt

_CLOCK_WORDS = ("not yet valid", "has expired")


class SyncState(StrEnum):
    """What sync does at this moment; its word is the message ``sync.state_<value>``."""

    IDLE = "idle"
    SENDING = "sending"
    WAITING = "waiting"  # for a network, or for HQ
    NOT_OUR_SERVER = "not_our_server"
    RE_ENROL = "re_enrol"
    UPDATE_NEEDED = "update_needed"
    TESTING = "testing"  # a throughput test has the link
    BUDGET = "budget"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """Rows: recorded ⊇ sealed ⊇ acknowledged ⊇ durable. All of them lie on the laptop.

    ``last_success_utc_us``: when HQ last signed for something, or answered that it has all.
    ``log_broken``: HQ's log contradicts what it said before; the evidence is kept.
    """

    recorded_rows: int = 0
    sealed_rows: int = 0
    acknowledged_rows: int = 0
    durable_rows: int = 0
    parked_rows: int = 0
    batches: int = 0
    waiting_batches: int = 0
    acknowledged_batches: int = 0
    durable_batches: int = 0
    parked_batches: int = 0
    oldest_unsent_utc_us: int | None = None
    last_success_utc_us: int | None = None
    last_error: Message | None = None
    state: SyncState = SyncState.IDLE
    log_broken: bool = False

    @property
    def complete(self) -> bool:
        """True if HQ has signed for every row."""
        return self.acknowledged_rows == self.recorded_rows


def progress_of(
    counted: OutboxProgress,
    state: SyncState,
    last_success_utc_us: int | None,
    last_error: Message | None,
    *,
    log_broken: bool,
) -> SyncProgress:
    """Join what the survey counts with what happened on the network."""
    return SyncProgress(
        counted.recorded_rows,
        counted.sealed_rows,
        counted.acknowledged_rows,
        counted.durable_rows,
        counted.parked_rows,
        counted.batches,
        counted.waiting_batches,
        counted.acknowledged_batches,
        counted.durable_batches,
        counted.parked_batches,
        counted.oldest_unsent_utc_us,
        last_success_utc_us,
        last_error,
        state,
        log_broken,
    )


def describe(trouble: Trouble) -> tuple[SyncState, Message]:
    """Say what keeps batches from HQ, what is kept and what to do."""
    match trouble:
        case NotOurServer():
            return SyncState.NOT_OUR_SERVER, message("sync.not_our_server")
        case OtherHq():
            return SyncState.NOT_OUR_SERVER, message("sync.other_hq")
        case Unauthorised(problem):
            return SyncState.RE_ENROL, message("sync.re_enrol", code=problem.code)
        case TooOld():
            return SyncState.UPDATE_NEEDED, message("sync.update_needed")
        case Busy():
            return SyncState.WAITING, message("sync.hq_busy")
        case Refused(problem):
            return SyncState.WAITING, message(
                "sync.refused", code=problem.code, detail=problem.detail
            )
        case Unreachable(cause, detail):
            if any(words in detail for words in _CLOCK_WORDS):
                return SyncState.WAITING, message("sync.clock_or_certificate", detail=detail)
            return SyncState.WAITING, message(
                "sync.no_connection", cause=message(f"cause.{cause.value}")
            )


def newest(receipts: list[Receipt]) -> int | None:
    """Return when HQ gave the newest receipt, by HQ's clock."""
    return max((receipt.received_utc_us for receipt in receipts), default=None)
