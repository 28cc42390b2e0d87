"""Turns the seconds of a drive into events: service lost and back, position lost and back.

Pure state machines; the samples stay the evidence, the events are what people read.
"""

from dataclasses import dataclass

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Event, EventKind, Sample
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import PositionTrouble
from fieldsurvey.model.throughput import Cause

LOST_AFTER_S = 3  # shorter silences happen at every hand-over


@dataclass(slots=True)
class ServiceWatch:
    """Three unreachable seconds in a row are a dead stretch; it began with the first of them."""

    _silent_since: Sample | None = None
    _silent_s: int = 0
    _lost: bool = False

    def see(self, sample: Sample) -> Event | None:
        """Take the next second; return an event at the start and end of a dead stretch."""
        if not sample.reachability.reachable:
            first = self._silent_since = self._silent_since or sample
            self._silent_s += 1
            if self._silent_s != LOST_AFTER_S:
                return None
            self._lost = True
            cause = sample.reachability.cause or Cause.TIMED_OUT
            text = message("drive.service_lost", cause=message(f"cause.{cause.value}"))
            return Event(EventKind.SERVICE_LOST, first.utc_us, first.mono_us, text)
        lost, since = self._lost, self._silent_since
        self._silent_since, self._silent_s, self._lost = None, 0, False
        if not lost or since is None:
            return None
        seconds = (sample.mono_us - since.mono_us) // US_PER_S
        text = message("drive.service_back", seconds=seconds)
        return Event(EventKind.SERVICE_BACK, sample.utc_us, sample.mono_us, text)


@dataclass(slots=True)
class PositionWatch:
    """Position is lost when the newest fix is older than the limit, or there never was one."""

    limit_us: int = 3 * US_PER_S
    _lost_mono_us: int | None = None

    def see(self, sample: Sample, trouble: PositionTrouble | None) -> Event | None:
        """Take the next second; return an event when position goes and when it comes back."""
        fresh = sample.fix_age_us is not None and sample.fix_age_us <= self.limit_us
        if fresh and self._lost_mono_us is not None:
            seconds = (sample.mono_us - self._lost_mono_us) // US_PER_S
            self._lost_mono_us = None
            text = message("drive.position_back", seconds=seconds)
            return Event(EventKind.POSITION_BACK, sample.utc_us, sample.mono_us, text)
        if not fresh and self._lost_mono_us is None:
            self._lost_mono_us = sample.mono_us - (sample.fix_age_us or 0)
            text = trouble.message if trouble else message("drive.position_lost")
            return Event(EventKind.POSITION_LOST, sample.utc_us, sample.mono_us, text)
        return None
