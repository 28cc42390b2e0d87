"""Fits a foreign server's dialect to a plan: its URL, and what its figures may be called.

Must not let an upload that was only acknowledged pass for one that was counted where it arrived.
"""

from dataclasses import replace

from fieldsurvey.model.throughput import Measurement, MeasurementPlan, Phase, PhaseKind
from fieldsurvey.throughput.protocols.dialect import Dialect
from fieldsurvey.throughput.protocols.protocol import Cancel, OnProgress
from fieldsurvey.throughput.protocols.session import SessionProtocol

ACKNOWLEDGED = "+acknowledged"  # ends the estimator's name
_SCHEMES = {"ws": "http", "wss": "https"}


class ForeignProtocol:
    """A session in a foreign dialect. ``counts_uploads``: the server tells what it received."""

    def __init__(self, dialect: Dialect, *, counts_uploads: bool) -> None:
        self.name = dialect.name
        self.spent = False
        self._session = SessionProtocol(dialect)
        self._counts_uploads = counts_uploads

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        scheme, separator, rest = plan.server_url.partition("://")
        known = _SCHEMES.get(scheme.lower(), scheme)
        # There is no wake-up and no pace that such a server would know of.
        fitting = replace(plan, server_url=f"{known}{separator}{rest}", wake_up=False, pace_bps=0)
        measurement = self._session.run(fitting, progress, cancel)
        phases = measurement.phases
        if not self._counts_uploads:
            phases = tuple(_marked(phase) for phase in phases)
        return replace(measurement, server_url=plan.server_url, phases=phases)


def _marked(phase: Phase) -> Phase:
    if phase.kind is not PhaseKind.UPLOAD or phase.estimate is None:
        return phase
    estimator = phase.estimate.estimator + ACKNOWLEDGED
    return replace(phase, estimate=replace(phase.estimate, estimator=estimator))
