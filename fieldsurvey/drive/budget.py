"""What a day and a month are to an operator's bill, and what a test may cost at most."""

import datetime

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.throughput import Measurement, MeasurementPlan, PhaseKind

_DAY = datetime.timedelta(days=1)
_LONGER_THAN_A_MONTH = datetime.timedelta(days=32)

# Above the payload that a plan bounds: handshakes of all connections (TLS certificates are the
# most of them), pings, the radio's wake-up.
CONNECTION_BYTES = 8_000
PING_BYTES = 600
WAKE_UP_BYTES = 100_000
LOADED_PINGS = 100


def local_day_us(utc_us: int, zone: datetime.tzinfo | None = None) -> tuple[int, int]:
    """Return start and end (UTC µs) of the calendar day around ``utc_us``.

    Operators bill by local days; ``zone`` None is the laptop's own time zone.
    """
    start = _local(utc_us, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return _us(start), _us(start + _DAY)


def local_month_us(utc_us: int, zone: datetime.tzinfo | None = None) -> tuple[int, int]:
    """Return start and end (UTC µs) of the calendar month around ``utc_us``."""
    start = _local(utc_us, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _us(start), _us((start + _LONGER_THAN_A_MONTH).replace(day=1))


def fits(used_bytes: int, next_test_bytes: int, budget_bytes: int) -> bool:
    """True if a test that takes all it may still stays within the budget."""
    return used_bytes + next_test_bytes <= budget_bytes


def most_bytes(order: MeasurementPlan) -> int:
    """Return what a test may take at most, all directions; headers of the load not counted."""
    loads = sum(kind in (PhaseKind.DOWNLOAD, PhaseKind.UPLOAD) for kind in order.phases)
    pings = order.idle_pings + LOADED_PINGS * loads
    connections = 1 + order.connections * loads
    return (
        loads * order.max_bytes
        + connections * CONNECTION_BYTES
        + pings * PING_BYTES
        + (WAKE_UP_BYTES if order.wake_up else 0)
    )


def taken_bytes(measurement: Measurement) -> int:
    """Return what a test took, its pings estimated, as nobody counts those."""
    payload_bytes = sum(phase.payload_bytes for phase in measurement.phases)
    pings = sum(len(phase.round_trips_us) + phase.round_trips_lost for phase in measurement.phases)
    return max(measurement.wire_bytes, payload_bytes) + pings * PING_BYTES


def _local(utc_us: int, zone: datetime.tzinfo | None) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(utc_us / US_PER_S, datetime.UTC).astimezone(zone)


def _us(moment: datetime.datetime) -> int:
    return int(moment.timestamp()) * US_PER_S
