"""How a phase or a test ended, told from what ended it. The same words for every protocol."""

import asyncio
from dataclasses import dataclass

from fieldsurvey.model.throughput import Cause, Measurement, MeasurementPlan, Outcome, Phase
from fieldsurvey.throughput.causes import cause_of, detail_of

LONGEST_DETAIL = 300  # characters


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

    def measurement(
        self,
        plan: MeasurementPlan,
        duration_us: int = 0,
        wire_bytes: int = 0,
        phases: tuple[Phase, ...] = (),
    ) -> Measurement:
        """Return the result of ``plan`` with what every protocol can say; the rest is added."""
        return Measurement(
            protocol=plan.protocol,
            mode=plan.mode,
            server_url=plan.server_url,
            outcome=self.outcome,
            duration_us=duration_us,
            wire_bytes=wire_bytes,
            phases=phases,
            cause=self.cause,
            detail=self.detail[:LONGEST_DETAIL],
        )
