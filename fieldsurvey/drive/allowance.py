"""Which kind of test a link may make now: as planned, latency only, or none; and who pays.

Calibrations come by turn and only where the budget has room for one. What is spent is told once.
"""

from collections import Counter

from fieldsurvey.drive.budget import most_bytes, taken_bytes
from fieldsurvey.drive.ledger import Charge, Ledger
from fieldsurvey.drive.planning import mode_of_test
from fieldsurvey.drive.recording import Recording
from fieldsurvey.drive.snapshot import Health, LinkBudget
from fieldsurvey.drive.tester import Tester
from fieldsurvey.model.drive import AtBudget, EventKind, SurveyPlan
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.throughput import Measurement, MeasurementPlan, Mode


class Allowance:
    """``made`` counts the tests of this drive by link, those before a break included."""

    def __init__(
        self, plan: SurveyPlan, ledger: Ledger, recording: Recording, made: Counter[str]
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._recording = recording
        self._made = made
        self._capped: dict[str, Message] = {}

    @property
    def off(self) -> Message | None:
        """Why no throughput is measured, over one link at least."""
        return next(iter(self._capped.values()), None)

    def budget(self, link: str) -> LinkBudget:
        """Return what ``link`` has used, and what is done because of it."""
        return self._ledger.state(link, self._plan.at_budget if link in self._capped else None)

    def fits(self, tester: Tester, order: MeasurementPlan) -> bool:
        """True if ``order`` stays within the link's budgets, whatever it takes."""
        return self._ledger.fits(tester.link.name, most_bytes(order))

    def next_order(self, tester: Tester) -> MeasurementPlan | None:
        """Return what the link's next test is to do; None if it may not make any."""
        due = mode_of_test(self._plan, self._made[tester.link.name] + 1)
        for mode in dict.fromkeys((due, self._plan.mode)):
            order = tester.order(mode)
            if self.fits(tester, order):
                self._capped.pop(tester.link.name, None)
                return order
        self._tell_cap(tester)
        return tester.order(Mode.PING) if self._plan.at_budget is AtBudget.PING else None

    def charge(self, tester: Tester, order: MeasurementPlan) -> Charge:
        """Charge the link with the most that ``order`` may take; call before it starts."""
        return self._ledger.charge(tester.link.name, most_bytes(order))

    def settle(self, charge: Charge, measurement: Measurement) -> None:
        """Put what the test took in the place of its charge."""
        self._ledger.settle(charge, taken_bytes(measurement))

    def count(self, tester: Tester, order: MeasurementPlan) -> None:
        """Count a test that takes its turn: not confirmations, not what only pings."""
        if order.mode is not Mode.PING:
            self._made[tester.link.name] += 1

    def _tell_cap(self, tester: Tester) -> None:
        link = tester.link.name
        if link in self._capped:
            return
        text = self._cap_message(
            self._ledger.state(link), most_bytes(tester.order(self._plan.mode))
        )
        self._capped[link] = message("drive.of_link", link=link, text=text) if link else text
        self._recording.event(EventKind.BUDGET_REACHED, self._capped[link], Health.DEGRADED)

    def _cap_message(self, state: LinkBudget, next_bytes: int) -> Message:
        if state.day_used_bytes + next_bytes > state.day_limit_bytes:
            name, used, limit = "budget", state.day_used_bytes, state.day_limit_bytes
        else:
            name, used, limit = "budget_month", state.month_used_bytes, state.month_limit_bytes
        what = "_reached" if self._plan.at_budget is AtBudget.STOP else "_reached_ping"
        return message(
            f"drive.{name}{what}", used_gb=f"{used / 1e9:.2f}", budget_gb=f"{limit / 1e9:.2f}"
        )
