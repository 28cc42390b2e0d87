"""The position side of a drive: newest fix, trouble, metres driven.

Hands fixes over by their time of arrival, so that a second of the drive gets exactly the fixes
that arrived in it even when the loop was late.
"""

import asyncio
from collections import deque

from fieldsurvey.model.odometer import Odometer
from fieldsurvey.model.position import Fix, PositionTrouble, TroubleKind
from fieldsurvey.position.source import PositionSource


class Receiver:
    """Runs a position source. ``taken`` is the newest fix already handed over by :meth:`take`."""

    def __init__(self, source: PositionSource) -> None:
        self.source = source
        self.odometer = Odometer()
        self.newest: Fix | None = None
        self.taken: Fix | None = None
        self.trouble: PositionTrouble | None = None
        self.ended = False
        self._pending: deque[Fix] = deque()

    async def run(self) -> None:
        """Take reports until the source ends (a replay) or the task is cancelled."""
        async for report in self.source.reports():
            if isinstance(report, Fix):
                self.trouble = None
                self.newest = report
                self.odometer.add(report)
                self._pending.append(report)
            else:
                self.trouble = report
                if report.kind is TroubleKind.ENDED:
                    self.ended = True
        self.ended = True

    async def catch_up(self, mono_us: int) -> None:
        """Let a replay hand over what was due by then: at ten times the speed its fixes are five
        seconds late when the computer was busy for half a one. Live ones have nothing waiting."""
        while not self.ended:
            due_us = self.source.due_us
            if due_us is None or due_us > mono_us:
                return
            await asyncio.sleep(0)

    def take(self, until_mono_us: int) -> list[Fix]:
        """Return the fixes that arrived up to ``until_mono_us`` since the last call."""
        fixes: list[Fix] = []
        while self._pending and self._pending[0].mono_us <= until_mono_us:
            fixes.append(self._pending.popleft())
        if fixes:
            self.taken = fixes[-1]
        return fixes
