"""Rows of the export tables as the model's objects: the way back of :mod:`from_model`.

What a row does not say stays unknown, or is named as untold. A rate without an interval gets an
estimate that rests on no batch, so that nobody takes its ends for an interval. Must not invent a
time, a place or a phase.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fieldsurvey.export.from_model import test_row
from fieldsurvey.export.tables import SAMPLE_COLUMNS, TEST_COLUMNS
from fieldsurvey.export.untold import untold_tag
from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from fieldsurvey.model.throughput import (
    Cause,
    Estimate,
    InterfaceKind,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    TcpSummary,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]

_RADIO = (
    "operator_code", "operator_name", "cell_id", "tracking_area", "band", "rsrp_dbm", "rsrq_db",
    "sinr_db", "rssi_dbm",
)  # fmt: skip
_PLACE = (
    "highway_ref", "chainage_m", "road_distance_m", "settlement_id", "settlement_name",
    "settlement_distance_m",
)  # fmt: skip


def samples_from(frame: pl.DataFrame, anchor_utc_us: int) -> Iterator[Sample]:
    """Yield a sample for each row. The steady clock is taken to have stood at 0 at
    ``anchor_utc_us``: files of other programs have only one clock."""
    for row in _whole(frame, SAMPLE_COLUMNS).iter_rows(named=True):
        yield _sample(row, anchor_utc_us)


def tests_from(frame: pl.DataFrame, anchor_utc_us: int) -> Iterator[ThroughputTest]:
    """Yield a test for each row; ``test_id`` and ``started_utc_us`` must be there. Where the model
    knows no unknown, a tag names what the row did not tell: exports leave that empty."""
    for row in _whole(frame, TEST_COLUMNS).iter_rows(named=True):
        test = _test(row, anchor_utc_us)
        tag = untold_tag(row, test_row("", test))
        yield replace(test, tags=test.tags | tag) if tag else test


def _whole(frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return ``frame`` with all ``columns``, null where they were missing."""
    import polars as pl

    return frame.select(
        *(pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in columns)
    )


def _sample(row: Row, anchor_utc_us: int) -> Sample:
    utc_us = int(row["utc_us"])
    mono_us = utc_us - anchor_utc_us
    fix = _fix(row, "", utc_us, mono_us)
    cause = None if row["cause"] is None else Cause(row["cause"])
    return Sample(
        utc_us,
        mono_us,
        Reachability(bool(row["reachable"]), row["round_trip_us"], cause),
        fix,
        None if fix is None else int(row["fix_age_us"] or 0),
        _radio(row, utc_us, mono_us),
        _place(row, ""),
    )


def _fix(row: Row, prefix: str, utc_us: int, mono_us: int) -> Fix | None:
    """Without accuracy and type a fix claims no more than that it is one."""
    latitude, longitude = row[f"{prefix}latitude_deg"], row[f"{prefix}longitude_deg"]
    if latitude is None or longitude is None:
        return None
    age_us = int(row[f"{prefix}fix_age_us"] or 0)
    kind = row[f"{prefix}fix_type"]
    return Fix(
        utc_us - age_us,
        mono_us - age_us,
        latitude,
        longitude,
        FixType.FIX_2D if kind is None else FixType(kind),
        row[f"{prefix}gnss_utc_us"],
        row[f"{prefix}altitude_m"],
        row[f"{prefix}speed_mps"],
        row[f"{prefix}heading_deg"],
        row[f"{prefix}accuracy_m"],
        row[f"{prefix}hdop"],
        row[f"{prefix}satellites"],
        FixFlag(row[f"{prefix}fix_flags"] or 0),
    )


def _radio(row: Row, utc_us: int, mono_us: int) -> RadioState | None:
    technology = row["technology"]
    values = [row[name] for name in _RADIO]
    if technology is None and all(value is None for value in values):
        return None
    kind = RadioTechnology.UNKNOWN if technology is None else RadioTechnology(technology)
    return RadioState(utc_us, mono_us, kind, *values)


def _place(row: Row, prefix: str) -> Place | None:
    values = [row[f"{prefix}{name}"] for name in _PLACE]
    version = row["places_version"]
    return None if version is None else Place(version, *values)


def _test(row: Row, anchor_utc_us: int) -> ThroughputTest:
    started_us = int(row["started_utc_us"])
    ended_us = int(row["ended_utc_us"] or started_us)
    started_mono_us, ended_mono_us = started_us - anchor_utc_us, ended_us - anchor_utc_us
    access = row["access_type"]
    return ThroughputTest(
        row["test_id"],
        Trigger(row["trigger"]),
        started_us,
        started_mono_us,
        ended_us,
        ended_mono_us,
        _measurement(row),
        _fix(row, "start_", started_us, started_mono_us),
        _fix(row, "end_", ended_us, ended_mono_us),
        _place_of_end(row, "start_"),
        _place_of_end(row, "end_"),
        _judgement(row),
        {} if row["tags"] is None else _tags(row["tags"]),
        row["link"] or "",
        row["operator"] or "",
        AccessType.UNKNOWN if access is None else AccessType(access),
        row["confirms"],
    )


def _place_of_end(row: Row, prefix: str) -> Place | None:
    return None if row[f"{prefix}latitude_deg"] is None else _place(row, prefix)


def _tags(said: str) -> dict[str, str]:
    found = json.loads(said)
    return {str(name): str(value) for name, value in found.items()}


def _measurement(row: Row) -> Measurement:
    phases = [
        phase
        for phase in (
            _phase(row, "download", PhaseKind.DOWNLOAD),
            _phase(row, "upload", PhaseKind.UPLOAD),
        )
        if phase is not None
    ]
    return Measurement(
        row["protocol"],
        Mode(row["mode"]),
        row["server_url"] or "",
        Outcome(row["outcome"]),
        int(row["duration_us"] or 0),
        int(row["wire_bytes"] or 0),
        tuple(phases),
        None if row["cause"] is None else Cause(row["cause"]),
        row["detail"] or "",
        row["server_id"],
        row["mss_bytes"],
        row["congestion_control"],
        row["stop_reason"] or "",
        row["ip_version"],
        bool(row["tls"]),
        row["pace_bps"] or 0,
        row["retry_after_s"],
        _self_check(row),
    )


def _phase(row: Row, name: str, kind: PhaseKind) -> Phase | None:
    outcome = row[f"{name}_outcome"]
    if outcome is None:
        return None
    cause, least_us = row[f"{name}_cause"], row[f"{name}_min_round_trip_us"]
    return Phase(
        kind,
        0,
        int(row[f"{name}_duration_us"] or 0),
        int(row[f"{name}_bytes"] or 0),
        int(row[f"{name}_connections"] or 0),
        estimate=_estimate(row, name),
        round_trips_lost=int(row[f"{name}_latency_lost"] or 0),
        outcome=Outcome(outcome),
        cause=None if cause is None else Cause(cause),
        tcp_local=None if least_us is None else TcpSummary(min_round_trip_us=least_us),
    )


def _estimate(row: Row, name: str) -> Estimate | None:
    rate_bps = row[f"{name}_bps"]
    if rate_bps is None:
        return None
    low_bps, high_bps = row[f"{name}_low_bps"], row[f"{name}_high_bps"]
    has_interval = low_bps is not None and high_bps is not None
    return Estimate(
        row[f"{name}_estimator"] or "mean/1",
        rate_bps,
        low_bps if has_interval else rate_bps,
        high_bps if has_interval else rate_bps,
        int(row[f"{name}_batches"] or 0) if has_interval else 0,
        int(row[f"{name}_ramp_us"] or 0),
        int(row[f"{name}_ramp_bytes"] or 0),
    )


def _self_check(row: Row) -> SelfCheck | None:
    kind = row["interface_kind"]
    if kind is None:
        return None
    limits = tuple(SelfLimit(word) for word in (row["limits"] or "").split("|") if word)
    return SelfCheck(
        row["interface"],
        InterfaceKind(kind),
        row["cpu_permille"],
        row["machine_cpu_permille"],
        row["loop_lag_us"],
        row["other_rx_bytes"],
        row["other_tx_bytes"],
        limits,
    )


def _judgement(row: Row) -> Judgement | None:
    if row["verdict"] is None or row["target_bps"] is None:
        return None
    target = Target(
        row["target_id"],
        row["target_version"],
        int(row["target_bps"]),
        RateLayer(row["target_layer"]),
    )
    return Judgement(
        Verdict(row["verdict"]),
        Confidence(row["confidence"]),
        target,
        int(row["compared_bps"]),
        row["rule"],
    )
