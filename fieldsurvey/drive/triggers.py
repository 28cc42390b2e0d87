"""When to test. Pure: the same drive and the same random numbers give the same answers.

Tests at equal steps may keep step with something that repeats (a scheduler, a timetable) and meet
it always in the same state (RFC 2330, 11.1). So a test due by time or distance starts up to one
minimum gap later, at random. What is due by place is not put off: the place would be passed.
"""

import random
from dataclasses import dataclass

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.throughput import Trigger


@dataclass(slots=True)
class Triggers:
    """Remembers where the last test was made and says whether the next one is due.

    Kilometre posts and settlements come before distance and time: they are what the survey is
    judged by. A post or a settlement passed during a test is served right after it. Without
    ``chance`` nothing is put off.
    """

    plan: SurveyPlan
    chance: random.Random | None = None
    _last_start_mono_us: int | None = None
    _last_end_mono_us: int | None = None
    _last_distance_m: float = 0.0
    _posts: tuple[tuple[str, int], ...] = ()  # the last two: standing at a post is not passing it
    _settlement_id: str | None = None
    _pending: Trigger | None = None
    _held_until_mono_us: int | None = None
    _put_off_until_mono_us: int | None = None

    def by_hand(self) -> None:
        """Ask for a test at the next chance, whatever the plan says."""
        self._pending = Trigger.HAND

    def hold_until(self, mono_us: int) -> None:
        """Let nothing but the hand start a test before ``mono_us``."""
        self._held_until_mono_us = max(mono_us, self._held_until_mono_us or mono_us)

    def due(
        self,
        mono_us: int,
        distance_m: float,
        place: Place | None,
        planned_step_m: float | None = None,
    ) -> Trigger | None:
        """Return why a test is due now, or None. Call once a second, and not while testing.

        ``planned_step_m``: how far from the last test the plan wants one on the stretch that the
        car is on, None where it lacks none.
        """
        self.notice_place(place)
        if self._pending is Trigger.HAND:
            return Trigger.HAND
        if self._too_early(mono_us):
            return None
        if self._pending is not None:
            return self._pending
        trigger = self._by_plan(distance_m, planned_step_m) or self._by_way_or_time(
            mono_us, distance_m
        )
        if trigger is None or self._last_start_mono_us is None or self.chance is None:
            return trigger
        if self._put_off_until_mono_us is None:
            put_off_us = self.chance.uniform(0.0, self.plan.minimum_gap_s) * US_PER_S
            self._put_off_until_mono_us = mono_us + int(put_off_us)
        return trigger if mono_us >= self._put_off_until_mono_us else None

    def _too_early(self, mono_us: int) -> bool:
        if self._held_until_mono_us is not None and mono_us < self._held_until_mono_us:
            return True
        return (
            self._last_end_mono_us is not None
            and mono_us - self._last_end_mono_us < self.plan.minimum_gap_s * US_PER_S
        )

    def _by_plan(self, distance_m: float, step_m: float | None) -> Trigger | None:
        if step_m is None:
            return None
        far = self._last_start_mono_us is None or distance_m - self._last_distance_m >= step_m
        return Trigger.DISTANCE if far else None

    def _by_way_or_time(self, mono_us: int, distance_m: float) -> Trigger | None:
        way_m, period_s = self.plan.trigger_distance_m, self.plan.trigger_period_s
        if self._last_start_mono_us is None:
            return Trigger.TIME if way_m is not None or period_s is not None else None
        if way_m is not None and distance_m - self._last_distance_m >= way_m:
            return Trigger.DISTANCE
        if period_s is not None and mono_us - self._last_start_mono_us >= period_s * US_PER_S:
            return Trigger.TIME
        return None

    def notice_place(self, place: Place | None) -> None:
        """Watch kilometre posts and settlements go by; call once a second, also while testing."""
        if place is None:
            return
        if place.highway_ref is not None and place.kilometre_post is not None:
            post = (place.highway_ref, place.kilometre_post)
            same_road = bool(self._posts) and self._posts[-1][0] == post[0]
            if post not in self._posts:
                if same_road and self.plan.trigger_kilometre_post:
                    self._pending = self._pending or Trigger.KILOMETRE_POST
                self._posts = (*self._posts[-1:], post)
        if place.settlement_id != self._settlement_id:
            self._settlement_id = place.settlement_id
            entered = place.settlement_id is not None and self.plan.trigger_settlement
            if entered and self._pending is not Trigger.HAND:
                self._pending = Trigger.SETTLEMENT

    def started(self, mono_us: int, distance_m: float) -> None:
        """A test begins."""
        self._last_start_mono_us = mono_us
        self._last_distance_m = distance_m
        self._pending = None
        self._put_off_until_mono_us = None

    def ended(self, mono_us: int) -> None:
        """The test is over."""
        self._last_end_mono_us = mono_us
