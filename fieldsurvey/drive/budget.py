"""How many bytes a day may cost, and whether the next test still fits."""

import datetime

from fieldsurvey.model.clock import US_PER_S

_DAY = datetime.timedelta(days=1)


def local_day_us(utc_us: int, zone: datetime.tzinfo | None = None) -> tuple[int, int]:
    """Return start and end (UTC µs) of the calendar day around ``utc_us``.

    Operators bill by local days; ``zone`` None is the laptop's own time zone.
    """
    moment = datetime.datetime.fromtimestamp(utc_us / US_PER_S, datetime.UTC).astimezone(zone)
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + _DAY
    return int(start.timestamp()) * US_PER_S, int(end.timestamp()) * US_PER_S


def fits(used_bytes: int, next_test_bytes: int, budget_bytes: int) -> bool:
    """True if a test that takes all it may still stays within the day's budget."""
    return used_bytes + next_test_bytes <= budget_bytes
