"""How a phase or a test ended, told from what ended it. The same words for every protocol."""

import asyncio
from dataclasses import dataclass

from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.throughput.causes import cause_of, detail_of


@dataclass(frozen=True, slots=True)
class Ending:
    """Outcome, cause and the system's own words."""

    outcome: Outcome
    cause: Cause | None = None
    detail: str = ""

    @classmethod
    def of(cls, trouble: BaseException | None) -> "Ending":
        """None is completed, asyncio.CancelledError is cancelled, everything else has a cause."""
        if trouble is None:
            return cls(Outcome.COMPLETED)
        if isinstance(trouble, asyncio.CancelledError):
            return cls(Outcome.CANCELLED)
        return cls(Outcome.FAILED, cause_of(trouble), detail_of(trouble))
