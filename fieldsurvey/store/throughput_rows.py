"""Throughput tests as rows: what was counted apart from what was concluded from it.

A test is one raw row and one raw row per phase; estimates, judgement and places are derived and
lie in tables of their own.
"""

import msgspec

from fieldsurvey.model.place import Place
from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.store.codec import Row, to_json, u32_blob, u32_values
from fieldsurvey.store.rows import (
    END_FIX_COLUMNS,
    NO_FIX,
    START_FIX_COLUMNS,
    fix_from,
    fix_row,
    text,
)

TEST_COLUMNS = (
    "test_id",
    '"trigger"',
    "started_utc_us",
    "started_mono_us",
    "ended_utc_us",
    "ended_mono_us",
    "protocol",
    "mode",
    "server_url",
    "outcome",
    "duration_us",
    "wire_bytes",
    "cause",
    "detail",
    "server_id",
    "mss_bytes",
    "congestion_control",
    "stop_reason",
    "tags",
    *START_FIX_COLUMNS,
    *END_FIX_COLUMNS,
)
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
JUDGEMENT_COLUMNS = (
    "verdict",
    "confidence",
    "target_id",
    "target_version",
    "target_rate_bps",
    "target_layer",
    "compared_bps",
    "rule",
)
_FIXES_FROM = 19  # where the two fixes begin in a test's row


def test_row(test: ThroughputTest) -> Row:
    """The raw row of a test, without its phases."""
    measurement = test.measurement
    return (
        test.test_id,
        str(test.trigger),
        test.started_utc_us,
        test.started_mono_us,
        test.ended_utc_us,
        test.ended_mono_us,
        measurement.protocol,
        str(measurement.mode),
        measurement.server_url,
        str(measurement.outcome),
        measurement.duration_us,
        measurement.wire_bytes,
        text(measurement.cause),
        measurement.detail,
        measurement.server_id,
        measurement.mss_bytes,
        measurement.congestion_control,
        measurement.stop_reason,
        to_json(test.tags),
        *(NO_FIX if test.start_fix is None else fix_row(test.start_fix)),
        *(NO_FIX if test.end_fix is None else fix_row(test.end_fix)),
    )


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
    )


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


def judgement_row(judgement: Judgement) -> Row:
    target = judgement.target
    return (
        str(judgement.verdict),
        str(judgement.confidence),
        target.id,
        target.version,
        target.rate_bps,
        str(target.layer),
        judgement.compared_bps,
        judgement.rule,
    )


def judgement_from(row: Row) -> Judgement | None:
    """Return the judgement, or None where none was stored."""
    if row[0] is None:
        return None
    verdict, confidence, target_id, version, rate_bps, layer, compared_bps, rule = row
    return Judgement(
        Verdict(verdict),
        Confidence(confidence),
        Target(target_id, version, rate_bps, RateLayer(layer)),
        compared_bps,
        rule,
    )


def phase_from(row: Row) -> Phase:
    """Build a phase from its columns followed by its estimate's columns."""
    kind, start_offset_us, duration_us, payload_bytes, connections = row[:5]
    bin_width_us, bin_bytes, round_trips_us, round_trips_lost, outcome, cause = row[5:11]
    estimate = row[11:]
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
        _cause(cause),
    )


def test_from(
    row: Row,
    phases: tuple[Phase, ...],
    judgement: Judgement | None,
    start_place: Place | None,
    end_place: Place | None,
) -> ThroughputTest:
    """Put a test together again."""
    test_id, trigger, started_utc_us, started_mono_us, ended_utc_us, ended_mono_us = row[:6]
    protocol, mode, server_url, outcome, duration_us, wire_bytes, cause = row[6:13]
    detail, server_id, mss_bytes, congestion_control, stop_reason, tags = row[13:_FIXES_FROM]
    fixes = row[_FIXES_FROM:]
    measurement = Measurement(
        protocol,
        Mode(mode),
        server_url,
        Outcome(outcome),
        duration_us,
        wire_bytes,
        phases,
        _cause(cause),
        detail,
        server_id,
        mss_bytes,
        congestion_control,
        stop_reason,
    )
    return ThroughputTest(
        test_id,
        Trigger(trigger),
        started_utc_us,
        started_mono_us,
        ended_utc_us,
        ended_mono_us,
        measurement,
        fix_from(fixes[: len(NO_FIX)]),
        fix_from(fixes[len(NO_FIX) :]),
        start_place,
        end_place,
        judgement,
        msgspec.json.decode(tags, type=dict[str, str]),
    )


def _cause(value: str | None) -> Cause | None:
    return None if value is None else Cause(value)
