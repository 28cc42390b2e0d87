"""Nothing measured is lost on its way to the survey file, and nothing is shown before it is there.

Rows wait here in order; one commit at a time takes all that wait. A commit that fails leaves them
waiting, and is tried again: a full disk costs memory, not measurements.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fieldsurvey.model.drive import Event, Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.store_thread import StoreThread
from fieldsurvey.store.survey_file import SurveyFile

RETRY_S = 1.0  # real time


@dataclass(slots=True)
class Batch:
    """Rows that go to the survey file in one transaction."""

    fixes: list[Fix] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tests: list[ThroughputTest] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.fixes) + len(self.samples) + len(self.events) + len(self.tests)

    def append_to(self, survey: SurveyFile, drive_id: str) -> tuple[Message, ...]:
        """Put all rows into ``survey`` in one transaction; return which it kept only as text."""
        return survey.append(
            drive_id,
            fixes=self.fixes,
            samples=self.samples,
            events=self.events,
            tests=self.tests,
        )


class Recorder:
    """Queue in front of the store thread. Lives in the acquisition loop.

    ``on_committed`` is called with each batch once it is safe on disk; ``on_trouble`` with the
    reason when a commit fails, and with None when one succeeds again; ``on_refused`` for each row
    that breaks the file's rules and is kept there only as text.
    """

    def __init__(
        self,
        store: StoreThread,
        drive_id: str,
        on_committed: Callable[[Batch], None],
        on_trouble: Callable[[Message | None], None],
        on_refused: Callable[[Message], None],
    ) -> None:
        self._store = store
        self._drive_id = drive_id
        self._on_committed = on_committed
        self._on_trouble = on_trouble
        self._on_refused = on_refused
        self._waiting = Batch()
        self._in_flight = Batch()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._troubled = False

    def add(
        self,
        *,
        fixes: list[Fix] | None = None,
        sample: Sample | None = None,
        event: Event | None = None,
        test: ThroughputTest | None = None,
    ) -> None:
        """Queue rows; returns at once."""
        self._waiting.fixes += fixes or []
        if sample is not None:
            self._waiting.samples.append(sample)
        if event is not None:
            self._waiting.events.append(event)
        if test is not None:
            self._waiting.tests.append(test)
        self._idle.clear()
        self._work.set()

    @property
    def waiting(self) -> int:
        """Rows not yet on disk."""
        return len(self._in_flight) + len(self._waiting)

    def leftovers(self) -> Batch:
        """Return the rows that are not on disk, for a last attempt elsewhere."""
        return _joined(self._in_flight, self._waiting)

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._take_waiting()
            while not await self._commit(self._in_flight):
                await asyncio.sleep(RETRY_S)
                self._take_waiting()
            batch, self._in_flight = self._in_flight, Batch()
            self._on_committed(batch)
            if not self._work.is_set():
                self._idle.set()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on disk; False if that takes longer than ``timeout_s``."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _take_waiting(self) -> None:
        self._in_flight = _joined(self._in_flight, self._waiting)
        self._waiting = Batch()

    async def _commit(self, batch: Batch) -> bool:
        try:
            refused = await asyncio.wrap_future(
                self._store.submit(lambda survey: batch.append_to(survey, self._drive_id))
            )
        except KnownError as error:
            self._troubled = True
            self._on_trouble(error.message)
            return False
        if self._troubled:
            self._troubled = False
            self._on_trouble(None)
        for reason in refused:
            self._on_refused(reason)
        return True


def _joined(first: Batch, second: Batch) -> Batch:
    return Batch(
        first.fixes + second.fixes,
        first.samples + second.samples,
        first.events + second.events,
        first.tests + second.tests,
    )
