"""How far the car has come, counting only what was seen.

A gap is not bridged: metres nobody observed are not driven metres in a survey.
"""

from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.position import Fix, FixFlag

GAP_US = 5_000_000  # the export starts a new track segment at the same gap
STANDING_MPS = 0.5  # below this a receiver's scatter would count as driving


class Odometer:
    """Adds up the way between consecutive trustworthy fixes, in metres."""

    def __init__(self, start_m: float = 0.0) -> None:
        self.distance_m = start_m
        self._last: Fix | None = None

    def add(self, fix: Fix) -> None:
        """Take one more fix, in order of arrival."""
        last = self._last
        if fix.flags & (FixFlag.JUMP | FixFlag.STALE):
            return
        self._last = fix
        if last is None or fix.mono_us - last.mono_us > GAP_US:
            return
        if fix.speed_mps is not None and fix.speed_mps < STANDING_MPS:
            return
        self.distance_m += distance_m(
            last.latitude_deg, last.longitude_deg, fix.latitude_deg, fix.longitude_deg
        )
