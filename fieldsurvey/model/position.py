"""A fix, and the trouble a receiver can be in."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum

from fieldsurvey.model.messages import Message


class FixType(IntEnum):
    """Quality as the receiver states it (GGA quality and GSA mode, merged)."""

    NONE = 0
    DEAD_RECKONING = 1
    FIX_2D = 2
    FIX_3D = 3
    DGNSS = 4
    RTK_FLOAT = 5
    RTK_FIXED = 6


class FixFlag(IntFlag):
    """What is doubtful about a fix. Flagged, never smoothed away."""

    NONE = 0
    JUMP = 1  # further from the last fix than any car drives
    STALE = 2  # the receiver repeats an old time stamp
    FROZEN = 4  # same coordinates although it says it moves
    INACCURATE = 8  # accuracy or HDOP beyond the limit
    CLOCK_OFFSET = 16  # GNSS and system clock disagree by more than 2 s
    AFTER_GAP = 32  # first fix after a loss


@dataclass(frozen=True, slots=True)
class Fix:
    """One position from a receiver, with the time on three clocks.

    ``utc_us`` and ``mono_us`` are the drive's clocks when the fix arrived, ``gnss_utc_us`` is the
    receiver's own. Degrees are WGS 84. ``accuracy_m`` is one sigma horizontal where known.
    """

    utc_us: int
    mono_us: int
    latitude_deg: float
    longitude_deg: float
    fix_type: FixType
    gnss_utc_us: int | None = None
    altitude_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    accuracy_m: float | None = None
    hdop: float | None = None
    satellites: int | None = None
    flags: FixFlag = FixFlag.NONE

    @property
    def clock_offset_us(self) -> int | None:
        """GNSS minus system clock."""
        return None if self.gnss_utc_us is None else self.gnss_utc_us - self.utc_us

    def age_us(self, now_mono_us: int) -> int:
        """Time since the fix arrived."""
        return now_mono_us - self.mono_us


class TroubleKind(StrEnum):
    """Why there is no fix."""

    NO_FIX = "no_fix"  # the receiver talks but has no position
    SILENT = "silent"  # connected, nothing arrives
    GARBAGE = "garbage"  # what arrives is not NMEA, or fails its checksum
    UNPLUGGED = "unplugged"  # the port or connection is gone; being retried
    ENDED = "ended"  # a replay reached its end


@dataclass(frozen=True, slots=True)
class PositionTrouble:
    """Reported once when trouble starts and again when its kind changes; a fix ends it."""

    utc_us: int
    mono_us: int
    kind: TroubleKind
    message: Message
