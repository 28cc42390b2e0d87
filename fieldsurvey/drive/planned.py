"""What the plan still lacks where the car is: counts tests of planned stretches and settlements.

Counts as the judgement at a desk will: only tests that speak for or against the target, each link
by itself, and two close together once. Must not decide when to test; it says how far apart tests
have to be (:mod:`fieldsurvey.drive.triggers` does the rest).
"""

from collections import Counter
from collections.abc import Iterable

from fieldsurvey.drive.confirm import confirmed, is_below
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.place import Place
from fieldsurvey.model.planned import NEAR_M, SOON_US, PlannedProgress
from fieldsurvey.model.tally import Result, result_of
from fieldsurvey.model.throughput import ThroughputTest

_DECIDES = (Result.ABOVE, Result.BELOW, Result.NO_SERVICE)

Part = PlannedStretch | PlannedSettlement


class Planned:
    """The planned parts of one plan, tested over ``links``.

    Attributes:
        progress: every part with its tests, in the plan's order; another tuple after each change.
    """

    def __init__(self, plan: SurveyPlan, links: Iterable[str] = ("",)) -> None:
        self._links = tuple(links)
        self._stretches = plan.stretches
        self._settlements = {one.settlement_id: one for one in plan.settlements}
        self._parts: tuple[Part, ...] = (*plan.stretches, *plan.settlements)
        self.progress: tuple[PlannedProgress, ...] = ()
        self.restart(())

    def restart(self, tests: Iterable[ThroughputTest]) -> None:
        """Begin with what was tested before, in the order it was made."""
        self._made: Counter[tuple[Part, str]] = Counter()
        # On the road or not, and link → the last that counted.
        self._last: dict[tuple[bool, str], ThroughputTest] = {}
        # By test_id: what may be tried once more, with the parts it was counted for.
        self._below: dict[str, tuple[ThroughputTest, list[Part]]] = {}
        self._chainage: tuple[str, float] | None = None
        self._rising: bool | None = None
        for test in tests:
            self._count(test)
        self._tell()

    def add(self, tests: Iterable[ThroughputTest]) -> None:
        """Count tests that were made."""
        if not self._parts:
            return
        for test in tests:
            self._count(test)
        self._tell()

    def here(self, place: Place | None) -> tuple[PlannedProgress, ...]:
        """Return the planned stretch and the planned settlement that ``place`` lies in, if any."""
        return tuple(self._progress(part) for part in self._parts_at(place))

    def step_m(self, place: Place | None) -> float | None:
        """Return how far from the last test the next one has to be at ``place``; None where nothing
        is lacking. Call once a second: it notices in which direction the car drives.

        The missing tests are spread over what is left of a stretch: all of them on its first
        kilometres would judge ten kilometres by two.
        """
        self._notice_direction(place)
        steps = [
            self._step_m(one, place)
            for one in self.here(place)
            if place is not None and not one.is_done
        ]
        return max(NEAR_M, min(steps)) if steps else None

    def _step_m(self, one: PlannedProgress, place: Place) -> float:
        if isinstance(one.planned, PlannedSettlement) or place.chainage_m is None:
            return NEAR_M
        stretch = one.planned
        left_m = {
            True: stretch.to_m - place.chainage_m,
            False: place.chainage_m - stretch.from_m,
            None: float(stretch.to_m - stretch.from_m),
        }[self._rising]
        return left_m / (stretch.tests_needed - one.made)

    def _notice_direction(self, place: Place | None) -> None:
        if place is None or place.highway_ref is None or place.chainage_m is None:
            self._chainage = self._rising = None
            return
        before, self._chainage = self._chainage, (place.highway_ref, place.chainage_m)
        if before is None or before[0] != place.highway_ref:
            self._rising = None
        elif before[1] != place.chainage_m:
            self._rising = place.chainage_m > before[1]

    def _parts_at(self, place: Place | None) -> Iterable[Part]:
        if place is None:
            return
        if place.highway_ref is not None and place.chainage_m is not None:
            for stretch in self._stretches:
                on_it = stretch.from_m <= place.chainage_m < stretch.to_m
                if on_it and stretch.highway_ref == place.highway_ref:
                    yield stretch
        settlement = self._settlements.get(place.settlement_id or "")
        if settlement is not None:
            yield settlement

    def _count(self, test: ThroughputTest) -> None:
        first, parts = self._below.get(test.confirms or "", (None, []))
        if first is not None and confirmed(first, test) is False:
            self._add(parts, first.link, -1)
            del self._below[first.test_id]
        result = _result(test)
        if result not in (*_DECIDES, Result.UNDECIDED):
            return
        apart = {on_road: self._is_apart(test, on_road=on_road) for on_road in (True, False)}
        self._last |= {(on_road, test.link): test for on_road in apart if apart[on_road]}
        if result in _DECIDES:
            here = self._parts_at(test.start_place)
            counted = [part for part in here if apart[isinstance(part, PlannedStretch)]]
            self._add(counted, test.link, 1)
            if is_below(test):
                self._below[test.test_id] = test, counted

    def _add(self, parts: Iterable[Part], link: str, number: int) -> None:
        for part in parts:
            self._made[part, link] += number

    def _is_apart(self, test: ThroughputTest, *, on_road: bool) -> bool:
        last = self._last.get((on_road, test.link))
        if last is None:
            return True
        late = test.started_utc_us - last.started_utc_us >= SOON_US
        a, b = last.start_fix, test.start_fix
        if a is None or b is None:
            return late
        apart_m = distance_m(a.latitude_deg, a.longitude_deg, b.latitude_deg, b.longitude_deg)
        return apart_m >= NEAR_M or (late and not on_road)

    def _progress(self, part: Part) -> PlannedProgress:
        return PlannedProgress(part, min(self._made[part, link] for link in self._links))

    def _tell(self) -> None:
        self.progress = tuple(self._progress(part) for part in self._parts)


def _result(test: ThroughputTest) -> Result:
    checked = test.measurement.self_check
    return result_of(
        test.measurement.outcome,
        test.measurement.cause,
        test.judgement.verdict if test.judgement else None,
        limited=bool(checked and checked.limits),
        repeats=test.confirms is not None,
    )
