"""Where measurements lie along an axis: in time, or along a highway.

One choice for all charts that have such an axis, so that one key flips them together. Must not
import Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

import numpy as np

from fieldsurvey.gui.workbench.facts import Bools, Coded, Facts, Floats
from fieldsurvey.gui.workbench.filters import RoadRange, on_road

_SECOND_ON_THE_ROAD_M = 25.0
_MOST_PIECES = 1_000


class Axis(StrEnum):
    TIME = "time"
    ROAD = "road"


class Rising:
    """Values in which ranges are looked up: by bisection where they are made of a few pieces that
    grow, as the times of drives are, one drive after the other."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        # NaN, neither above nor below its neighbours, thus is a piece of its own.
        begins = np.flatnonzero(~(values[1:] >= values[:-1])) + 1
        self._bounds: list[int] | None = None
        if len(begins) < _MOST_PIECES:
            self._bounds = [0, *begins.tolist(), len(values)]

    def between(self, low: float, high: float) -> Bools:
        """Return which values are from ``low`` to ``high``; NaN is nowhere."""
        values = self._values
        if self._bounds is None:
            return (values >= low) & (values <= high)
        inside = np.zeros(len(values), bool)
        for begin, end in pairwise(self._bounds):
            piece = values[begin:end]
            first = begin + int(piece.searchsorted(low))
            inside[first : begin + int(piece.searchsorted(high, "right"))] = True
        return inside


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
        return (self._tests.between(low, high), self._samples.between(low, high))

    @cached_property
    def _tests(self) -> Rising:
        return Rising(self.tests)

    @cached_property
    def _samples(self) -> Rising:
        return Rising(self.samples)


def along_time(facts: Facts) -> Along:
    return Along(Axis.TIME, "", facts.tests.utc_s, facts.samples.utc_s, 1.0)


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
