"""Says what is doubtful about a fix. Pure and stateful; never drops, moves or smooths one."""

from dataclasses import replace

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.position import Fix, FixFlag

JUMP_MPS = 100.0  # 360 km/h: no survey car, and no train in the country
JUMP_TOLERANCE_M = 25.0  # scatter of a code receiver in a town, where it states no accuracy
SETTLED_FIXES = 5  # that agree with each other after a jump: the receiver has corrected itself
SHORTEST_STEP_S = 0.05  # fixes that arrive together are not infinitely fast
FROZEN_M = 20.0  # way at the stated speed; more than 100 times the resolution of ddmm.mmmm
HDOP_LIMIT = 6.0  # some 30 m at 5 m per unit of HDOP
ACCURACY_LIMIT_M = 30.0  # a road and its parallel service road are that far apart
CLOCK_LIMIT_US = 2 * US_PER_S  # beyond transmission and USB delays
GAP_US = 3 * US_PER_S  # the same silence that is reported as trouble


class Screen:
    """Remembers what it needs to judge the next fix."""

    def __init__(self) -> None:
        self._last: Fix | None = None
        self._trusted: Fix | None = None  # the last that did not jump
        self._agreeing = 0  # fixes in a row that jumped together
        self._standing_m = 0.0  # way driven by stated speed while coordinates stood still
        self._lost = False

    def lost(self) -> None:
        """Position was lost: the next fix comes after a gap."""
        self._lost = True

    def judge(self, fix: Fix) -> Fix:
        """Return ``fix`` with its flags. Call in order of arrival."""
        flags = FixFlag.NONE
        last = self._last
        if last is not None:
            if self._lost or fix.mono_us - last.mono_us > GAP_US:
                flags |= FixFlag.AFTER_GAP
                self._standing_m = 0.0  # nobody knows how fast it went meanwhile
            elif self._is_frozen(fix, last):
                flags |= FixFlag.FROZEN
            if _is_stale(fix, last):
                flags |= FixFlag.STALE
        if self._has_jumped(fix):
            flags |= FixFlag.JUMP
        if (fix.hdop or 0.0) > HDOP_LIMIT or (fix.accuracy_m or 0.0) > ACCURACY_LIMIT_M:
            flags |= FixFlag.INACCURATE
        offset_us = fix.clock_offset_us
        if offset_us is not None and abs(offset_us) > CLOCK_LIMIT_US:
            flags |= FixFlag.CLOCK_OFFSET
        self._lost = False
        self._last = fix
        return replace(fix, flags=flags)

    def _has_jumped(self, fix: Fix) -> bool:
        trusted, last = self._trusted, self._last
        if trusted is not None and last is not None and _is_too_fast(trusted, fix):
            self._agreeing = 0 if _is_too_fast(last, fix) else self._agreeing + 1
            if self._agreeing < SETTLED_FIXES:
                return True
        self._trusted = fix
        self._agreeing = 0
        return False

    def _is_frozen(self, fix: Fix, last: Fix) -> bool:
        if (fix.latitude_deg, fix.longitude_deg) != (last.latitude_deg, last.longitude_deg):
            self._standing_m = 0.0
            return False
        self._standing_m += (fix.speed_mps or 0.0) * _step_s(last, fix)
        return self._standing_m > FROZEN_M


def _is_stale(fix: Fix, last: Fix) -> bool:
    if fix.gnss_utc_us is None or last.gnss_utc_us is None:
        return False
    return fix.gnss_utc_us <= last.gnss_utc_us


def _is_too_fast(a: Fix, b: Fix) -> bool:
    metres = distance_m(a.latitude_deg, a.longitude_deg, b.latitude_deg, b.longitude_deg)
    return metres - _scatter_m(a) - _scatter_m(b) > JUMP_MPS * _step_s(a, b)


def _scatter_m(fix: Fix) -> float:
    return JUMP_TOLERANCE_M / 2 if fix.accuracy_m is None else 2 * fix.accuracy_m


def _step_s(a: Fix, b: Fix) -> float:
    """Return the time between two fixes by the receiver's clock, which knows no transmission
    delay; by arrival where the receiver's clock cannot be believed."""
    arrived_s = (b.mono_us - a.mono_us) / US_PER_S
    step_s = arrived_s
    if a.gnss_utc_us is not None and b.gnss_utc_us is not None:
        stated_s = (b.gnss_utc_us - a.gnss_utc_us) / US_PER_S
        if 0 < stated_s < arrived_s + CLOCK_LIMIT_US / US_PER_S:
            step_s = max(arrived_s, stated_s)
    return max(step_s, SHORTEST_STEP_S)
