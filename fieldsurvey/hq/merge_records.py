"""The few rows of a batch as rows of the archive: tests, events, drives and their ends.

Words and numbers are copied, not judged again; the JSON as it came goes along, so that nothing is
lost that has no column.
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from fieldsurvey.model.drive import Drive, Event
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import Outcome, Phase, PhaseKind, ThroughputTest
from fieldsurvey.wire.rows import DriveEnd, RefusedRow, Row

Values = dict[str, Any]

_END_OF_DRIVE = "drive_end"
_REFUSED = "refused"


def test_values(test: ThroughputTest, json: str) -> Values:
    """Return a test's columns that are not times settled or cells."""
    measurement, judgement, check = test.measurement, test.judgement, test.measurement.self_check
    target = None if judgement is None else judgement.target
    return {
        "test_id": test.test_id,
        "trigger": test.trigger.value,
        "started_utc_us": test.started_utc_us,
        "started_mono_us": test.started_mono_us,
        "ended_utc_us": test.ended_utc_us,
        "ended_mono_us": test.ended_mono_us,
        "outcome": measurement.outcome.value,
        "cause": _word(measurement.cause),
        "no_service": test.no_service,
        "detail": measurement.detail or None,
        "stop_reason": measurement.stop_reason or None,
        "protocol": measurement.protocol,
        "mode": measurement.mode.value,
        "server_url": measurement.server_url,
        "server_id": measurement.server_id,
        "duration_us": measurement.duration_us,
        "wire_bytes": measurement.wire_bytes,
        "operator": test.operator or None,
        "access_type": test.access_type.value,
        "link": test.link or None,
        "confirms": test.confirms,
        "tags": msgspec.json.encode(test.tags).decode(),
        "verdict": None if judgement is None else judgement.verdict.value,
        "confidence": None if judgement is None else judgement.confidence.value,
        "rule": None if judgement is None else judgement.rule,
        "target_id": None if target is None else target.id,
        "target_version": None if target is None else target.version,
        "target_bps": None if target is None else target.rate_bps,
        "target_layer": None if target is None else target.layer.value,
        "compared_bps": None if judgement is None else judgement.compared_bps,
        **_load_values("download_", measurement.phase(PhaseKind.DOWNLOAD)),
        **_load_values("upload_", measurement.phase(PhaseKind.UPLOAD)),
        "idle_round_trip_us": _median(measurement.phase(PhaseKind.IDLE_LATENCY)),
        **_end_values("start_", test.started_mono_us, test.start_fix, test.start_place),
        **_end_values("end_", test.ended_mono_us, test.end_fix, test.end_place),
        "ip_version": measurement.ip_version,
        "tls": measurement.tls,
        "pace_bps": measurement.pace_bps or None,
        "interface": None if check is None else check.interface,
        "interface_kind": None if check is None else check.interface_kind.value,
        "limits": None if check is None else msgspec.json.encode(check.limits).decode(),
        "cpu_permille": None if check is None else check.cpu_permille,
        "machine_cpu_permille": None if check is None else check.machine_cpu_permille,
        "loop_lag_us": None if check is None else check.loop_lag_us,
        "other_rx_bytes": None if check is None else check.other_rx_bytes,
        "other_tx_bytes": None if check is None else check.other_tx_bytes,
        "json": json,
    }


def _load_values(prefix: str, phase: Phase | None) -> Values:
    if phase is None:
        return {}
    completed = phase.outcome is Outcome.COMPLETED
    estimate = phase.estimate if completed else None
    values: Values = {
        "outcome": phase.outcome.value,
        "cause": _word(phase.cause),
        "bps": None if estimate is None else estimate.rate_bps,
        "low_bps": None if estimate is None else estimate.low_bps,
        "high_bps": None if estimate is None else estimate.high_bps,
        "bytes": phase.payload_bytes,
        "duration_us": phase.duration_us,
        "connections": phase.connections,
        "estimator": None if estimate is None else estimate.estimator,
        "round_trip_us": _median(phase),
    }
    return {prefix + name: value for name, value in values.items()}


def _end_values(prefix: str, mono_us: int, fix: Fix | None, place: Place | None) -> Values:
    values: Values = {}
    if fix is not None:
        values |= {
            "fix_age_us": fix.age_us(mono_us),
            "latitude_deg": fix.latitude_deg,
            "longitude_deg": fix.longitude_deg,
            "altitude_m": fix.altitude_m,
            "speed_mps": fix.speed_mps,
            "heading_deg": fix.heading_deg,
            "accuracy_m": fix.accuracy_m,
            "fix_type": int(fix.fix_type),
            "fix_flags": int(fix.flags),
            "gnss_utc_us": fix.gnss_utc_us,
        }
    if place is not None:
        values |= msgspec.to_builtins(place)
    return {prefix + name: value for name, value in values.items()}


def drive_values(drive: Drive, json: str) -> Values:
    """Return a drive's columns."""
    return {
        "replayed": drive.replayed,
        "started_utc_us": drive.started_utc_us,
        "plan_name": drive.plan.name,
        "operator": drive.plan.operator or None,
        "access_type": drive.plan.access_type.value,
        "target_id": drive.plan.target_id,
        "position_uri": drive.position_uri,
        "radio_uri": drive.radio_uri,
        "app_version": drive.app_version,
        "json": json,
    }


def event_values(value: Event | DriveEnd | RefusedRow, json: str) -> Values:
    """Return the columns of an event, or of what is filed under events."""
    if isinstance(value, Event):
        return {
            "kind": value.kind.value,
            "utc_us": value.utc_us,
            "mono_us": value.mono_us,
            "message_id": value.message.id,
            "json": json,
        }
    if isinstance(value, DriveEnd):
        return {"kind": _END_OF_DRIVE, "utc_us": value.ended_utc_us, "json": json}
    return {"kind": _REFUSED, "json": json}


def table_rows(records: Sequence[tuple[Row, str]]) -> Iterator[tuple[str, Values]]:
    """Yield each record's table and columns, with ``seq`` and ``drive_id``."""
    for row, json in records:
        value = row.value
        if isinstance(value, ThroughputTest):
            table, values = "tests", test_values(value, json)
        elif isinstance(value, Drive):
            table, values = "drives", drive_values(value, json)
        elif isinstance(value, Event | DriveEnd | RefusedRow):
            table, values = "events", event_values(value, json)
        else:
            raise TypeError(f"no record: {type(value)}")
        yield table, values | {"seq": row.seq, "drive_id": row.drive_id}


def clocks(values: Values) -> tuple[int | None, int | None]:
    """Return a row's UTC and monotonic time by the laptop's clocks, as far as it has them."""
    utc_us = values.get("started_utc_us", values.get("utc_us"))
    return utc_us, values.get("started_mono_us", values.get("mono_us"))


def _word(value: str | None) -> str | None:
    return None if value is None else str(value)


def _median(phase: Phase | None) -> int | None:
    if phase is None or not phase.round_trips_us:
        return None
    return int(statistics.median_low(phase.round_trips_us))
