"""When something was measured, out of three clocks: the receiver's, the laptop's wall clock, and
the monotonic one that joins them.

The receiver's clock is right where it can be had. A row without a fresh fix takes it from the
nearest anchor (a fix with the receiver's time) of the same drive in its batch, at the distance that
the monotonic clock tells; but only if the wall clock tells the same distance: else it was set, or
the laptop slept or was restarted in between. What is left has the wall clock's time, and says so.
The clocks' own readings are kept beside the result, and it is a function of one batch: neither the
order nor the company in which batches are merged can change it.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from fieldsurvey.model.position import FixFlag

Integers = npt.NDArray[np.int64]

US_PER_S = 1_000_000
FRESH_US = 2 * US_PER_S
DISAGREE_US = 2 * US_PER_S
DAY_US = 86_400 * US_PER_S
EARLIEST_UTC_US = 1_577_836_800_000_000  # 2020: nothing was measured before
UNTIMELY = FixFlag.JUMP | FixFlag.STALE | FixFlag.FROZEN  # the receiver's word is doubtful


class TimeQuality(StrEnum):
    """Where ``ts_utc_us`` comes from."""

    GNSS = "gnss"  # the row's own fix, at most 2 s old
    ANCHORED = "anchored"  # a fix further away
    WALL = "wall"  # the laptop's clock, unchecked
    DOUBTFUL = "doubtful"  # the laptop's clock, and it cannot be right


@dataclass(frozen=True, slots=True)
class Anchors:
    """Moments of which the receiver told the time, ordered by the monotonic clock."""

    mono_us: Integers
    utc_us: Integers
    gnss_utc_us: Integers

    @classmethod
    def of(
        cls,
        mono_us: Integers,
        utc_us: Integers,
        gnss_utc_us: Integers,
        flags: Integers,
        received_utc_us: int,
    ) -> "Anchors":
        """Take those fixes of which the time can be believed."""
        believed = is_plausible(gnss_utc_us, received_utc_us) & (flags & int(UNTIMELY) == 0)
        clocks = (gnss_utc_us[believed], utc_us[believed], mono_us[believed])
        order = np.lexsort(clocks)  # by the last of them, then the one before
        gnss_utc_us, utc_us, mono_us = (clock[order] for clock in clocks)
        first = np.append(True, np.diff(mono_us) != 0)[: len(mono_us)]
        return cls(mono_us[first], utc_us[first], gnss_utc_us[first])


def is_plausible(utc_us: Integers, received_utc_us: int) -> npt.NDArray[np.bool_]:
    """Tell which times are neither before all measuring nor after the batch came to HQ. Receivers
    with an old almanac are 1,024 weeks behind."""
    return (utc_us >= EARLIEST_UTC_US) & (utc_us <= received_utc_us + DAY_US)


def settle(
    mono_us: Integers, utc_us: Integers, anchors: Anchors, received_utc_us: int
) -> tuple[Integers, npt.NDArray[np.object_]]:
    """Return each row's time in UTC and its quality."""
    ts_utc_us = utc_us.copy()
    plausible = is_plausible(utc_us, received_utc_us)
    quality = np.where(plausible, TimeQuality.WALL.value, TimeQuality.DOUBTFUL.value).astype(object)
    count = len(anchors.mono_us)
    if count == 0 or len(mono_us) == 0:
        return ts_utc_us, quality
    after = np.searchsorted(anchors.mono_us, mono_us, side="right")
    nearest_us = np.full(len(mono_us), np.inf)
    for chosen in (after - 1, after):
        there = (chosen >= 0) & (chosen < count)
        at = np.where(there, chosen, 0)
        by_mono_us = mono_us - anchors.mono_us[at]
        disagreement_us = (utc_us - anchors.utc_us[at]) - by_mono_us
        agree = (disagreement_us >= -DISAGREE_US) & (disagreement_us <= DISAGREE_US)
        distance_us = np.abs(mono_us.astype(np.float64) - anchors.mono_us[at].astype(np.float64))
        # A later fix is not better than a fresh one: each came by its own delay.
        better = there & agree & (distance_us < nearest_us) & (nearest_us > FRESH_US)
        ts_utc_us[better] = (anchors.gnss_utc_us[at] + by_mono_us)[better]
        nearest_us[better] = distance_us[better]
    quality[nearest_us < np.inf] = TimeQuality.ANCHORED.value
    quality[nearest_us <= FRESH_US] = TimeQuality.GNSS.value
    return ts_utc_us, quality
