"""The seconds of a drive between being over and being recorded.

Whether the server answered in a second is known only some seconds later; until then they wait
here, in order.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, PositionTrouble
from fieldsurvey.model.radio import RadioState


@dataclass(frozen=True, slots=True)
class Second:
    """A second that is over: everything but whether the server answered in it."""

    utc_us: int
    mono_us: int
    fixes: list[Fix]  # that arrived in it
    fix: Fix | None
    fix_age_us: int | None
    radio: RadioState | None
    place: Place | None
    trouble: PositionTrouble | None

    def sample(self, reachability: Reachability) -> Sample:
        return Sample(
            self.utc_us,
            self.mono_us,
            reachability,
            self.fix,
            self.fix_age_us,
            self.radio,
            self.place,
        )


class Seconds:
    """Waiting seconds, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Second] = deque()

    def add(self, second: Second) -> None:
        self._waiting.append(second)

    def settled(
        self, settle: Callable[[int, int], Reachability | None]
    ) -> Iterator[tuple[Second, Reachability]]:
        """Yield the seconds of which ``settle(start_us, end_us)`` knows what became of them."""
        while self._waiting:
            end_us = self._waiting[0].mono_us
            reachability = settle(end_us - US_PER_S, end_us)
            if reachability is None:
                return
            yield self._waiting.popleft(), reachability
