"""The seam: what the worker asks of every protocol, and how a test is called off."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as _Protocol

from fieldsurvey.model.throughput import Measurement, MeasurementPlan, PhaseKind


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running test is. ``rate_bps`` is the latest reading, not a result."""

    phase: PhaseKind
    elapsed_us: int  # since the test began
    payload_bytes: int  # of this phase
    rate_bps: int | None


class Cancel:
    """Set once, from any thread; what was registered is then called in that thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    def set(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        return self._event.is_set()

    def on_set(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when it is set; at once if it already is."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()


OnProgress = Callable[[Progress, int], None]  # with all payload bytes so far, both directions


class Protocol(_Protocol):
    """One way to measure, for one run. ``spent`` is True after a run that left threads behind, so
    that its process has to be replaced."""

    name: str
    spent: bool

    def run(self, plan: MeasurementPlan, progress: OnProgress, cancel: Cancel) -> Measurement:
        """Measure once. Network trouble is in the result; an exception is a bug."""
        ...
