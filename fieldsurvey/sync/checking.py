"""Before sending: who answers, what HQ holds already, and whether its log has only grown."""

import contextlib

from fieldsurvey.store.outbox import Epoch, Outbox
from fieldsurvey.sync.answers import (
    Busy,
    OtherHq,
    TooOld,
    Trouble,
    Unreachable,
    document_of,
)
from fieldsurvey.sync.log_watch import LogFinding, LogVerdict, compare
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import ClockAnchor, Enrolment, Profile
from fieldsurvey.sync.quiet import unless_busy
from fieldsurvey.sync.reconcile import reconcile
from fieldsurvey.sync.transport import TransportError
from fieldsurvey.wire.answers import PROTOCOL, EpochState, Hello
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, checkpoint_from


async def check(parts: Parts) -> Hello | Trouble:
    """Ask HQ for itself and for each epoch of this laptop, and settle the differences.

    Raises TestRuns and KnownError.
    """
    try:
        hello = await _hello(parts)
        if isinstance(hello, Hello):
            for epoch in await parts.on_store(lambda outbox: outbox.epochs()):
                trouble = await _settle(parts, epoch)
                if trouble is not None:
                    return trouble
        return hello
    except TransportError as error:
        return Unreachable(error.cause, error.detail)


async def _hello(parts: Parts) -> Hello | Trouble:
    asked_us = parts.clock.mono_us()
    answer = await unless_busy(parts.busy, parts.transport.hello())
    hello = document_of(answer, Hello)
    if not isinstance(hello, Hello):
        return hello
    if hello.receipt_key != parts.enrolment.receipt_key:
        return OtherHq()
    if PROTOCOL not in hello.protocols:
        return TooOld()
    if hello.retry_after_s > 0:
        return Busy(hello.retry_after_s)
    now_us = parts.clock.mono_us()
    anchor = ClockAnchor(parts.clock.utc_us(), now_us, hello.time_utc_us, now_us - asked_us)
    await parts.on_store(lambda _: parts.profile.add_clock_anchor(anchor))
    return hello


async def _settle(parts: Parts, epoch: Epoch) -> Trouble | None:
    device = parts.enrolment.device
    answer = await unless_busy(parts.busy, parts.transport.state(epoch.device, epoch.epoch))
    state = document_of(answer, EpochState)
    if not isinstance(state, EpochState):
        return state
    now_utc_us = parts.clock.utc_us()
    await parts.on_store(
        lambda outbox: reconcile(outbox, epoch, state, device, now_utc_us, parts.new_epoch)
    )
    if state.checkpoint:
        await _watch_log(parts, state.checkpoint)
    return None


async def _watch_log(parts: Parts, note: str) -> None:
    """Keep HQ's newest statement; where it contradicts the one before, keep both as evidence."""
    profile, enrolment = parts.profile, parts.enrolment
    try:
        theirs = checkpoint_from(note, enrolment.hq_key)
    except WireError:
        return  # says nothing; HQ signs what it means
    earlier_note, ours = await parts.on_store(lambda _: _newest_checked(profile, enrolment))
    finding = await compare(
        ours,
        theirs,
        enrolment.log_origin,
        lambda first, size: unless_busy(parts.busy, parts.transport.consistency(first, size)),
    )
    if earlier_note and ours is None:
        finding = LogFinding(LogVerdict.BROKEN, "the earlier statement on this laptop is damaged")

    def keep(_: Outbox) -> None:
        if finding.verdict is LogVerdict.BROKEN:
            profile.keep_evidence(earlier_note, note, finding.detail)
        # A broken log is watched from here on, too.
        if finding.verdict in (LogVerdict.GROWN, LogVerdict.BROKEN):
            profile.keep_checkpoint(note)

    await parts.on_store(keep)


def _newest_checked(profile: Profile, enrolment: Enrolment) -> tuple[str, Checkpoint | None]:
    """Return the newest note and what it says, None if it is damaged or there is none."""
    note = profile.checkpoint_note() or ""
    with contextlib.suppress(WireError):
        return note, checkpoint_from(note, enrolment.hq_key)
    return note, None
