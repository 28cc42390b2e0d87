"""One throughput test: what was asked, what was counted, what is concluded.

Raw (bins, round trips, bytes) and derived (rate, interval, verdict) stand side by side, and the
derived part names the estimator, so that it can be computed again.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

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
    CONFIRMATION = "confirmation"  # a result below target, tried again on a second server


class PhaseKind(StrEnum):
    WAKE_UP = "wake_up"  # a little traffic so that the radio is awake when the clock starts
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
    NOT_ASKED = "not_asked"  # another tool recorded it and did not ask: neither service nor none


OWN_CAUSES = (Cause.ENGINE, Cause.SERVER_BUSY, Cause.NOT_ASKED)  # these say nothing of a network


class InterfaceKind(StrEnum):
    """What a test went out through. A laptop's Wi-Fi may lead to a phone: then it is the limit."""

    CELLULAR = "cellular"
    ETHERNET = "ethernet"
    WIFI = "wifi"
    VPN = "vpn"
    LOOPBACK = "loopback"
    UNKNOWN = "unknown"


class SelfLimit(StrEnum):
    """What of our own may have held a test back, so that it says nothing against the place."""

    CPU = "cpu"
    EVENT_LOOP = "event_loop"
    OTHER_TRAFFIC = "other_traffic"
    RECEIVE_WINDOW = "receive_window"
    SERVER = "server"  # the far end had no more to give
    VPN = "vpn"
    WIFI = "wifi"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How our own side was during the loads. ``None`` where the system does not tell."""

    interface: str | None = None
    interface_kind: InterfaceKind = InterfaceKind.UNKNOWN
    cpu_permille: int | None = None  # of the measuring process; 1000 is one core
    machine_cpu_permille: int | None = None  # of the machine; 1000 is every core
    loop_lag_us: int | None = None  # the event loop's worst lateness
    other_rx_bytes: int | None = None  # on the interface, not ours
    other_tx_bytes: int | None = None
    limits: tuple[SelfLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class TcpSummary:
    """What one end's TCP knew when a load ended, all its connections together (TCP_INFO).

    Round trips are the median (smoothed) and the least (min) over the connections; the limited
    times are the largest; bytes are sums. ``None`` where the system does not tell.
    """

    round_trip_us: int | None = None
    min_round_trip_us: int | None = None
    sent_bytes: int | None = None
    retransmitted_bytes: int | None = None
    busy_us: int | None = None
    receive_window_limited_us: int | None = None
    send_buffer_limited_us: int | None = None


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
    """One part of a test. ``round_trips_us``: idle ones in IDLE_LATENCY, loaded ones elsewhere.

    ``bins`` hold payload when it was handed over, in order; ``arrivals`` all that TCP carries, when
    it came, where the receiver's system tells: see :mod:`fieldsurvey.throughput.arrivals`.
    """

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
    tcp_local: TcpSummary | None = None
    tcp_server: TcpSummary | None = None
    arrivals: Bins | None = None

    @property
    def rate_bins(self) -> Bins | None:
        """Return the bins that the estimate is made from."""
        return self.arrivals or self.bins


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
    max_bytes: int = 37_000_000
    ramp_max_us: int = 1_500_000
    idle_pings: int = 5
    connect_timeout_us: int = 3_000_000
    stall_timeout_us: int = 1_500_000
    interface: str | None = None
    target_layer: RateLayer = RateLayer.IP
    pace_bps: int = 0  # the most that the sender is asked to send, all connections; 0 is no bound
    wake_up: bool = True
    access_token: str = ""
    ca_pem: str = ""  # certificates to trust besides the system's
    public_server: bool = False  # somebody has chosen a public server of somebody else's


def network_failed(outcome: Outcome, cause: Cause | None) -> bool:
    """Tell whether it was the network that failed; not our own process, nor a busy server."""
    return outcome is Outcome.FAILED and cause not in (*OWN_CAUSES, None)


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
    ip_version: int | None = None
    tls: bool = False
    pace_bps: int = 0
    retry_after_s: int | None = None  # when a busy server said to come back
    self_check: SelfCheck | None = None

    @property
    def no_service(self) -> bool:
        """True where the network failed; not where our own process did, or the server was busy."""
        return network_failed(self.outcome, self.cause)

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
    link: str = ""  # name of the planned link; "" where the plan has only one
    operator: str = ""
    access_type: AccessType = AccessType.UNKNOWN
    confirms: str | None = None  # test_id of the result below target that this one tries again

    @property
    def no_service(self) -> bool:
        """True where the test failed because of the network, not because of us."""
        return self.measurement.no_service
