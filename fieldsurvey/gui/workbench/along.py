"""Where measurements lie along an axis: in time, or along a highway.

One choice for all charts that have such an axis, so that one key flips them together. Must not
import Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fieldsurvey.gui.workbench.facts import Bools, Coded, Facts, Floats
from fieldsurvey.gui.workbench.filters import RoadRange, on_road

_US_PER_S = 1e6
_SECOND_ON_THE_ROAD_M = 25.0


class Axis(StrEnum):
    TIME = "time"
    ROAD = "road"


@dataclass(frozen=True)
class Along:
    """``tests`` and ``samples``: seconds UTC, or kilometres of ``highway_ref``; NaN elsewhere.
    ``lasting``: how much of the axis a second takes."""

    axis: Axis
    highway_ref: str
    tests: Floats
    samples: Floats
    lasting: float

    def between(self, low: float, high: float) -> tuple[Bools, Bools]:
        """Return the tests and seconds from ``low`` to ``high``."""
        return (
            (self.tests >= low) & (self.tests <= high),
            (self.samples >= low) & (self.samples <= high),
        )


def along_time(facts: Facts) -> Along:
    return Along(
        Axis.TIME, "", facts.tests.utc_us / _US_PER_S, facts.samples.utc_us / _US_PER_S, 1.0
    )


def along_road(facts: Facts, highway_ref: str) -> Along:
    road = RoadRange(highway_ref, -math.inf, math.inf)
    return Along(
        Axis.ROAD,
        highway_ref,
        np.where(on_road(facts.tests, road), facts.tests.chainage_m / 1000, np.nan),
        np.where(on_road(facts.samples, road), facts.samples.chainage_m / 1000, np.nan),
        _SECOND_ON_THE_ROAD_M / 1000,
    )


def main_highway(highways: Coded, tests: Bools) -> str:
    """Return the highway that most of some tests lie on, "" where none does."""
    numbers = np.bincount(highways.codes[tests], minlength=len(highways.words) + 1)[:-1]
    return highways.words[int(numbers.argmax())] if len(numbers) and numbers.max() else ""
