"""The one protocol behind which every receiver, daemon and recording stands."""

from collections.abc import AsyncIterator
from typing import Protocol

from fieldsurvey.model.position import Fix, PositionTrouble


class PositionSource(Protocol):
    """Somewhere fixes come from. ``replayed`` fixes are never evidence about a place."""

    @property
    def uri(self) -> str: ...

    @property
    def replayed(self) -> bool: ...

    @property
    def due_us(self) -> int | None:
        """When what comes next is due, in monotonic time; None where nobody knows that.

        A moment in the past: it has not been handed over only because the computer is late.
        """
        ...

    def reports(self) -> AsyncIterator[Fix | PositionTrouble]:
        """Yield every fix, and trouble when it starts or changes its kind; a fix ends it.

        Runs for ever and reconnects by itself; only a replay ends, with trouble ``ENDED``.
        Cancelling the task releases ports, sockets and threads at once.
        """
        ...
