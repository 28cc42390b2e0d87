"""In which order to drive what lacks tests, and what that takes in kilometres and hours.

An order, not a way: between stretches it knows straight lines only, so the road is longer. The next
nearest end comes next; then the order is improved by turning parts of it round (2-opt, Croes 1958)
until nothing gets shorter. Pure: the same places give the same route.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.analysis.lacking import Lack, Point
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.drive import PlannedSettlement
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.planned import NEAR_M, SOON_US

Floats = npt.NDArray[np.float64]

ASSUMED_SPEED_MPS = 60 / 3.6
_FEWEST_SECONDS = 60  # on highways, for a pace that was measured
_SLOWEST_MPS = 1.0

_EARTH_M = 6_371_008.8  # mean radius; straight lines need no ellipsoid
_GAIN_M = 1.0  # less is not worth another order
_MOST_SWEEPS = 30
_MOST_COMPARISONS = 200_000_000  # seconds of work; longer lists are improved less


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast crews drive highways, stops included, and how much road a test takes."""

    speed_mps: float
    metres_per_test: float
    measured: bool  # False: nobody drove yet, the speed is assumed


@dataclass(frozen=True, slots=True)
class Leg:
    """One place of the route. ``turned``: from its end to its start, on the first pass."""

    lack: Lack
    turned: bool
    passes: int
    approach_m: float  # straight line from the leg before, or from where the route begins

    @property
    def driven_m(self) -> float:
        return self.passes * self.lack.length_m

    @property
    def points(self) -> list[Point]:
        """Return its ends in the order they are met, one more than passes."""
        ends = [self.lack.end, self.lack.start] if self.turned else [self.lack.start, self.lack.end]
        return [ends[number % 2] for number in range(self.passes + 1)] if self.passes else ends[:1]


@dataclass(frozen=True, slots=True)
class Route:
    """``left_out``: how many places did not fit into the kilometres allowed."""

    legs: tuple[Leg, ...]
    pace: Pace
    left_out: int

    @property
    def approach_m(self) -> float:
        return sum(leg.approach_m for leg in self.legs)

    @property
    def driven_m(self) -> float:
        return sum(leg.driven_m for leg in self.legs)

    @property
    def duration_s(self) -> float:
        """Return the time on the road at the surveyed pace, and a minute for each test of a
        settlement: sooner, two tests at one spot are one look at it."""
        standing = sum(
            leg.lack.planned.tests_needed * SOON_US / 1e6
            for leg in self.legs
            if isinstance(leg.lack.planned, PlannedSettlement)
        )
        return (self.approach_m + self.driven_m) / self.pace.speed_mps + standing


def pace_of(m: Measurements, seconds_per_test: float) -> Pace:
    """Return the pace of ``m``'s drives on highways; ``seconds_per_test``: from the start of one
    test to that of the next, at the least."""
    speeds = m.samples.filter(pl.col("highway_ref").is_not_null())["speed_mps"].drop_nulls()
    mean_mps = speeds.cast(pl.Float64).mean() if len(speeds) >= _FEWEST_SECONDS else None
    measured = isinstance(mean_mps, float) and mean_mps >= _SLOWEST_MPS
    speed_mps = mean_mps if measured and isinstance(mean_mps, float) else ASSUMED_SPEED_MPS
    return Pace(speed_mps, max(NEAR_M, speed_mps * seconds_per_test), measured)


def plan_route(
    lacks: Sequence[Lack],
    pace: Pace,
    start: Point | None = None,
    most_m: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Route:
    """Return a short way through ``lacks``, open at its end.

    Without ``start`` it begins with the first of them. ``most_m`` bounds passes and straight lines
    together; what does not fit is left out. Raises ``KnownError`` ``plan.cancelled``.
    """
    passes = np.array([_passes(lack, pace) for lack in lacks], np.int64)
    driven_m = passes * np.array([lack.length_m for lack in lacks], float)
    ends = np.stack(
        [_on_sphere([lack.start for lack in lacks]), _on_sphere([lack.end for lack in lacks])], 1
    )
    begin = ends[0, 0] if start is None and len(lacks) else _on_sphere([start or (0.0, 0.0)])[0]
    order, turned = _nearest_next(ends, passes, driven_m, begin, most_m, cancelled)
    fixed = None if start is None else begin
    order, turned = _improved(ends, passes, order, turned, fixed, cancelled)
    entries, exits = _entries_and_exits(ends, passes, order, turned)
    before = np.vstack([begin if start is not None else entries[:1], exits[:-1]])
    approach_m = _distance_m(before, entries) if len(order) else np.zeros(0)
    legs = tuple(
        Leg(lacks[i], flip, int(passes[i]), far)
        for i, flip, far in zip(order.tolist(), turned.tolist(), approach_m.tolist(), strict=True)
    )
    return Route(legs, pace, len(lacks) - len(legs))


def stop_if(cancelled: Callable[[], bool]) -> None:
    """Raise ``KnownError`` ``plan.cancelled`` where somebody asked to stop."""
    if cancelled():
        raise KnownError("plan.cancelled")


def _passes(lack: Lack, pace: Pace) -> int:
    """Return how often a stretch has to be driven for its tests; settlements are stood in."""
    if lack.length_m <= 0:
        return 0
    return max(1, ceil(lack.planned.tests_needed * pace.metres_per_test / lack.length_m))


def _nearest_next(
    ends: Floats,
    passes: npt.NDArray[np.int64],
    driven_m: Floats,
    at: Floats,
    most_m: float | None,
    cancelled: Callable[[], bool],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return which lack comes after which, and which are entered at their end."""
    left = np.arange(len(ends))
    budget_m = np.inf if most_m is None else most_m
    order, turned = [], []
    while len(left):
        stop_if(cancelled)
        apart_m = _distance_m(at, ends[left])
        nearest_m = apart_m.min(axis=1)
        fits = nearest_m + driven_m[left] <= budget_m
        if not fits.any():
            break
        k = int(np.argmin(np.where(fits, nearest_m, np.inf)))
        i, entry = int(left[k]), int(np.argmin(apart_m[k]))
        budget_m -= float(nearest_m[k] + driven_m[i])
        order.append(i)
        turned.append(entry == 1)
        at = ends[i, (entry + int(passes[i])) % 2]
        left = np.delete(left, k)
    return np.array(order, np.int64), np.array(turned, bool)


def _improved(
    ends: Floats,
    passes: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    turned: npt.NDArray[np.bool_],
    begin: Floats | None,
    cancelled: Callable[[], bool],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Turn parts of the way round while that makes the straight lines shorter.

    Turned round, a part is left where it was entered. So only the lines before and behind it
    change. A place that is left where it was entered (an even number of passes) stays so.
    """
    entries, exits = _entries_and_exits(ends, passes, order, turned)
    count = len(order)
    sweeps = min(_MOST_SWEEPS, max(1, _MOST_COMPARISONS // max(1, count * count)))
    for _ in range(sweeps):
        shorter = False
        for i in range(count):
            stop_if(cancelled)
            before = exits[i - 1] if i else begin
            behind_m = np.append(_distance_m(exits[i:-1], entries[i + 1 :]), 0.0)
            new_behind_m = np.append(_distance_m(entries[i], entries[i + 1 :]), 0.0)
            change_m = new_behind_m - behind_m
            if before is not None:
                change_m += _distance_m(before, exits[i:]) - _distance_m(before, entries[i])
            best = int(np.argmin(change_m))
            if change_m[best] < -_GAIN_M:
                part = slice(i, i + best + 1)
                entries[part], exits[part] = exits[part][::-1].copy(), entries[part][::-1].copy()
                order[part] = order[part][::-1].copy()
                turned[part] = (turned[part] ^ (passes[order[part]][::-1] % 2 == 1))[::-1].copy()
                shorter = True
        if not shorter:
            break
    return order, turned


def _entries_and_exits(
    ends: Floats,
    passes: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    turned: npt.NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    first = turned.astype(np.int64)
    last = (first + passes[order]) % 2
    return ends[order, first], ends[order, last]


def _on_sphere(points: Sequence[Point]) -> Floats:
    """Return unit vectors (n, 3)."""
    degrees = np.array(points, float).reshape(-1, 2)
    latitude, longitude = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    return np.column_stack(
        (
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        )
    )


def _distance_m(a: Floats, b: Floats) -> Floats:
    """Return great-circle distances between unit vectors, from their chord."""
    chord = np.sqrt(((a - b) ** 2).sum(axis=-1))
    distance: Floats = 2 * _EARTH_M * np.arcsin(np.minimum(chord / 2, 1.0))
    return distance
