"""Metres driven, added up again from stored fixes by the rule the drive's own odometer follows.

A gap is not bridged: metres nobody observed are not driven metres.
"""

from collections.abc import Iterable

from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.position import FixFlag

GAP_US = 5_000_000
STANDING_MPS = 0.5  # below this a receiver's scatter would count as driving
_UNTRUSTED = int(FixFlag.JUMP | FixFlag.STALE)

StoredFix = tuple[int, int, float, float, float | None, int]


def driven_m(fixes: Iterable[StoredFix]) -> float:
    """Return metres over ``(drive_seq, mono_us, latitude, longitude, speed_mps, flags)`` in order
    of arrival. Another drive, or a clock that went back (another run), counts as a gap."""
    total_m = 0.0
    last: StoredFix | None = None
    for fix in fixes:
        drive_seq, mono_us, latitude_deg, longitude_deg, speed_mps, flags = fix
        if flags & _UNTRUSTED:
            continue
        previous, last = last, fix
        if previous is None or previous[0] != drive_seq:
            continue
        if not 0 <= mono_us - previous[1] <= GAP_US:
            continue
        if speed_mps is not None and speed_mps < STANDING_MPS:
            continue
        total_m += distance_m(previous[2], previous[3], latitude_deg, longitude_deg)
    return total_m
