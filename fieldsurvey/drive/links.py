"""All modems of a drive and what they have cost, for as long as the process lives."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

from fieldsurvey.drive.allowance import Allowance
from fieldsurvey.drive.ledger import DayOfLink, Ledger
from fieldsurvey.drive.past import other_surveys, spent_before
from fieldsurvey.drive.planning import links_of, tests_made
from fieldsurvey.drive.prepare import Prepared
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.drive.recording import Recording
from fieldsurvey.drive.snapshot import Health, RunningTest
from fieldsurvey.drive.tester import Tester
from fieldsurvey.drive.testing import Testing
from fieldsurvey.drive.view import DriveView
from fieldsurvey.model.drive import Drive, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.throughput.reachability import ReachabilityProbe


class Links:
    """Makes the testing of a drive; owns testers, ledger and the reachability probe.

    Whether the server is reachable is asked over the first link alone, so only its tests count as
    answers too. Raises KnownError ``link.bad_server_url``.
    """

    def __init__(
        self,
        prepared: Prepared,
        view: DriveView,
        receiver: Receiver,
        place_of: Callable[[Fix], Place],
    ) -> None:
        self._config = prepared.config
        self._target = prepared.target
        self._store = prepared.store
        self._view = view
        plan, clock = self._config.plan, self._config.clock
        links = links_of(plan)
        self._first = links[0].name
        self.probe = ReachabilityProbe(
            plan.server_url, clock, interface=links[0].interface or None, ca_pem=plan.ca_pem
        )
        heard = [self.probe.note_traffic] + [_unheard] * (len(links) - 1)
        self._testers = [
            Tester(plan, link, prepared.target, clock, receiver, place_of, on_traffic)
            for link, on_traffic in zip(links, heard, strict=True)
        ]
        self._ledger = Ledger(plan, clock)
        self._chance = random.Random(self._config.seed)

    @property
    def running(self) -> tuple[RunningTest, ...]:
        """The tests that run now."""
        return tuple(tester.running for tester in self._testers if tester.running is not None)

    def charge_probing(self) -> None:
        """Charge what asking for the server has cost; call once a second."""
        self._ledger.probed(self._first, self.probe.wire_bytes)

    async def open_ledger(self) -> None:
        """Read once what was spent before this process, before its first drive begins.

        A file that cannot be read does not keep the drive from starting; that is told.
        """
        if self._ledger.opened:
            return
        try:
            spent, troubles = await asyncio.wrap_future(self._store.submit(self._spent_before))
        except KnownError as error:
            self._view.tell(Health.FAILED, error.message)
        else:
            for trouble in troubles:
                self._view.tell(Health.DEGRADED, trouble)
            self._ledger.take_over(spent)

    def _spent_before(self, survey: SurveyFile) -> tuple[Counter[DayOfLink], list[Message]]:
        """Add up this survey and those beside it; say which of these could not be read."""
        names = [tester.link.name for tester in self._testers]
        now_us = self._config.clock.utc_us()
        spent = spent_before(survey, names, self._target, now_us)
        troubles: list[Message] = []
        for path in other_surveys(self._store.path, self._config.fallback_folder, now_us):
            try:
                with SurveyFile.open(path, read_only=True) as other:
                    spent += spent_before(other, names, self._target, now_us)
            except KnownError as error:
                troubles.append(message("drive.budget_unread", text=error.message))
        return spent, troubles

    async def tests_made(self, drive: Drive) -> Counter[str]:
        """Count what an unfinished drive has tested, so that calibrations keep their turn."""
        try:
            return await asyncio.wrap_future(
                self._store.submit(lambda survey: tests_made(survey.tests(drive.drive_id)))
            )
        except KnownError as error:
            self._view.tell(Health.FAILED, error.message)
            return Counter()

    async def tests_of_plan(self, *, replayed: bool) -> list[ThroughputTest]:
        """Return what this survey's drives tested for the stretches and settlements of this plan,
        oldest first. Replays count for replays, and real drives for real ones."""
        plan = self._config.plan
        if not (plan.stretches or plan.settlements):
            return []

        def read(survey: SurveyFile) -> list[ThroughputTest]:
            return [
                test
                for drive in survey.drives()
                if drive.replayed is replayed and _same_parts(drive.plan, plan)
                for test in survey.tests(drive.drive_id)
            ]

        try:
            return await asyncio.wrap_future(self._store.submit(read))
        except KnownError as error:
            self._view.tell(Health.FAILED, error.message)
            return []

    def testing(
        self, recording: Recording, distance_m: Callable[[], float], made: Counter[str]
    ) -> Testing:
        """Return the testing of one drive, of which ``made`` tests exist already."""
        plan = self._config.plan
        allowance = Allowance(plan, self._ledger, recording, made)
        return Testing(
            plan,
            self._config.clock,
            self._testers,
            allowance,
            recording,
            distance_m,
            self._chance,
            self._view.planned,
        )

    async def close(self) -> None:
        """Leave no process behind."""
        await asyncio.gather(*(tester.close() for tester in self._testers))


def _same_parts(a: SurveyPlan, b: SurveyPlan) -> bool:
    return (a.stretches, a.settlements) == (b.stretches, b.settlements)


def _unheard() -> None:
    """Traffic over another link is no answer to the first."""
