"""Throughput tests as rows: what was counted apart from what was concluded from it.

A test is one raw row and one raw row per phase (:mod:`fieldsurvey.store.phase_rows`); estimates,
judgement and places are derived and lie in tables of their own.
"""

import itertools
from collections.abc import Sequence

import msgspec

from fieldsurvey.model.place import Place
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import (
    InterfaceKind,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    SelfCheck,
    SelfLimit,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.store.codec import Row, to_json
from fieldsurvey.store.phase_rows import FIRST_PHASE_COLUMNS, PHASE_COLUMNS, cause_from
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
    # Since schema 2; all of them are NULL in older rows.
    "link",
    "operator",
    "access_type",
    "confirms",
    "ip_version",
    "tls",
    "pace_bps",
    "retry_after_s",
    "interface",
    "interface_kind",
    "cpu_permille",
    "machine_cpu_permille",
    "loop_lag_us",
    "other_rx_bytes",
    "other_tx_bytes",
    "limits",
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
_START_FIX_END = _FIXES_FROM + len(NO_FIX)
_LINK_AT = _START_FIX_END + len(NO_FIX)  # where the columns of schema 2 begin
_SELF_CHECK_AT = _LINK_AT + 8
_NO_SELF_CHECK = (None,) * 8


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
        test.link,
        test.operator,
        str(test.access_type),
        test.confirms,
        measurement.ip_version,
        int(measurement.tls),
        measurement.pace_bps,
        measurement.retry_after_s,
        *(
            _NO_SELF_CHECK
            if measurement.self_check is None
            else _self_check_row(measurement.self_check)
        ),
    )


def _self_check_row(check: SelfCheck) -> Row:
    return (
        check.interface,
        str(check.interface_kind),
        check.cpu_permille,
        check.machine_cpu_permille,
        check.loop_lag_us,
        check.other_rx_bytes,
        check.other_tx_bytes,
        to_json(check.limits),
    )


def test_key_values(row: Row, phases: Sequence[Row]) -> Row:
    """Return what a test's key is made of: its row, then its phases in order.

    ``row`` begins with the drive's seq. What was written by an older schema has the key of that
    schema, which covers the columns it knew; the later ones are empty.
    """
    link_at = 1 + _LINK_AT
    known = len(PHASE_COLUMNS) - 1  # of schema 2, which knew no arrivals
    if row[link_at] is None:
        row, known = row[:link_at], FIRST_PHASE_COLUMNS
    covered = (phase if any(phase[known:]) else phase[:known] for phase in phases)
    return (*row, *itertools.chain.from_iterable(covered))


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
    link, operator, access_type, confirms = row[_LINK_AT : _LINK_AT + 4]
    ip_version, tls, pace_bps, retry_after_s = row[_LINK_AT + 4 : _SELF_CHECK_AT]
    measurement = Measurement(
        protocol,
        Mode(mode),
        server_url,
        Outcome(outcome),
        duration_us,
        wire_bytes,
        phases,
        cause_from(cause),
        detail,
        server_id,
        mss_bytes,
        congestion_control,
        stop_reason,
        ip_version,
        bool(tls),
        pace_bps or 0,
        retry_after_s,
        _self_check_from(row[_SELF_CHECK_AT:]),
    )
    return ThroughputTest(
        test_id,
        Trigger(trigger),
        started_utc_us,
        started_mono_us,
        ended_utc_us,
        ended_mono_us,
        measurement,
        fix_from(row[_FIXES_FROM:_START_FIX_END]),
        fix_from(row[_START_FIX_END:_LINK_AT]),
        start_place,
        end_place,
        judgement,
        msgspec.json.decode(tags, type=dict[str, str]),
        link or "",
        operator or "",
        AccessType.UNKNOWN if access_type is None else AccessType(access_type),
        confirms,
    )


def _self_check_from(row: Row) -> SelfCheck | None:
    """Return the self-check, or None where the columns are empty."""
    interface, kind, cpu_permille, machine_cpu_permille, loop_lag_us, *others = row
    if kind is None:
        return None
    other_rx_bytes, other_tx_bytes, limits = others
    return SelfCheck(
        interface,
        InterfaceKind(kind),
        cpu_permille,
        machine_cpu_permille,
        loop_lag_us,
        other_rx_bytes,
        other_tx_bytes,
        msgspec.json.decode(limits, type=tuple[SelfLimit, ...]),
    )
