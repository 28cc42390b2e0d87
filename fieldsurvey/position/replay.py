"""Drives a recording again, at the pace of the clock it is given.

Must not drift (every moment is due at an absolute time) and must not invent trouble when the
computer is late: gaps are the recording's own.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from fieldsurvey.model.clock import US_PER_S, Clock
from fieldsurvey.model.messages import message
from fieldsurvey.position.nmea import NmeaDecoder
from fieldsurvey.position.recording import DAMAGES, Content, RecordedMoment, Recording
from fieldsurvey.position.stream import Arrival, Moment, Statement, moment
from fieldsurvey.position.watch import LIMIT_US, Report, Watch


class ReplaySource:
    """A recording behind the ``PositionSource`` protocol.

    Fixes are stamped with the time at which they were due. With ``as_if_now`` GNSS times are
    shifted so that the first fix, and the first after each break, is at the clock's UTC.
    """

    replayed = True

    def __init__(
        self, uri: str, path: Path, clock: Clock, *, start_s: float = 0.0, as_if_now: bool = True
    ) -> None:
        self.uri = uri
        self.due_us: int | None = None
        self._path = path
        self._clock = clock
        self._start_us = int(start_s * US_PER_S)
        self._as_if_now = as_if_now
        self._recording = Recording(path)

    async def reports(self) -> AsyncIterator[Report]:
        """See ``PositionSource``."""
        begun = due = moment(self._clock)
        watch = Watch(str(self._path), begun)
        player = _Player(self._as_if_now)
        kind = "ended"
        first_us: int | None = None
        with contextlib.closing(self._recording.moments()) as moments:
            try:
                for recorded in moments:
                    if recorded.at_us < self._start_us:
                        continue
                    first_us = recorded.at_us if first_us is None else first_us
                    after_us = recorded.at_us - first_us
                    silent_us = due.mono_us - begun.mono_us + LIMIT_US
                    if after_us > silent_us:
                        for report in watch.tick(await self._until(silent_us, begun)):
                            yield report
                    due = await self._until(after_us, begun)
                    for report in player.play(recorded, due, watch):
                        yield report
            except DAMAGES:
                kind = "ended_damaged"
            finally:
                self.due_us = None
        for report in watch.ended(message(f"position.{kind}", path=self._path), due):
            yield report

    async def _until(self, after_us: int, begun: Moment) -> Moment:
        """Wait for ``after_us`` after the beginning and return that moment, however late it is:
        at 300 times the speed, a millisecond of lateness would be a third of a second."""
        due = Moment(begun.utc_us + after_us, begun.mono_us + after_us)
        self.due_us = due.mono_us
        await self._clock.sleep(max(0, due.mono_us - self._clock.mono_us()) / US_PER_S)
        return due


class _Player:
    """Decodes recorded moments and moves their GNSS times."""

    def __init__(self, as_if_now: bool) -> None:
        self._as_if_now = as_if_now
        self._decoder = NmeaDecoder()
        self._shift_us: int | None = None if as_if_now else 0

    def play(self, recorded: RecordedMoment, due: Moment, watch: Watch) -> list[Report]:
        """Return what ``watch`` makes of the moment."""
        if recorded.after_break and self._as_if_now:
            self._shift_us = None
        understood = self._decoder.understood
        statements = self._decode(recorded.content, due)
        is_nmea = isinstance(recorded.content, bytes)
        watch.heard(due, not is_nmea or self._decoder.understood > understood)
        return watch.take(map(self._shifted, statements), due) + watch.tick(due)

    def _decode(self, content: Content, due: Moment) -> list[Statement]:
        if isinstance(content, bytes):
            return self._decoder.feed(Arrival(content, due)) + self._decoder.flush()
        if content is None:
            return [None]
        return [replace(content, utc_us=due.utc_us, mono_us=due.mono_us)]

    def _shifted(self, statement: Statement) -> Statement:
        if statement is None or statement.gnss_utc_us is None:
            return statement
        if self._shift_us is None:
            self._shift_us = statement.utc_us - statement.gnss_utc_us
        return replace(statement, gnss_utc_us=statement.gnss_utc_us + self._shift_us)
