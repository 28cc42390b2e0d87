"""What the strip says of the way to headquarters."""

import pytest

from fieldsurvey.drive.queue_reading import queue_item
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.drive.syncing import SyncView
from fieldsurvey.model.messages import message
from fieldsurvey.sync.progress import SyncProgress, SyncState

NOW_UTC_US = 1_760_000_000_000_000
HOUR_US = 3_600_000_000


def view(**fields: object) -> SyncView:
    return SyncView(SyncProgress(recorded_rows=100, **fields))  # type: ignore[arg-type]  # its fields


def test_a_laptop_that_is_not_enrolled_says_how_to() -> None:
    item = queue_item(SyncView(None), 7, NOW_UTC_US)
    assert item.health is Health.OFF
    assert "7" in str(item.value)
    assert item.advice is not None
    assert "sync enrol" in str(item.advice)


def test_all_delivered() -> None:
    item = queue_item(view(acknowledged_rows=100), 7, NOW_UTC_US)
    assert (item.health, item.value) == (Health.OK, message("drive.queue_empty"))


@pytest.mark.parametrize(
    ("fields", "health"),
    [
        ({"state": SyncState.WAITING}, Health.OK),  # hours without a network are what is expected
        ({"state": SyncState.WAITING, "oldest_unsent_utc_us": NOW_UTC_US - 25 * HOUR_US},
         Health.DEGRADED),
        ({"state": SyncState.NOT_OUR_SERVER}, Health.DEGRADED),
        ({"parked_batches": 1}, Health.DEGRADED),
        ({"state": SyncState.RE_ENROL}, Health.FAILED),
        ({"state": SyncState.UPDATE_NEEDED}, Health.FAILED),
        ({"log_broken": True, "acknowledged_rows": 100}, Health.FAILED),
        ({"state": SyncState.OFF}, Health.OFF),
    ],
)  # fmt: skip
def test_health_follows_from_who_has_to_act(fields: dict[str, object], health: Health) -> None:
    assert queue_item(view(**fields), 7, NOW_UTC_US).health is health


def test_the_advice_counts_all_stages_and_says_what_holds_it_up() -> None:
    item = queue_item(
        view(
            sealed_rows=90,
            acknowledged_rows=80,
            durable_rows=70,
            parked_rows=5,
            oldest_unsent_utc_us=NOW_UTC_US - 3 * HOUR_US,
            last_success_utc_us=NOW_UTC_US - HOUR_US // 2,
            last_error=message("sync.hq_busy"),
        ),
        7,
        NOW_UTC_US,
    )
    assert str(item.value) == "20 rows to send"
    text = str(item.advice)
    for figure in ("100", "90", "80", "70", "5 set aside", "3 h ago", "30 min ago"):
        assert figure in text
    assert str(message("sync.hq_busy")) in text
