"""What each mode asks of a link: the bounds in seconds and bytes, and how fast a sender may go.

Must be the only place that knows them: the command line, a drive and a test of ours agree.
"""

from fieldsurvey.model.throughput import MeasurementPlan, Mode, PhaseKind
from fieldsurvey.model.verdict import Target

PACE_RATIO = 2.0  # of a check's sender to the target: less would cut the variation short

# Per load: the longest µs and the most bytes.
_BOUNDS = {
    Mode.CHECK: (4_000_000, 37_000_000),  # with headers and what is under way: 40 MB
    Mode.MEASURE: (8_000_000, 125_000_000),
    Mode.CALIBRATE: (10_000_000, 1_250_000_000),  # 1 Gbit/s for the whole time
    Mode.PING: (4_000_000, 1_000_000),
}


def plan_for(
    mode: Mode,
    *,
    server_url: str,
    protocol: str = "native",
    target: Target,
    interface: str | None = None,
    upload: bool = False,
    connections: int = 4,
    pace_ratio: float = PACE_RATIO,
    max_duration_us: int | None = None,
    max_bytes: int | None = None,
    access_token: str = "",
    ca_pem: str = "",
    public_server: bool = False,
) -> MeasurementPlan:
    """Return the plan of one test; ``max_duration_us`` and ``max_bytes`` replace the mode's own."""
    longest_us, most_bytes = _BOUNDS[mode]
    phases = [PhaseKind.IDLE_LATENCY]
    if mode is not Mode.PING:
        phases.append(PhaseKind.DOWNLOAD)
        if upload:
            phases.append(PhaseKind.UPLOAD)
    return MeasurementPlan(
        server_url=server_url,
        protocol=protocol,
        mode=mode,
        target_bps=target.rate_bps,
        target_layer=target.layer,
        phases=tuple(phases),
        connections=connections,
        max_duration_us=longest_us if max_duration_us is None else max_duration_us,
        max_bytes=most_bytes if max_bytes is None else max_bytes,
        interface=interface,
        pace_bps=round(target.rate_bps * pace_ratio) if mode is Mode.CHECK else 0,
        wake_up=mode is not Mode.PING,  # its first answer tells what waking up takes
        access_token=access_token,
        ca_pem=ca_pem,
        public_server=public_server,
    )
