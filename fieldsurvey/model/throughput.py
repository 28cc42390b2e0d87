"""One throughput test: what was asked, what was counted, what is concluded.

Raw (bins, round trips, bytes) and derived (rate, interval, verdict) stand side by side, and the
derived part names the estimator, so that it can be computed again.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.verdict import Confidence, Target, Verdict

BIN_WIDTH_US = 50_000


class Mode(StrEnum):
    CHECK = "check"
    MEASURE = "measure"
    CALIBRATE = "calibrate"
    PING = "ping"


class Trigger(StrEnum):
    """Why a test was made where it was made."""

    DISTANCE = "distance"
    TIME = "time"
    KILOMETRE_POST = "kilometre_post"
    SETTLEMENT = "settlement"
    HAND = "hand"


class PhaseKind(StrEnum):
    IDLE_LATENCY = "idle_latency"
    DOWNLOAD = "download"
    UPLOAD = "upload"


class Outcome(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"  # with a cause: a result, not a gap
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # not even tried, with a cause


class Cause(StrEnum):
    """Why there is no service, or no rate. The first eight are what networks do."""

    NO_ROUTE = "no_route"
    DNS = "dns"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    TLS = "tls"
    STALLED = "stalled"  # connected, then nothing came
    CUT_OFF = "cut_off"  # the connection was reset or closed midway
    CAPTIVE_PORTAL = "captive_portal"  # somebody answered who is not our server
    SERVER_BUSY = "server_busy"
    BUDGET = "budget"  # the day's bytes are spent
    ENGINE = "engine"  # our own measuring process failed


@dataclass(frozen=True, slots=True)
class Bins:
    """Bytes counted at the receiver per ``width_us``, from the start of the phase on."""

    byte_counts: tuple[int, ...]
    width_us: int = BIN_WIDTH_US


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its interval, from the bins after the ramp. All in bit/s of TCP payload."""

    estimator: str  # name and version, "batch-mean/1"
    rate_bps: int
    low_bps: int
    high_bps: int
    batches: int
    ramp_us: int  # left out
    ramp_bytes: int


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a test. ``round_trips_us``: idle ones in IDLE_LATENCY, loaded ones elsewhere."""

    kind: PhaseKind
    start_offset_us: int  # real µs after the start of the test
    duration_us: int
    payload_bytes: int = 0
    connections: int = 0
    bins: Bins | None = None
    estimate: Estimate | None = None
    round_trips_us: tuple[int, ...] = ()
    round_trips_lost: int = 0
    outcome: Outcome = Outcome.COMPLETED
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class MeasurementPlan:
    """What the measuring process is asked to do, once. Bounds hold per phase in real seconds."""

    server_url: str
    protocol: str = "native"
    mode: Mode = Mode.CHECK
    target_bps: int = 100_000_000
    phases: tuple[PhaseKind, ...] = (PhaseKind.IDLE_LATENCY, PhaseKind.DOWNLOAD)
    connections: int = 4
    max_duration_us: int = 4_000_000
    max_bytes: int = 40_000_000
    ramp_max_us: int = 1_500_000
    idle_pings: int = 5
    connect_timeout_us: int = 3_000_000
    stall_timeout_us: int = 1_500_000
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the measuring process found; knows nothing of roads. ``wire_bytes`` charges the budget:
    all payload in both directions, ramp included."""

    protocol: str
    mode: Mode
    server_url: str
    outcome: Outcome
    duration_us: int
    wire_bytes: int
    phases: tuple[Phase, ...] = ()
    cause: Cause | None = None
    detail: str = ""  # the system's own words, for support
    server_id: str | None = None
    mss_bytes: int | None = None
    congestion_control: str | None = None
    stop_reason: str = ""

    @property
    def no_service(self) -> bool:
        """True where the network failed; not where our own process did, or the server was busy."""
        return self.outcome is Outcome.FAILED and self.cause not in (
            Cause.ENGINE,
            Cause.SERVER_BUSY,
            None,
        )

    def phase(self, kind: PhaseKind) -> Phase | None:
        """Return the first phase of ``kind``."""
        return next((phase for phase in self.phases if phase.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the target it was judged by, for good."""

    verdict: Verdict
    confidence: Confidence
    target: Target
    compared_bps: int  # the rate in the target's layer
    rule: str  # name and version


@dataclass(frozen=True, slots=True)
class ThroughputTest:
    """A measurement tied to its stretch of road. Times are the drive's clocks."""

    test_id: str  # UUID
    trigger: Trigger
    started_utc_us: int
    started_mono_us: int
    ended_utc_us: int
    ended_mono_us: int
    measurement: Measurement
    start_fix: Fix | None = None
    end_fix: Fix | None = None
    start_place: Place | None = None
    end_place: Place | None = None
    judgement: Judgement | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def no_service(self) -> bool:
        """True where the test failed because of the network, not because of us."""
        return self.measurement.no_service
