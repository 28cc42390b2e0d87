"""Flat rows from the model's objects, in the columns of :mod:`fieldsurvey.export.tables`.

For tests, for small surveys and for what has no columnar source. One place decides what of a
measurement is exported, so that no format can tell another story.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fieldsurvey.export.tables import (
    CHUNK_ROWS,
    DRIVE_COLUMNS,
    SAMPLE_COLUMNS,
    TEST_COLUMNS,
    SurveyTables,
    schema,
)
from fieldsurvey.export.untold import without_untold
from fieldsurvey.model.drive import Drive, Event, EventKind, Sample
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import (
    Measurement,
    Outcome,
    Phase,
    PhaseKind,
    TcpSummary,
    ThroughputTest,
)

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class DriveRows:
    """One drive with everything recorded in it, oldest first."""

    drive: Drive
    samples: Sequence[Sample] = ()
    tests: Sequence[ThroughputTest] = ()
    events: Sequence[Event] = ()


def tables_from(drives: Iterable[DriveRows], language: str = "en") -> SurveyTables:
    """Return the tables of ``drives``; all of it is held in memory."""
    rows = list(drives)
    per_drive = [_frame(SAMPLE_COLUMNS, _sample_rows(of_drive)) for of_drive in rows]

    def pieces() -> Iterator[pl.DataFrame]:
        for frame in per_drive:
            yield from frame.iter_slices(CHUNK_ROWS)

    return SurveyTables(
        drives=drives_frame(of_drive.drive for of_drive in rows),
        tests=tests_frame(
            (of_drive.drive.drive_id, test) for of_drive in rows for test in of_drive.tests
        ),
        sample_count=sum(len(frame) for frame in per_drive),
        sample_pieces=pieces,
        language=language,
    )


def drives_frame(drives: Iterable[Drive]) -> pl.DataFrame:
    """Return one row per drive with ``DRIVE_COLUMNS``."""
    return _frame(DRIVE_COLUMNS, [_drive_row(drive) for drive in drives])


def tests_frame(tests: Iterable[tuple[str, ThroughputTest]]) -> pl.DataFrame:
    """Return one row per (drive id, test) with ``TEST_COLUMNS``."""
    rows = [test_row(drive_id, test) for drive_id, test in tests]
    return without_untold(_frame(TEST_COLUMNS, rows))


def _frame(columns: dict[str, str] | object, rows: list[Row]) -> pl.DataFrame:
    import polars as pl

    kinds = schema(columns)  # type: ignore[arg-type]
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in kinds}, schema=kinds)


def _drive_row(drive: Drive) -> Row:
    return {
        "drive_id": drive.drive_id,
        "started_utc_us": drive.started_utc_us,
        "ended_utc_us": drive.ended_utc_us,
        "plan_name": drive.plan.name,
        "operator": drive.plan.operator or None,
        "access_type": drive.plan.access_type.value,
        "position_uri": drive.position_uri,
        "radio_uri": drive.radio_uri,
        "app_version": drive.app_version,
        "replayed": drive.replayed,
    }


def _sample_rows(of_drive: DriveRows) -> list[Row]:
    resumed_utc_us = sorted(
        event.utc_us for event in of_drive.events if event.kind is EventKind.DRIVE_RESUMED
    )
    rows, run = [], 0
    for sample in of_drive.samples:
        while run < len(resumed_utc_us) and resumed_utc_us[run] <= sample.utc_us:
            run += 1
        rows.append({"drive_id": of_drive.drive.drive_id, "run": run, **_sample_row(sample)})
    return rows


def _sample_row(sample: Sample) -> Row:
    reachability, radio = sample.reachability, sample.radio
    row: Row = {
        "utc_us": sample.utc_us,
        "mono_us": sample.mono_us,
        "reachable": reachability.reachable,
        "cause": reachability.cause and reachability.cause.value,
        "round_trip_us": reachability.round_trip_us,
        "fix_age_us": sample.fix_age_us,
        **_fix_row(sample.fix),
        **_place_row(sample.place),
        "places_version": sample.place and sample.place.places_version,
    }
    if radio is not None:
        row |= {
            "technology": radio.technology.value,
            "operator_code": radio.operator_code,
            "operator_name": radio.operator_name,
            "cell_id": radio.cell_id,
            "tracking_area": radio.tracking_area,
            "band": radio.band,
            "rsrp_dbm": radio.rsrp_dbm,
            "rsrq_db": radio.rsrq_db,
            "sinr_db": radio.sinr_db,
            "rssi_dbm": radio.rssi_dbm,
        }
    return row


def _fix_row(fix: Fix | None, prefix: str = "") -> Row:
    if fix is None:
        return {}
    return {
        f"{prefix}latitude_deg": fix.latitude_deg,
        f"{prefix}longitude_deg": fix.longitude_deg,
        f"{prefix}altitude_m": fix.altitude_m,
        f"{prefix}speed_mps": fix.speed_mps,
        f"{prefix}heading_deg": fix.heading_deg,
        f"{prefix}accuracy_m": fix.accuracy_m,
        f"{prefix}hdop": fix.hdop,
        f"{prefix}satellites": fix.satellites,
        f"{prefix}fix_type": int(fix.fix_type),
        f"{prefix}fix_flags": int(fix.flags),
        f"{prefix}gnss_utc_us": fix.gnss_utc_us,
    }


def _place_row(place: Place | None, prefix: str = "") -> Row:
    if place is None:
        return {}
    return {
        f"{prefix}highway_ref": place.highway_ref,
        f"{prefix}chainage_m": place.chainage_m,
        f"{prefix}road_distance_m": place.road_distance_m,
        f"{prefix}settlement_id": place.settlement_id,
        f"{prefix}settlement_name": place.settlement_name,
        f"{prefix}settlement_distance_m": place.settlement_distance_m,
    }


def test_row(drive_id: str, test: ThroughputTest) -> Row:
    """Return ``TEST_COLUMNS`` of a test; those that are not there are null."""
    row: Row = {
        "drive_id": drive_id,
        "test_id": test.test_id,
        "trigger": test.trigger.value,
        "started_utc_us": test.started_utc_us,
        "ended_utc_us": test.ended_utc_us,
        "no_service": test.no_service,
        "link": test.link or None,
        "operator": test.operator or None,
        "access_type": None if test.access_type is AccessType.UNKNOWN else test.access_type.value,
        "confirms": test.confirms,
        **_measurement_row(test.measurement),
        **_conditions_row(test.measurement),
        **_fix_row(test.start_fix, "start_"),
        **_fix_row(test.end_fix, "end_"),
        **_place_row(test.start_place, "start_"),
        **_place_row(test.end_place, "end_"),
    }
    if test.start_fix is not None:
        row["start_fix_age_us"] = test.start_fix.age_us(test.started_mono_us)
    if test.end_fix is not None:
        row["end_fix_age_us"] = test.end_fix.age_us(test.ended_mono_us)
    place = test.start_place or test.end_place
    row["places_version"] = place and place.places_version
    if test.tags:
        row["tags"] = json.dumps(test.tags, ensure_ascii=False, sort_keys=True)
    if (judgement := test.judgement) is not None:
        row |= {
            "verdict": judgement.verdict.value,
            "confidence": judgement.confidence.value,
            "target_id": judgement.target.id,
            "target_version": judgement.target.version,
            "target_bps": judgement.target.rate_bps,
            "target_layer": judgement.target.layer.value,
            "compared_bps": judgement.compared_bps,
            "rule": judgement.rule,
        }
    return row


def _measurement_row(measurement: Measurement) -> Row:
    return {
        "outcome": measurement.outcome.value,
        "cause": measurement.cause and measurement.cause.value,
        "detail": measurement.detail or None,
        "stop_reason": measurement.stop_reason or None,
        "protocol": measurement.protocol,
        "mode": measurement.mode.value,
        "server_url": measurement.server_url,
        "server_id": measurement.server_id,
        "duration_us": measurement.duration_us,
        "wire_bytes": measurement.wire_bytes,
        "mss_bytes": measurement.mss_bytes,
        "congestion_control": measurement.congestion_control,
        **_phase_row(measurement.phase(PhaseKind.DOWNLOAD), "download"),
        **_phase_row(measurement.phase(PhaseKind.UPLOAD), "upload"),
        **_latency_row(measurement.phase(PhaseKind.IDLE_LATENCY), "idle"),
        **_latency_row(measurement.phase(PhaseKind.DOWNLOAD), "download"),
        **_latency_row(measurement.phase(PhaseKind.UPLOAD), "upload"),
    }


def _conditions_row(measurement: Measurement) -> Row:
    """How the test was made, how our own side was, and what the sending ends' TCP knew."""
    row: Row = {
        "ip_version": measurement.ip_version,
        "tls": measurement.tls,
        "pace_bps": measurement.pace_bps or None,
        "retry_after_s": measurement.retry_after_s,
    }
    if (check := measurement.self_check) is not None:
        row |= {
            "interface": check.interface,
            "interface_kind": check.interface_kind.value,
            "limits": "|".join(check.limits),
            "cpu_permille": check.cpu_permille,
            "machine_cpu_permille": check.machine_cpu_permille,
            "loop_lag_us": check.loop_lag_us,
            "other_rx_bytes": check.other_rx_bytes,
            "other_tx_bytes": check.other_tx_bytes,
        }
    if (download := measurement.phase(PhaseKind.DOWNLOAD)) is not None:
        row |= _sender_row(download.tcp_server, download.tcp_local, "download")
    if (upload := measurement.phase(PhaseKind.UPLOAD)) is not None:
        row |= _sender_row(upload.tcp_local, upload.tcp_server, "upload")
    return row


def _sender_row(sender: TcpSummary | None, receiver: TcpSummary | None, name: str) -> Row:
    least_us = sender and sender.min_round_trip_us
    if least_us is None:
        least_us = receiver and receiver.min_round_trip_us
    return {
        f"{name}_sent_bytes": sender and sender.sent_bytes,
        f"{name}_retransmitted_bytes": sender and sender.retransmitted_bytes,
        f"{name}_min_round_trip_us": least_us,
    }


def _phase_row(phase: Phase | None, name: str) -> Row:
    if phase is None:
        return {}
    row: Row = {
        f"{name}_bytes": phase.payload_bytes,
        f"{name}_duration_us": phase.duration_us,
        f"{name}_connections": phase.connections,
        f"{name}_outcome": phase.outcome.value,
        f"{name}_cause": phase.cause and phase.cause.value,
    }
    # What a phase had reached before it failed is no result, and would flatter.
    if phase.outcome is Outcome.COMPLETED and (estimate := phase.estimate) is not None:
        row |= {
            f"{name}_bps": estimate.rate_bps,
            f"{name}_low_bps": estimate.low_bps,
            f"{name}_high_bps": estimate.high_bps,
            f"{name}_batches": estimate.batches,
            f"{name}_estimator": estimate.estimator,
            f"{name}_ramp_us": estimate.ramp_us,
            f"{name}_ramp_bytes": estimate.ramp_bytes,
        }
    return row


def _latency_row(phase: Phase | None, name: str) -> Row:
    if phase is None:
        return {}
    times_us = sorted(phase.round_trips_us)
    return {
        f"{name}_latency_p50_us": quantile(times_us, 0.5),
        f"{name}_latency_p90_us": quantile(times_us, 0.9),
        f"{name}_latency_count": len(times_us),
        f"{name}_latency_lost": phase.round_trips_lost,
    }


def quantile(ordered: Sequence[int], share: float) -> float | None:
    """Return a quantile by linear interpolation (Hyndman and Fan 1996, type 7); None of nothing."""
    if not ordered:
        return None
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
