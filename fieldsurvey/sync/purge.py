"""When sealed bytes may go: HQ holds them on two disks, they are old, and the disk is short.

Never rows: the measurements themselves stay on the laptop. SQLite keeps the freed pages in the file
and records into them next, so a purge stops growth rather than giving space back.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class PurgePolicy:
    """``retention_s`` counts from when HQ last said that it holds a batch twice; longer than the
    age of any backup that HQ may be restored from."""

    retention_s: int = 30 * DAY_S
    enough_free_bytes: int = 2 * 1024**3


def drop_before_utc_us(policy: PurgePolicy, free_bytes: int, now_utc_us: int) -> int | None:
    """Return since when a batch must have been durable to be dropped; None if nothing need go."""
    if free_bytes >= policy.enough_free_bytes:
        return None
    return now_utc_us - policy.retention_s * 1_000_000


def free_bytes_of(path: Path) -> int:
    """Return what is left on the disk of ``path``."""
    return shutil.disk_usage(path.parent).free


def purge(
    survey: SurveyFile,
    now_utc_us: int,
    policy: PurgePolicy = PurgePolicy(),
    free_bytes: Callable[[Path], int] = free_bytes_of,
) -> int:
    """Drop the sealed bytes that may go, if the disk is short. Returns the number of batches."""
    before_utc_us = drop_before_utc_us(policy, free_bytes(survey.path), now_utc_us)
    return 0 if before_utc_us is None else Outbox(survey).drop_contents(before_utc_us)
