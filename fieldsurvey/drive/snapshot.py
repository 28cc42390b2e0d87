"""What a shell may see of a drive: immutable, complete, cheap to fetch five times a second."""

from dataclasses import dataclass, field
from enum import StrEnum

from fieldsurvey.model.drive import AtBudget, DriveCounts, DriveState
from fieldsurvey.model.messages import Message
from fieldsurvey.model.place import Place
from fieldsurvey.model.planned import PlannedProgress
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import Cause, PhaseKind, ThroughputTest


class Health(StrEnum):
    """State of one thing in the strip; every value has its own shape on screen."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    OFF = "off"


class StripKind(StrEnum):
    """The strip, in its fixed order."""

    POSITION = "position"
    NETWORK = "network"
    STORAGE = "storage"
    QUEUE = "queue"
    POWER = "power"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class StripItem:
    """``value`` is the short reading ("6 m · 9 satellites"), ``advice`` what it means and what to
    do, if anything."""

    health: Health
    value: Message
    advice: Message | None = None


@dataclass(frozen=True, slots=True)
class RunningTest:
    """A test in progress. ``rate_bps`` is the latest reading, not a result."""

    phase: PhaseKind
    elapsed_us: int  # real time since the test began
    payload_bytes: int
    rate_bps: int | None
    link: str = ""  # name of the planned link; "" where the plan has only one


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """What one link has used of its budgets; running tests count with the most they may take.

    ``at_cap`` says what is done because no whole test fits any more, None while one does.
    """

    link: str
    day_used_bytes: int
    day_limit_bytes: int
    month_used_bytes: int
    month_limit_bytes: int
    at_cap: AtBudget | None = None

    @property
    def used_part(self) -> float:
        """The fuller of the two budgets, 1.0 is all."""
        return max(
            self.day_used_bytes / max(1, self.day_limit_bytes),
            self.month_used_bytes / max(1, self.month_limit_bytes),
        )


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """One committed second for the map and the strip chart. No position before the first fix."""

    utc_us: int
    mono_us: int
    latitude_deg: float | None
    longitude_deg: float | None
    reachable: bool
    cause: Cause | None
    gap_before: bool  # do not join with the point before


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell without stopping anybody. ``serial`` grows by one with each notice."""

    serial: int
    utc_us: int
    health: Health
    message: Message


@dataclass(frozen=True, slots=True)
class DriveSnapshot:
    """The drive at one moment. ``last_test`` is committed to the survey file before it is here."""

    state: DriveState
    utc_us: int
    mono_us: int
    waiting_for: Message | None  # in IDLE: what is missing before READY
    fix: Fix | None = None
    fix_age_us: int | None = None
    place: Place | None = None
    strip: dict[StripKind, StripItem] = field(default_factory=dict)
    last_test: ThroughputTest | None = None
    running_test: RunningTest | None = None  # the first of running_tests
    running_tests: tuple[RunningTest, ...] = ()  # several where links are tested together
    counts: DriveCounts = field(default_factory=DriveCounts)  # what is committed
    budget_used_bytes: int = 0  # today, of the link in ``budget``
    budget_bytes: int = 0
    budget: LinkBudget | None = None  # of the link that is nearest to its cap
    testing_off: Message | None = None  # why no throughput is measured, over one link at least
    planned_here: tuple[PlannedProgress, ...] = ()  # the planned parts that the car is in
    planned: tuple[PlannedProgress, ...] = ()  # all of the plan's; the same tuple until one changes
    notices: tuple[Notice, ...] = ()  # the newest few, oldest first
    survey_path: str = ""
    replayed: bool = False  # say so on screen
    resume_question: Message | None = None  # an unfinished drive older than 10 minutes
    ended: bool = False  # a replay reached its end and everything is stored
