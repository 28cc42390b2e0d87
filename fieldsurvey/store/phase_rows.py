"""The phases of throughput tests as rows; their estimates, which are derived, as other rows.

Column order here is the order of the tuples; the tables themselves are made by the migrations.
"""

import msgspec

from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    Outcome,
    Phase,
    PhaseKind,
    TcpSummary,
)
from fieldsurvey.store.codec import Row, to_json, u32_blob, u32_values
from fieldsurvey.store.rows import text

PHASE_COLUMNS = (
    "kind",
    "start_offset_us",
    "duration_us",
    "payload_bytes",
    "connections",
    "bin_width_us",
    "bin_bytes",
    "round_trips_us",
    "round_trips_lost",
    "outcome",
    "cause",
    # Since schema 2.
    "tcp_local",
    "tcp_server",
    # Since schema 3.
    "arrival_bytes",
)
ESTIMATE_COLUMNS = (
    "estimator",
    "rate_bps",
    "low_bps",
    "high_bps",
    "batches",
    "ramp_us",
    "ramp_bytes",
)
FIRST_PHASE_COLUMNS = 11  # how many of them schema 1 had


def phase_row(phase: Phase) -> Row:
    """The raw row of a phase, without its estimate."""
    return (
        str(phase.kind),
        phase.start_offset_us,
        phase.duration_us,
        phase.payload_bytes,
        phase.connections,
        None if phase.bins is None else phase.bins.width_us,
        None if phase.bins is None else u32_blob(phase.bins.byte_counts),
        u32_blob(phase.round_trips_us),
        phase.round_trips_lost,
        str(phase.outcome),
        text(phase.cause),
        _tcp_json(phase.tcp_local),
        _tcp_json(phase.tcp_server),
        None if phase.arrivals is None else u32_blob(phase.arrivals.byte_counts),
    )


def _tcp_json(summary: TcpSummary | None) -> str | None:
    return None if summary is None else to_json(summary)


def estimate_row(estimate: Estimate) -> Row:
    return (
        estimate.estimator,
        estimate.rate_bps,
        estimate.low_bps,
        estimate.high_bps,
        estimate.batches,
        estimate.ramp_us,
        estimate.ramp_bytes,
    )


def phase_from(row: Row) -> Phase:
    """Build a phase from its columns followed by its estimate's columns."""
    kind, start_offset_us, duration_us, payload_bytes, connections = row[:5]
    bin_width_us, bin_bytes, round_trips_us, round_trips_lost, outcome, cause = row[5:11]
    tcp_local, tcp_server, arrival_bytes, *estimate = row[FIRST_PHASE_COLUMNS:]
    return Phase(
        PhaseKind(kind),
        start_offset_us,
        duration_us,
        payload_bytes,
        connections,
        None if bin_bytes is None else Bins(u32_values(bin_bytes), bin_width_us),
        None if estimate[0] is None else Estimate(*estimate),
        u32_values(round_trips_us),
        round_trips_lost,
        Outcome(outcome),
        cause_from(cause),
        _tcp_from(tcp_local),
        _tcp_from(tcp_server),
        None if arrival_bytes is None else Bins(u32_values(arrival_bytes), bin_width_us),
    )


def _tcp_from(json: str | None) -> TcpSummary | None:
    return None if json is None else msgspec.json.decode(json, type=TcpSummary)


def cause_from(value: str | None) -> Cause | None:
    return None if value is None else Cause(value)
