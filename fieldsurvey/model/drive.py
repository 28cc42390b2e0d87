"""A drive, its seconds and its events; and the plan it follows."""

from dataclasses import dataclass, field
from enum import StrEnum

from fieldsurvey.model.messages import Message
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import AccessType, RadioState
from fieldsurvey.model.tally import Tally
from fieldsurvey.model.throughput import Cause, Mode
from fieldsurvey.model.verdict import RateLayer


class DriveState(StrEnum):
    IDLE = "idle"  # preparing: something is still missing
    READY = "ready"
    DRIVING = "driving"
    STOPPED = "stopped"


class AtBudget(StrEnum):
    """What a drive does when the day's or the month's bytes are spent."""

    PING = "ping"  # latency only
    STOP = "stop"  # no tests


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """One modem of the laptop. ``interface`` is a device name or a source address."""

    name: str
    interface: str
    operator: str = ""
    access_type: AccessType = AccessType.UNKNOWN


@dataclass(frozen=True, slots=True)
class PlannedStretch:
    """A stretch of highway that lacks tests. Chainages in metres, ``to_m`` exclusive."""

    highway_ref: str
    from_m: int
    to_m: int
    tests_needed: int  # by each link: operators are judged apart


@dataclass(frozen=True, slots=True)
class PlannedSettlement:
    """A settlement that lacks tests, by its id in the places file."""

    settlement_id: str
    tests_needed: int  # by each link


@dataclass(frozen=True, slots=True)
class SurveyPlan:
    """What a campaign asks of a drive. Triggers set to None are off.

    Budgets hold for each link by itself: every SIM card has its own tariff. ``layer`` overrides
    what the target counts. ``links`` empty: one link, by the default route. ``stretches`` and
    ``settlements`` are what to drive, in the order of the route; triggers hold everywhere.
    """

    name: str = "survey"
    server_url: str = ""
    protocol: str = "native"
    mode: Mode = Mode.CHECK
    target_id: str = "national-100"
    operator: str = ""
    access_type: AccessType = AccessType.UNKNOWN
    trigger_distance_m: float | None = 2_000.0
    trigger_period_s: float | None = 60.0
    trigger_kilometre_post: bool = True
    trigger_settlement: bool = True
    minimum_gap_s: float = 10.0  # between the end of a test and the next automatic one
    connections: int = 4
    max_test_s: float = 4.0
    max_test_bytes: int = 37_000_000  # of payload; the link then carries 40 MB at most
    upload: bool = False
    budget_bytes_per_day: int = 20_000_000_000
    budget_bytes_per_month: int = 400_000_000_000
    at_budget: AtBudget = AtBudget.PING
    layer: RateLayer | None = None
    pace_ratio: float = 2.0  # how far above the target a check's sender may go
    calibrate_every: int = 20  # one test in so many is a whole 10 s; 0 is none
    confirm_server_url: str = ""  # where a result below target is tried again; "" is nowhere
    ca_pem: str = ""  # certificates of the servers' own authority; "" trusts the system's only
    links: tuple[PlannedLink, ...] = ()
    links_together: bool = False  # all at the same time, or one after the other
    stretches: tuple[PlannedStretch, ...] = ()
    settlements: tuple[PlannedSettlement, ...] = ()


@dataclass(frozen=True, slots=True)
class Drive:
    """One start-to-stop run. ``ended_utc_us`` is None while it runs, or after a crash."""

    drive_id: str  # UUID
    started_utc_us: int
    plan: SurveyPlan
    position_uri: str
    radio_uri: str
    app_version: str
    replayed: bool  # position came from a recording: never evidence about a place
    ended_utc_us: int | None = None


@dataclass(frozen=True, slots=True)
class DriveCounts:
    """Figures of one drive, of what is committed."""

    samples: int = 0
    no_service_samples: int = 0
    tally: Tally = field(default_factory=Tally)
    distance_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Reachability:
    """Did the measurement server answer in this second? ``cause`` says why not."""

    reachable: bool
    round_trip_us: int | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of a drive: position + radio + reachability, network or not."""

    utc_us: int
    mono_us: int
    reachability: Reachability
    fix: Fix | None = None  # the newest, however old; None before the first
    fix_age_us: int | None = None
    radio: RadioState | None = None
    place: Place | None = None


class EventKind(StrEnum):
    DRIVE_STARTED = "drive_started"
    DRIVE_STOPPED = "drive_stopped"
    DRIVE_RESUMED = "drive_resumed"
    POSITION_LOST = "position_lost"
    POSITION_BACK = "position_back"
    SERVICE_LOST = "service_lost"
    SERVICE_BACK = "service_back"
    CLOCK_JUMP = "clock_jump"
    STORAGE_TROUBLE = "storage_trouble"
    STORAGE_BACK = "storage_back"
    BUDGET_REACHED = "budget_reached"
    ENGINE_RESTARTED = "engine_restarted"
    MARK = "mark"  # the surveyor pressed M


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened between samples; ``message`` is told in any language later."""

    kind: EventKind
    utc_us: int
    mono_us: int
    message: Message = field(default_factory=lambda: Message("drive.event"))
