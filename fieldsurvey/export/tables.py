"""What an exporter is given: a survey as flat tables, whoever filled them.

Exporters must not know where rows come from; a source must not know what becomes of them. Names,
units and kinds of the columns are fixed here (SI integers and UTC, as stored). Every column may
be null where the model says ``None``; nothing missing is ever 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

CHUNK_ROWS = 16_384  # as fast as larger pieces, in a fraction of their memory

DRIVE_COLUMNS: Mapping[str, str] = {
    "drive_id": "String",
    "started_utc_us": "Int64",
    "ended_utc_us": "Int64",
    "plan_name": "String",
    "operator": "String",
    "access_type": "String",
    "position_uri": "String",
    "radio_uri": "String",
    "app_version": "String",
    "replayed": "Boolean",
}

SAMPLE_COLUMNS: Mapping[str, str] = {
    "drive_id": "String",
    "run": "Int64",  # grows with every start and resume: never join positions across runs
    "utc_us": "Int64",
    "mono_us": "Int64",
    "reachable": "Boolean",
    "cause": "String",
    "round_trip_us": "Int64",
    "fix_age_us": "Int64",
    "latitude_deg": "Float64",
    "longitude_deg": "Float64",
    "altitude_m": "Float64",
    "speed_mps": "Float64",
    "heading_deg": "Float64",
    "accuracy_m": "Float64",
    "hdop": "Float64",
    "satellites": "Int64",
    "fix_type": "Int64",
    "fix_flags": "Int64",
    "gnss_utc_us": "Int64",
    "technology": "String",
    "operator_code": "String",
    "operator_name": "String",
    "cell_id": "Int64",
    "tracking_area": "Int64",
    "band": "String",
    "rsrp_dbm": "Float64",
    "rsrq_db": "Float64",
    "sinr_db": "Float64",
    "rssi_dbm": "Float64",
    "highway_ref": "String",
    "chainage_m": "Float64",
    "road_distance_m": "Float64",
    "settlement_id": "String",
    "settlement_name": "String",
    "settlement_distance_m": "Float64",
    "places_version": "String",
}


def _phase(name: str) -> dict[str, str]:
    return {
        f"{name}_bps": "Int64",
        f"{name}_low_bps": "Int64",
        f"{name}_high_bps": "Int64",
        f"{name}_batches": "Int64",
        f"{name}_estimator": "String",
        f"{name}_ramp_us": "Int64",
        f"{name}_ramp_bytes": "Int64",
        f"{name}_bytes": "Int64",
        f"{name}_duration_us": "Int64",
        f"{name}_connections": "Int64",
        f"{name}_outcome": "String",
        f"{name}_cause": "String",
    }


def _latency(name: str) -> dict[str, str]:
    return {
        f"{name}_latency_p50_us": "Float64",
        f"{name}_latency_p90_us": "Float64",
        f"{name}_latency_count": "Int64",
        f"{name}_latency_lost": "Int64",
    }


def _where(end: str) -> dict[str, str]:
    return {
        f"{end}_latitude_deg": "Float64",
        f"{end}_longitude_deg": "Float64",
        f"{end}_altitude_m": "Float64",
        f"{end}_speed_mps": "Float64",
        f"{end}_heading_deg": "Float64",
        f"{end}_accuracy_m": "Float64",
        f"{end}_hdop": "Float64",
        f"{end}_satellites": "Int64",
        f"{end}_fix_type": "Int64",
        f"{end}_fix_flags": "Int64",
        f"{end}_fix_age_us": "Int64",
        f"{end}_gnss_utc_us": "Int64",
        f"{end}_highway_ref": "String",
        f"{end}_chainage_m": "Float64",
        f"{end}_road_distance_m": "Float64",
        f"{end}_settlement_id": "String",
        f"{end}_settlement_name": "String",
        f"{end}_settlement_distance_m": "Float64",
    }


def _sender(name: str) -> dict[str, str]:
    """What the TCP of the end that sent a phase's load knew."""
    return {
        f"{name}_sent_bytes": "Int64",  # what was sent again included
        f"{name}_retransmitted_bytes": "Int64",
        f"{name}_min_round_trip_us": "Int64",
    }


TEST_COLUMNS: Mapping[str, str] = {
    "drive_id": "String",
    "test_id": "String",
    "trigger": "String",
    "started_utc_us": "Int64",
    "ended_utc_us": "Int64",
    "outcome": "String",
    "cause": "String",
    "no_service": "Boolean",  # failed because of the network, not because of us
    "detail": "String",
    "stop_reason": "String",
    "protocol": "String",
    "mode": "String",
    "server_url": "String",
    "server_id": "String",
    "duration_us": "Int64",
    "wire_bytes": "Int64",
    "mss_bytes": "Int64",
    "congestion_control": "String",
    **_phase("download"),
    **_phase("upload"),
    **_latency("idle"),
    **_latency("download"),
    **_latency("upload"),
    "verdict": "String",
    "confidence": "String",
    "target_id": "String",
    "target_version": "String",
    "target_bps": "Int64",
    "target_layer": "String",
    "compared_bps": "Int64",
    "rule": "String",
    **_where("start"),
    **_where("end"),
    "places_version": "String",
    "tags": "String",  # a JSON object with sorted keys
    "link": "String",
    "operator": "String",  # of the link; null where only the drive's is known
    "access_type": "String",
    "confirms": "String",
    "ip_version": "Int64",
    "tls": "Boolean",
    "pace_bps": "Int64",
    "retry_after_s": "Int64",
    "interface": "String",
    "interface_kind": "String",
    "limits": "String",  # words with | between them, "" where nothing held the test back
    "cpu_permille": "Int64",
    "machine_cpu_permille": "Int64",
    "loop_lag_us": "Int64",
    "other_rx_bytes": "Int64",
    "other_tx_bytes": "Int64",
    **_sender("download"),
    **_sender("upload"),
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many rows an export does without."""

    samples: int = 0
    tests: int = 0


@dataclass(frozen=True, slots=True)
class SurveyTables:
    """A survey for an exporter. Tests and drives fit in memory, samples come in pieces.

    ``drives``, ``tests`` and each piece have exactly the columns above, in that order.
    ``sample_pieces`` starts a new pass from the first sample each time it is called; rows are in
    the order in which they were recorded, drive after drive, and a piece never mixes two drives.
    ``language`` is for the words a person reads, such as the name of a waypoint. ``left_out``: what
    the survey has and these tables do not, to be told by every format that can. ``columns``: those
    of ``survey.csv`` that are asked for, in this order; all of them where it is empty.
    """

    drives: pl.DataFrame
    tests: pl.DataFrame
    sample_count: int
    sample_pieces: Callable[[], Iterator[pl.DataFrame]]
    language: str = "en"
    left_out: LeftOut = LeftOut()
    columns: tuple[str, ...] = ()


def schema(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    """Return ``columns`` as a polars schema."""
    import polars as pl

    return {name: getattr(pl, kind)() for name, kind in columns.items()}
