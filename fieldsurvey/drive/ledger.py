"""What each SIM card has spent, by local day and month, while a drive runs.

A test is charged with the most it may take before it starts, and corrected when it is over. Lives
in memory: the survey file is the record, and :mod:`fieldsurvey.drive.past` reads it once at the
start, with what a crash may have left uncounted. Bytes are payload as counted; an operator bills
headers as well, about 4 % more.
"""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fieldsurvey.drive import budget
from fieldsurvey.drive.snapshot import LinkBudget
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import AtBudget, SurveyPlan

DayOfLink = tuple[str, int]  # name of the link, start of the local day in UTC µs


@dataclass(frozen=True, slots=True)
class Charge:
    """What a running test was charged with, and on which day: it stays there over midnight."""

    day: DayOfLink
    most_bytes: int


class Ledger:
    """Budgets of ``plan``, each link by itself. ``zone`` None is the laptop's own."""

    def __init__(self, plan: SurveyPlan, clock: Clock, zone: datetime.tzinfo | None = None) -> None:
        self.opened = False
        self._plan = plan
        self._clock = clock
        self._zone = zone
        self._spent: Counter[DayOfLink] = Counter()
        self._probed_bytes = 0

    def take_over(self, past: Mapping[DayOfLink, int]) -> None:
        """Begin with what was spent before this process; once."""
        self.opened = True
        self._spent.update(past)

    def charge(self, link: str, most_bytes: int) -> Charge:
        """Charge a test that is about to start."""
        charge = Charge(self._today(link), most_bytes)
        self._spent[charge.day] += most_bytes
        return charge

    def settle(self, charge: Charge, taken_bytes: int) -> None:
        """Put what a test really took in the place of its charge."""
        self._spent[charge.day] += taken_bytes - charge.most_bytes

    def probed(self, link: str, total_bytes: int) -> None:
        """Charge asking for the server; ``total_bytes`` since the process began."""
        self._spent[self._today(link)] += total_bytes - self._probed_bytes
        self._probed_bytes = total_bytes

    def fits(self, link: str, most_bytes: int) -> bool:
        """True if a test of ``most_bytes`` stays within the day's and the month's budget."""
        now = self.state(link)
        return budget.fits(now.day_used_bytes, most_bytes, now.day_limit_bytes) and budget.fits(
            now.month_used_bytes, most_bytes, now.month_limit_bytes
        )

    def state(self, link: str, at_cap: AtBudget | None = None) -> LinkBudget:
        """Return what ``link`` has used of its budgets, running tests at their most."""
        month_start_us, month_end_us = budget.local_month_us(self._clock.utc_us(), self._zone)
        month = [
            used_bytes
            for (name, day_us), used_bytes in self._spent.items()
            if name == link and month_start_us <= day_us < month_end_us
        ]
        return LinkBudget(
            link,
            self._spent[self._today(link)],
            self._plan.budget_bytes_per_day,
            sum(month),
            self._plan.budget_bytes_per_month,
            at_cap,
        )

    def _today(self, link: str) -> DayOfLink:
        return link, budget.local_day_us(self._clock.utc_us(), self._zone)[0]
