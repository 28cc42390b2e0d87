"""The one thread that touches the survey file while a drive runs.

Work is done in the order it was submitted. It takes and returns immutable values; nothing that
belongs to the open file (an iterator, a cursor) may leave the thread.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from fieldsurvey.model.messages import Message
from fieldsurvey.store.driver import known_errors
from fieldsurvey.store.survey_file import SurveyFile

T = TypeVar("T")


class StoreThread:
    """Opens or creates the survey, or a fresh one beside an unusable file.

    ``path`` is the file really used; ``notice`` says why it is another one than asked for. Raises
    KnownError if nothing can be recorded in that folder, or somebody records there already.
    """

    path: Path
    notice: Message | None

    def __init__(self, path: Path) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._closed = False
        try:
            opening = self._executor.submit(SurveyFile.open_or_beside, path)
            self._survey, self.notice = opening.result()
        except BaseException:
            self._executor.shutdown()
            raise
        self.path = self._survey.path

    def submit(self, work: Callable[[SurveyFile], T]) -> Future[T]:
        """Run ``work`` on the open survey. Its result or exception travels in the future; trouble
        with disk or file comes as KnownError, after which the same work may be submitted again."""
        return self._executor.submit(self._run, work)

    def close(self) -> None:
        """Finish all submitted work, close the file, end the thread. May be called twice."""
        if self._closed:
            return
        self._closed = True
        closing = self._executor.submit(self._survey.close)
        self._executor.shutdown()
        closing.result()

    def _run(self, work: Callable[[SurveyFile], T]) -> T:
        try:
            with known_errors(self.path):
                return work(self._survey)
        finally:
            self._survey.roll_back()
