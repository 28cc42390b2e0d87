"""Something made for a view in small steps between frames; meanwhile the one made last serves.

It is made for a margin more than the view, so that panning seldom runs off its edge. Must not show
anything itself, nor decide when there is time for a step.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look

MARGIN_PX = 128
_STEP_S = 0.004  # half of what the window may ever be kept waiting

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is made; ``number`` counts changes of content, ``ratio`` is the device's."""

    view: MapView
    look: Look
    number: int
    ratio: float


class InSteps(Generic[Made]):
    """``make`` yields wherever it may be interrupted, and returns what it made.

    Attributes:
    newest: what was finished last and what it is of; None before the first.
    """

    def __init__(self, make: Callable[[Wanted], Generator[None, None, Made]]) -> None:
        self.newest: tuple[Wanted, Made] | None = None
        self._make = make
        self._number = 0
        self._begun: tuple[Wanted, Generator[None, None, Made]] | None = None

    def changed(self) -> None:
        """Make it anew from now on: the content is not what it was."""
        self._number += 1

    def want(self, view: MapView, look: Look, ratio: float) -> tuple[Wanted, Made] | None:
        """Return the newest there is for ``look``; if it is not the right one, begin that."""
        wanted = Wanted(view, look, self._number, ratio)
        if self.newest is not None and self.newest[0].look != look:
            self.newest = None
        if self.newest is None or not _is_right(self.newest[0], wanted, 0.5):
            self._begin(wanted)
        return self.newest

    @property
    def is_busy(self) -> bool:
        return self._begun is not None

    def step(self) -> None:
        """Go on for a few milliseconds."""
        if self._begun is None:
            return
        wanted, steps = self._begun
        until = time.perf_counter() + _STEP_S
        try:
            while time.perf_counter() < until:
                next(steps)
        except StopIteration as end:
            self.newest = (wanted, end.value)
            self._begun = None

    def stop(self) -> None:
        """Give up what is being made."""
        if self._begun is not None:
            self._begun[1].close()
            self._begun = None

    def _begin(self, wanted: Wanted) -> None:
        """Begin what is ``wanted``, unless what is begun will do."""
        if self._begun is not None and _is_right(self._begun[0], wanted, 1.0):
            return
        self.stop()
        bigger = replace(
            wanted.view,
            width=wanted.view.width + 2 * MARGIN_PX,
            height=wanted.view.height + 2 * MARGIN_PX,
        )
        of = replace(wanted, view=bigger)
        self._begun = (of, self._make(of))


def _is_right(has: Wanted, wanted: Wanted, share: float) -> bool:
    """Return whether one serves all of ``wanted``, with no more than ``share`` of its margin used
    up."""
    if replace(has, view=wanted.view) != wanted or has.view.zoom != wanted.view.zoom:
        return False
    x, y = wanted.view.one_to_screen(has.view.x, has.view.y)
    off_x, off_y = x - wanted.view.width / 2, y - wanted.view.height / 2
    spare_x = (has.view.width - wanted.view.width) / 2
    spare_y = (has.view.height - wanted.view.height) / 2
    return abs(off_x) <= spare_x * share and abs(off_y) <= spare_y * share
