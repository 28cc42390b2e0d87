"""When a laptop may send by itself, and how much a day: links cost money, and somebody pays it.

Must not look at the network itself: whether a link is metered is told. Unknown counts as metered.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

from fieldsurvey.model.clock import US_PER_S

# TLS, headers and the answer, above the batch itself.
REQUEST_BYTES = 2_048


class Policy(StrEnum):
    """Over which links batches are sent without anybody asking."""

    OFF = "off"
    UNMETERED = "unmetered"
    ANY = "any"


def allows(policy: Policy, metered: bool | None) -> bool:
    """True if ``policy`` lets a batch go out over a link. ``metered`` None: nobody knows."""
    if policy is Policy.UNMETERED:
        return metered is False
    return policy is Policy.ANY


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What was sent on one local day, retries included."""

    day: str  # "2026-11-24"
    total_bytes: int

    def plus(self, sent_bytes: int, now_utc_us: int) -> "DaySpent":
        """Charge ``sent_bytes`` to the day of ``now_utc_us``; another day begins at nothing."""
        today = local_day(now_utc_us)
        before = self.total_bytes if self.day == today else 0
        return DaySpent(today, before + sent_bytes)


def local_day(utc_us: int, zone: datetime.tzinfo | None = None) -> str:
    """Return the calendar day that an operator bills; ``zone`` None is the laptop's own."""
    moment = datetime.datetime.fromtimestamp(utc_us / US_PER_S, datetime.UTC)
    return moment.astimezone(zone).date().isoformat()


def fits(spent: DaySpent, budget_bytes_per_day: int) -> bool:
    """True if ``spent`` is within the budget; a budget of 0 is none."""
    return budget_bytes_per_day == 0 or spent.total_bytes <= budget_bytes_per_day
