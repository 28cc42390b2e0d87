"""What takes longer than a frame, in worker threads: opening, judging, exporting, importing.

The window never waits: a job tells its progress, can be given up, and comes back in the GUI thread
with a result or with a message for the user. A job of the same key takes the place of an older one,
which is given up: only what would come to nothing else may share one.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message

T = TypeVar("T")
Progress = Callable[[float], None]
Cancelled = Callable[[], bool]
_THREADS = 2
_log = logging.getLogger(__name__)


class _Talk(QObject):
    """Signals cross from the worker; the job's number says which job it was."""

    progress = Signal(int, float)
    done = Signal(int, object)
    failed = Signal(int, object)


class _Runner(QRunnable):
    def __init__(
        self, number: int, work: Callable[[Progress, Cancelled], Any], talk: _Talk
    ) -> None:
        super().__init__()
        self.setAutoDelete(False)
        self.cancelled = False
        self._number, self._work, self._talk = number, work, talk
        self._told = -1

    def _tell(self, share: float) -> None:
        percent = int(share * 100)
        if percent != self._told:
            self._told = percent
            self._talk.progress.emit(self._number, share)

    def run(self) -> None:
        try:
            result = self._work(self._tell, lambda: self.cancelled)
        except KnownError as error:
            self._talk.failed.emit(self._number, error.message)
        except Exception as error:  # noqa: BLE001 - a bug is told to the user, not thrown at them
            _log.exception("job failed")
            first_line = str(error).partition("\n")[0]
            bug = message("gui.wb_bug", what=f"{type(error).__name__}: {first_line}")
            self._talk.failed.emit(self._number, bug)
        else:
            self._talk.done.emit(self._number, result)


@dataclass
class _Job:
    key: str | None
    label: Message | None
    runner: _Runner
    done: Callable[[Any], None]
    failed: Callable[[Message], None]


class Jobs(QObject):
    """Signals:
    progress(label, share): of a job that has a label; the label is None when none is left.
    failed(message): a job failed that had no answer of its own to that.
    """

    progress = Signal(object, float)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self._talk = _Talk(self)
        self._talk.progress.connect(self._note_progress)
        self._talk.done.connect(self._note_done)
        self._talk.failed.connect(self._note_failed)
        self._numbers = itertools.count()
        self._jobs: dict[int, _Job] = {}
        self._superseded: dict[int, _Job] = {}

    def run(
        self,
        key: str | None,
        work: Callable[[Progress, Cancelled], T],
        done: Callable[[T], None],
        *,
        label: Message | None = None,
        failed: Callable[[Message], None] | None = None,
    ) -> None:
        """Run ``work(progress, cancelled)``; ``done`` gets what it returns. With a ``label`` it is
        shown and can be cancelled by the user. Without a ``key`` it takes no other's place. Raises
        nothing: ``failed`` gets the message."""
        if key is not None:
            self._supersede(key)
        number = next(self._numbers)
        runner = _Runner(number, work, self._talk)
        self._jobs[number] = _Job(key, label, runner, done, failed or self.failed.emit)
        self._pool.start(runner)
        if label is not None:
            self.progress.emit(label, 0.0)

    @property
    def is_busy(self) -> bool:
        """Return whether anything is still to come."""
        return bool(self._jobs)

    def cancel(self) -> None:
        """Give up what the user sees. A job that notices says so by its own message."""
        for job in self._jobs.values():
            if job.label is not None:
                job.runner.cancelled = True

    def close(self) -> None:
        """Give everything up and wait for the threads."""
        for key in {job.key for job in self._jobs.values()}:
            self._supersede(key)
        self._pool.waitForDone()
        self._superseded.clear()

    def _supersede(self, key: str | None) -> None:
        for number, job in list(self._jobs.items()):
            if job.key == key:
                job.runner.cancelled = True
                self._superseded[number] = self._jobs.pop(number)
                self._show_others(job)

    def _show_others(self, gone: _Job) -> None:
        """Show another job that the user can cancel, or none, where ``gone`` was one."""
        if gone.label is not None:
            labels = [other.label for other in self._jobs.values() if other.label is not None]
            self.progress.emit(labels[0] if labels else None, 0.0)

    def _note_progress(self, number: int, share: float) -> None:
        job = self._jobs.get(number)
        if job is not None and job.label is not None:
            self.progress.emit(job.label, share)

    def _take(self, number: int) -> _Job | None:
        self._superseded.pop(number, None)
        job = self._jobs.pop(number, None)
        if job is not None:
            self._show_others(job)
        return job

    def _note_done(self, number: int, result: object) -> None:
        job = self._take(number)
        if job is not None:
            job.done(result)

    def _note_failed(self, number: int, told: Message) -> None:
        job = self._take(number)
        if job is not None:
            job.failed(told)
