"""Turns what a receiver says, and what it does not say, into reports.

Must not report the same trouble twice in a row, and must not stay silent about silence.
"""

from collections.abc import Iterable
from typing import TypeAlias

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import Fix, PositionTrouble, TroubleKind
from fieldsurvey.position.screen import Screen
from fieldsurvey.position.stream import Moment, Statement

Report: TypeAlias = Fix | PositionTrouble

# Receivers speak every second; two may be lost to a busy cable. At 100 km/h that is 83 m.
LIMIT_US = 3 * US_PER_S
# gpsd and some receivers split a moment: a void right behind a fix is not yet a loss.
PARTIAL_US = US_PER_S // 2


class Watch:
    """One per source, told everything in order. ``source`` is its name for the messages."""

    def __init__(self, source: str, started: Moment) -> None:
        self._source = source
        self._screen = Screen()
        self._trouble: TroubleKind | None = None
        self._last_fix_us: int | None = None
        self.connected(started)

    def connected(self, at: Moment) -> None:
        """The link is open, so that all limits count from now."""
        self._bytes_us = self._sentence_us = self._position_us = at.mono_us

    def heard(self, at: Moment, understood: bool) -> None:
        """Bytes arrived; ``understood`` says whether intact sentences were among them."""
        if at.mono_us - self._bytes_us >= LIMIT_US:  # after silence, wait for a sentence anew
            self._sentence_us = self._position_us = at.mono_us
        self._bytes_us = at.mono_us
        if understood:
            if at.mono_us - self._sentence_us >= LIMIT_US:  # after garbage, for a position
                self._position_us = at.mono_us
            self._sentence_us = at.mono_us

    def take(self, statements: Iterable[Statement], at: Moment) -> list[Report]:
        """Return fixes with their flags, and trouble where the receiver states no position."""
        reports: list[Report] = []
        for statement in statements:
            if statement is None:
                last_us = self._last_fix_us
                if last_us is None or at.mono_us - last_us > PARTIAL_US:
                    reports += self._report(TroubleKind.NO_FIX, at)
                continue
            self._trouble = None
            self._last_fix_us = self._position_us = at.mono_us
            reports.append(self._screen.judge(statement))
        return reports

    def tick(self, at: Moment, receiver_gone: bool = False) -> list[Report]:
        """Return trouble where something has been missing for too long. Call twice a second."""
        if receiver_gone:
            text = message("position.gpsd_no_receiver", source=self._source)
            return self.gone(text, at)
        for kind, since_us in (
            (TroubleKind.SILENT, self._bytes_us),
            (TroubleKind.GARBAGE, self._sentence_us),
            (TroubleKind.NO_FIX, self._position_us),
        ):
            if at.mono_us - since_us >= LIMIT_US:
                return self._report(kind, at)
        return []

    def gone(self, text: Message, at: Moment) -> list[Report]:
        """The port or connection is gone, or could not be opened."""
        return self._report(TroubleKind.UNPLUGGED, at, text)

    def ended(self, text: Message, at: Moment) -> list[Report]:
        """A replay has reached its end."""
        return self._report(TroubleKind.ENDED, at, text)

    def silent_for_us(self, at: Moment) -> int:
        """Time without a byte."""
        return at.mono_us - self._bytes_us

    def _report(self, kind: TroubleKind, at: Moment, text: Message | None = None) -> list[Report]:
        self._screen.lost()
        if kind is self._trouble:
            return []
        self._trouble = kind
        text = text or message(f"position.{kind.value}", source=self._source)
        return [PositionTrouble(at.utc_us, at.mono_us, kind, text)]
