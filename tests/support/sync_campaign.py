"""A laptop and its HQ in a bad world: faults, crashes and restored backups by plan, then peace.

What must hold at the end: everything recorded is at HQ and signed for, though nobody recorded
anything after the faults. What must hold at every moment: nothing counts as acknowledged that HQ
did not hold when it signed.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.wire.receipt import SignedReceipt
from tests.support.sync_hq import SimulatedHq
from tests.support.sync_network import Fault, Network
from tests.support.sync_survey import add_rows, parts_for
from tests.support.sync_time import run_virtually

T = TypeVar("T")

# Twice the longest wait, and the time after which what was parked is tried again.
PEACE_S = 2 * 900.0 + 6.5 * 3600.0


class Event(Enum):
    """What happens besides the network, before the next request."""

    CRASH_BEFORE = "crash before the survey file is touched"
    CRASH_AFTER = "crash after the survey file was written"
    CRASH_WHILE_SENDING = "crash with requests under way"
    LAPTOP_COPIED = "somebody copies the survey file"
    LAPTOP_RESTORED = "the survey file is replaced by the newest copy"
    HQ_BACKUP = "HQ makes a backup"
    HQ_RESTORED = "HQ is restored from its newest backup"
    CLOCK_BACK = "the laptop's clock goes back by a year"
    CLOCK_AHEAD = "the laptop's clock goes ahead by ten years"
    RECORDED = "more rows are recorded"
    TEST_RUNS = "a throughput test begins"
    NETWORK_UP = "the operating system tells of a new link"


Step = Fault | Event


class Crash(Exception):  # noqa: N818 - it is no error
    """The process is gone."""


class World:
    """One campaign over ``steps`` on a copy of the survey ``template``."""

    def __init__(self, template: Path, folder: Path, steps: Sequence[Step]) -> None:
        self.hq = SimulatedHq()
        self.survey_path = folder / "a.fsurvey"
        shutil.copy(template, self.survey_path)
        self._profile_path = folder / "hq"
        self._steps = iter(steps)
        self._copy_path = folder / "copy.fsurvey"
        shutil.copy(template, self._copy_path)
        self._backup = self.hq.backup()
        self._restored = False
        self._crash: Event | None = None
        self._replaced = False
        self._changes_checked = -1
        self._test_ends_s = 0.0
        self._second = 1000
        self._checked: dict[BatchId, SignedReceipt] = {}
        self._network = _PlannedNetwork(self.hq, self)
        self.crashes = 0

    def run(self) -> None:
        """Let it happen; raise AssertionError where something is lost or claimed."""
        run_virtually(self._live())
        with SurveyFile.open(self.survey_path) as survey:
            outbox = Outbox(survey)
            progress = outbox.progress()
            assert progress.acknowledged_rows == progress.recorded_rows, progress
            assert self.hq.seqs() >= set(range(1, progress.recorded_rows + 1))
            for epoch in outbox.epochs():
                for number in outbox.acknowledged(epoch.epoch):
                    content = outbox.content(BatchId(epoch.epoch, number))
                    assert content is not None
                    assert self.hq.holds(content)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        peace_from_s = loop.time()
        while True:
            with SurveyFile.open(self.survey_path) as survey:
                try:
                    syncer = self._syncer(survey)
                    await self._until_drained(syncer, peace_from_s)
                    return
                except Crash:
                    self.crashes += 1
                    replaced, self._replaced = self._replaced, False
                    peace_from_s = loop.time()
                    await asyncio.sleep(5)
            if replaced:
                shutil.copy(self._copy_path, self.survey_path)
                self._checked.clear()

    def _syncer(self, survey: SurveyFile) -> Syncer:
        outbox = Outbox(survey)

        async def on_store(work: Callable[[Outbox], T]) -> T:
            await asyncio.sleep(0.001)
            self._crash_if(Event.CRASH_BEFORE)
            result = work(outbox)
            self._check(outbox)
            self._crash_if(Event.CRASH_AFTER)
            return result

        loop = asyncio.get_running_loop()
        parts = parts_for(
            survey,
            self.hq,
            self._network,
            self._profile_path,
            on_store=on_store,
            busy=lambda: loop.time() < self._test_ends_s,
        )
        self.syncer = Syncer(parts)
        self._survey = survey
        self._clock = parts.clock
        return self.syncer

    async def _until_drained(self, syncer: Syncer, peace_from_s: float) -> None:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(syncer.run())
        try:
            while not running.done():
                await asyncio.wait({running}, timeout=30.0)
                if self.plan_left():
                    peace_from_s = loop.time()
                elif self._all_there():
                    return
                assert loop.time() < peace_from_s + PEACE_S, syncer.progress
            running.result()
        finally:
            running.cancel()
            await asyncio.wait({running})

    def _all_there(self) -> bool:
        progress = Outbox(self._survey).progress()
        return (
            progress.acknowledged_rows == progress.recorded_rows
            and len(self.hq.seqs()) >= progress.recorded_rows
        )

    def _check(self, outbox: Outbox) -> None:
        """A receipt that was kept is for something HQ held when it signed: that it holds now,
        unless HQ lost things since."""
        changes = self._survey.connection.total_changes
        if self._restored or changes == self._changes_checked:
            return
        self._changes_checked = changes
        for signed in outbox.receipts():
            batch = BatchId(signed.receipt.epoch, signed.receipt.batch_no)
            if self._checked.get(batch) != signed:
                content = outbox.content(batch)
                assert content is not None
                assert self.hq.holds(content)
                self._checked[batch] = signed

    # -- the plan -------------------------------------------------------------------------------

    def plan_left(self) -> bool:
        return self._network.next is not None

    def take(self) -> Fault | None:
        """Let all events up to the next fault happen; return that."""
        for step in self._steps:
            if isinstance(step, Fault):
                return step
            self._happen(step)
        return None

    def _happen(self, event: Event) -> None:
        match event:
            case Event.CRASH_BEFORE | Event.CRASH_AFTER | Event.CRASH_WHILE_SENDING:
                self._crash = event
            case Event.LAPTOP_COPIED:
                self._survey.connection.execute("VACUUM INTO ?", (str(self._new_copy()),))
            case Event.LAPTOP_RESTORED:
                self._replaced = True
                self._crash = Event.CRASH_BEFORE
            case Event.HQ_BACKUP:
                self._backup = self.hq.backup()
            case Event.HQ_RESTORED:
                self._restored = True
                self.hq.restore(self._backup)
            case Event.CLOCK_BACK | Event.CLOCK_AHEAD:
                years = -1 if event is Event.CLOCK_BACK else 10
                self._clock.jump_us += years * 31_536_000_000_000  # type: ignore[attr-defined]
            case Event.RECORDED:
                self._second += 10
                add_rows(self._survey, self._second, 3)
            case Event.TEST_RUNS:
                self._test_ends_s = asyncio.get_running_loop().time() + 20
            case Event.NETWORK_UP:
                self.syncer.network_up()

    def _new_copy(self) -> Path:
        self._copy_path.unlink()
        return self._copy_path

    def _crash_if(self, event: Event) -> None:
        if self._crash is event:
            self._crash = None
            raise Crash

    def crash_while_sending(self) -> None:
        self._crash_if(Event.CRASH_WHILE_SENDING)


class _PlannedNetwork(Network):
    def __init__(self, hq: SimulatedHq, world: World) -> None:
        super().__init__(hq)
        self._world = world
        self.next: Fault | None = Fault.NONE

    def next_fault(self) -> Fault:
        self.next = self._world.take()
        self._world.crash_while_sending()
        return self.next or Fault.NONE
