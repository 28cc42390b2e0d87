"""Metres driven, added up again from stored fixes by the rule the drive's own odometer follows."""

from collections.abc import Iterable

from fieldsurvey.model.odometer import Odometer

StoredFix = tuple[int, int, float, float, float | None, int]


def driven_m(fixes: Iterable[StoredFix]) -> float:
    """Return metres over ``(drive_seq, mono_us, latitude, longitude, speed_mps, flags)`` in order
    of arrival. Another drive counts as a gap."""
    odometer = Odometer()
    last_drive_seq: int | None = None
    for drive_seq, mono_us, latitude_deg, longitude_deg, speed_mps, flags in fixes:
        if drive_seq != last_drive_seq:
            odometer.break_off()
            last_drive_seq = drive_seq
        odometer.step(mono_us, latitude_deg, longitude_deg, speed_mps, flags)
    return odometer.distance_m
