"""How far the car has come, counting only what was seen.

A gap is not bridged: metres nobody observed are not driven metres in a survey. One rule for the
drive as it happens and for the survey file when it is read again.
"""

from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.position import Fix, FixFlag

GAP_US = 5_000_000  # the export starts a new track segment at the same gap
STANDING_MPS = 0.5  # below this a receiver's scatter would count as driving
_UNTRUSTED = int(FixFlag.JUMP | FixFlag.STALE)


class Odometer:
    """Adds up the way between consecutive trustworthy fixes, in metres."""

    def __init__(self, start_m: float = 0.0) -> None:
        self.distance_m = start_m
        self._last: tuple[int, float, float] | None = None

    def add(self, fix: Fix) -> None:
        """Take one more fix, in order of arrival."""
        self.step(fix.mono_us, fix.latitude_deg, fix.longitude_deg, fix.speed_mps, int(fix.flags))

    def step(
        self,
        mono_us: int,
        latitude_deg: float,
        longitude_deg: float,
        speed_mps: float | None,
        flags: int,
    ) -> None:
        """Take one more fix by its values; a monotonic clock that went back is a gap."""
        if flags & _UNTRUSTED:
            return
        last, self._last = self._last, (mono_us, latitude_deg, longitude_deg)
        if last is None or not 0 <= mono_us - last[0] <= GAP_US:
            return
        if speed_mps is not None and speed_mps < STANDING_MPS:
            return
        self.distance_m += distance_m(last[1], last[2], latitude_deg, longitude_deg)

    def break_off(self) -> None:
        """The next fix belongs to another drive: do not count the way to it."""
        self._last = None
