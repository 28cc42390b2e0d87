"""What the strip says of the way to HQ: how much is still only on this laptop, and why."""

from fieldsurvey.drive.snapshot import Health, StripItem
from fieldsurvey.drive.syncing import SyncView
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.messages import Message, message
from fieldsurvey.sync.progress import SyncProgress, SyncState

# Without HQ for longer than a working day somebody should look for a link or a stick.
LONG_UNSENT_S = 24 * 3600
_NEEDS_SOMEBODY = (SyncState.RE_ENROL, SyncState.UPDATE_NEEDED)


def queue_item(view: SyncView, tests: int, now_utc_us: int) -> StripItem:
    """Rows that HQ has not signed for; the advice counts all stages in words."""
    progress = view.progress
    if progress is None:
        advice = view.off or message("drive.queue_advice")
        return StripItem(Health.OFF, message("drive.queue", tests=tests), advice)
    unsent = progress.recorded_rows - progress.acknowledged_rows
    value = message("drive.queue_rows", rows=unsent) if unsent else message("drive.queue_empty")
    return StripItem(_health(progress, now_utc_us), value, _advice(progress, now_utc_us))


def _health(progress: SyncProgress, now_utc_us: int) -> Health:
    if progress.state in _NEEDS_SOMEBODY or progress.log_broken:
        return Health.FAILED
    if progress.parked_batches or progress.state is SyncState.NOT_OUR_SERVER:
        return Health.DEGRADED
    oldest_us = progress.oldest_unsent_utc_us
    if oldest_us is not None and now_utc_us - oldest_us > LONG_UNSENT_S * US_PER_S:
        return Health.DEGRADED
    return Health.OFF if progress.state is SyncState.OFF else Health.OK


def _advice(progress: SyncProgress, now_utc_us: int) -> Message:
    counts = message(
        "drive.queue_counts",
        recorded=progress.recorded_rows,
        sealed=progress.sealed_rows,
        acknowledged=progress.acknowledged_rows,
        durable=progress.durable_rows,
        parked=progress.parked_rows,
        oldest=_since(progress.oldest_unsent_utc_us, now_utc_us),
        success=_since(progress.last_success_utc_us, now_utc_us),
    )
    if progress.log_broken:
        return message("drive.queue_trouble", counts=counts, trouble=message("sync.log_broken"))
    if progress.last_error is not None:
        return message("drive.queue_trouble", counts=counts, trouble=progress.last_error)
    return counts


def _since(utc_us: int | None, now_utc_us: int) -> Message:
    if utc_us is None:
        return message("drive.queue_never")
    minutes = max(0, now_utc_us - utc_us) // (60 * US_PER_S)
    if minutes < 120:
        return message("drive.queue_minutes", minutes=minutes)
    return message("drive.queue_hours", hours=minutes // 60)
