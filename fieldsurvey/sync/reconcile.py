"""Compares what HQ says it holds with what the laptop thinks it holds, after which both agree.

HQ may have been restored from an old backup: then it is offered again what it lost. Or this file
was: then HQ has batches that it never sealed, and it must go on under another epoch.
"""

from collections.abc import Callable

from fieldsurvey.store.outbox import BatchId, Epoch, Outbox
from fieldsurvey.wire.answers import EpochState
from fieldsurvey.wire.receipt import ReceiptState, SignedReceipt


def reconcile(
    outbox: Outbox,
    epoch: Epoch,
    state: EpochState,
    device: str,
    now_utc_us: int,
    new_epoch: Callable[[], str],
) -> None:
    """Believe HQ's ``state`` of ``epoch``. On the store thread."""
    acknowledged = outbox.acknowledged(epoch.epoch)
    lost = [batch_no for batch_no in acknowledged if not _holds(state, batch_no)]
    if lost:
        outbox.reoffer(epoch.epoch, lost)
    # No further than HQ's own list goes: what is durable may be dropped here one day.
    upto = min(state.durable_upto, _contiguous_upto(state))
    outbox.mark_durable(epoch.epoch, upto, now_utc_us)
    if _is_ahead(outbox, epoch, state):
        outbox.open_epoch(new_epoch(), device, now_utc_us, "restored")


def deliver(
    outbox: Outbox,
    batch: BatchId,
    receipt: SignedReceipt,
    device: str,
    now_utc_us: int,
    new_epoch: Callable[[], str],
) -> None:
    """Keep a receipt that was checked. If HQ holds another batch of that number as well, somebody
    else seals in this epoch: a clone of this file, or the file it was restored from."""
    outbox.acknowledge(batch, receipt, now_utc_us)
    newest = outbox.epoch()
    conflict = receipt.receipt.state is ReceiptState.CONFLICT
    if conflict and newest is not None and newest.epoch == batch.epoch:
        outbox.open_epoch(new_epoch(), device, now_utc_us, "conflict")


def _holds(state: EpochState, batch_no: int) -> bool:
    return any(first <= batch_no <= last for first, last in state.have)


def _contiguous_upto(state: EpochState) -> int:
    """Return the last number before the first gap, -1 if 0 is missing already."""
    upto = -1
    for first, last in sorted(state.have):
        if first > upto + 1:
            break
        upto = max(upto, last)
    return upto


def _is_ahead(outbox: Outbox, epoch: Epoch, state: EpochState) -> bool:
    """True if HQ holds batches of the newest epoch that this file has yet to seal."""
    newest = outbox.epoch()
    if newest is None or newest.epoch != epoch.epoch:
        return False
    highest = max((last for _, last in state.have), default=-1)
    return highest >= outbox.next_batch().batch_no
