"""Turns the state of a drive into the readings of the strip, in words."""

from fieldsurvey.drive.health import LaptopState
from fieldsurvey.drive.snapshot import Health, StripItem
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import Fix, FixFlag, PositionTrouble

STALE_FIX_US = 3 * US_PER_S
CLOCK_LIMIT_US = 2 * US_PER_S
LOW_DISK_BYTES = 1_000_000_000
FULL_DISK_BYTES = 50_000_000
LOW_BATTERY_PERCENT = 20


def position_item(
    fix: Fix | None, age_us: int | None, trouble: PositionTrouble | None
) -> StripItem:
    """Accuracy and satellites, or what is wrong with the receiver."""
    if fix is None or age_us is None:
        value = message("drive.position_none")
        return StripItem(Health.FAILED, value, trouble.message if trouble else None)
    if age_us > STALE_FIX_US:
        value = message("drive.position_stale", age_s=age_us // US_PER_S)
        return StripItem(Health.FAILED, value, trouble.message if trouble else None)
    satellites = "–" if fix.satellites is None else fix.satellites
    if fix.accuracy_m is not None:
        value = message(
            "drive.position_accuracy", accuracy_m=round(fix.accuracy_m), satellites=satellites
        )
    elif fix.hdop is not None:
        value = message("drive.position_hdop", hdop=f"{fix.hdop:.1f}", satellites=satellites)
    else:
        value = message("drive.position_plain", satellites=satellites)
    doubtful = fix.flags & ~(FixFlag.CLOCK_OFFSET | FixFlag.AFTER_GAP)
    if doubtful:
        return StripItem(Health.DEGRADED, value, message("drive.position_doubtful"))
    return StripItem(Health.OK, value)


def network_item(reachability: Reachability | None) -> StripItem:
    """Round trip to the measurement server, or the cause of its silence."""
    if reachability is None:
        return StripItem(Health.OFF, message("drive.network_unknown"))
    if reachability.reachable:
        trip_us = reachability.round_trip_us
        if trip_us is None:
            return StripItem(Health.OK, message("drive.network_ok"))
        return StripItem(Health.OK, message("drive.network_round_trip", ms=round(trip_us / 1000)))
    return StripItem(Health.FAILED, message("drive.no_service", cause=cause_message(reachability)))


def cause_message(reachability: Reachability) -> Message:
    """Name the cause in words."""
    cause = reachability.cause
    return message(f"cause.{cause.value}") if cause else message("cause.unknown")


def storage_item(state: LaptopState | None, trouble: Message | None, waiting: int) -> StripItem:
    """Free space, or why rows wait in memory."""
    if trouble is not None:
        return StripItem(Health.FAILED, message("drive.storage_waiting", rows=waiting), trouble)
    if state is None or state.free_bytes is None:
        return StripItem(Health.OFF, message("drive.storage_unknown"))
    value = message("drive.storage_free", free_gb=f"{state.free_bytes / 1e9:.1f}")
    if state.free_bytes < FULL_DISK_BYTES:
        return StripItem(Health.FAILED, value, message("drive.storage_full_advice"))
    if state.free_bytes < LOW_DISK_BYTES:
        return StripItem(Health.DEGRADED, value, message("drive.storage_low_advice"))
    return StripItem(Health.OK, value)


def power_item(state: LaptopState | None) -> StripItem:
    """Mains or battery."""
    if state is None or state.battery_percent is None:
        return StripItem(Health.OFF, message("drive.power_unknown"))
    if state.on_mains:
        return StripItem(Health.OK, message("drive.power_mains", percent=state.battery_percent))
    value = message("drive.power_battery", percent=state.battery_percent)
    if state.battery_percent < LOW_BATTERY_PERCENT:
        return StripItem(Health.DEGRADED, value, message("drive.power_low_advice"))
    return StripItem(Health.OK, value)


def clock_item(fix: Fix | None) -> StripItem:
    """GNSS minus system clock."""
    offset_us = None if fix is None else fix.clock_offset_us
    if offset_us is None:
        return StripItem(Health.OFF, message("drive.clock_unknown"))
    offset_s = f"{offset_us / US_PER_S:+.1f}"
    if abs(offset_us) > CLOCK_LIMIT_US:
        value = message("drive.clock_off", offset_s=offset_s)
        return StripItem(Health.DEGRADED, value, message("drive.clock_advice"))
    return StripItem(Health.OK, message("drive.clock_ok", offset_s=offset_s))
