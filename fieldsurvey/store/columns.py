"""What the columns of a survey's seconds and tests are in its tables: SQL and kind of each.

Names, units and meaning are those of the export tables; :mod:`fieldsurvey.store.bulk` reads them.
Kinds: "i8" whole numbers that are always there, "?" truth, "f8" numbers that may be missing, "O"
words, or round trips as bytes. Nothing missing is ever 0.
"""

from collections.abc import Sequence

from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import OWN_CAUSES, Outcome, PhaseKind

_INT, _REAL, _BOOL, _WORD = "i8", "f8", "?", "O"
_Spec = dict[str, tuple[str, str]]  # name: SQL expression, dtype


def _fix(column_prefix: str, name_prefix: str = "") -> _Spec:
    """Name in the table → name outside; the model's words for type and flags."""
    names = {
        "latitude_deg": "latitude_deg",
        "longitude_deg": "longitude_deg",
        "altitude_m": "altitude_m",
        "speed_mps": "speed_mps",
        "heading_deg": "heading_deg",
        "accuracy_m": "accuracy_m",
        "hdop": "hdop",
        "satellites": "satellites",
        "type": "fix_type",
        "flags": "fix_flags",
        "gnss_utc_us": "gnss_utc_us",
    }
    return {
        name_prefix + name: (f"t.{column_prefix}{column}", _REAL) for column, name in names.items()
    }


def _place(alias: str, name_prefix: str = "") -> _Spec:
    words = ("highway_ref", "settlement_id", "settlement_name")
    reals = ("chainage_m", "road_distance_m", "settlement_distance_m")
    return {name_prefix + name: (f"{alias}.{name}", _WORD) for name in words} | {
        name_prefix + name: (f"{alias}.{name}", _REAL) for name in reals
    }


def _phase(alias: str, name: str) -> _Spec:
    """Rates stand for completed phases only: what a failed one had reached would flatter."""
    completed = f"CASE WHEN {alias}.outcome = '{Outcome.COMPLETED.value}' THEN {alias}e"
    estimate = {
        "bps": "rate_bps",
        "low_bps": "low_bps",
        "high_bps": "high_bps",
        "batches": "batches",
        "ramp_us": "ramp_us",
        "ramp_bytes": "ramp_bytes",
    }
    return {
        **{f"{name}_{n}": (f"{completed}.{column} END", _REAL) for n, column in estimate.items()},
        f"{name}_estimator": (f"{completed}.estimator END", _WORD),
        f"{name}_bytes": (f"{alias}.payload_bytes", _REAL),
        f"{name}_duration_us": (f"{alias}.duration_us", _REAL),
        f"{name}_connections": (f"{alias}.connections", _REAL),
        f"{name}_outcome": (f"{alias}.outcome", _WORD),
        f"{name}_cause": (f"{alias}.cause", _WORD),
    }


def _sender(alias: str, end: str, other_end: str, name: str) -> _Spec:
    """What the sending end's TCP knew; of the round trip the other end may tell where it does not.

    ``end`` and ``other_end`` are columns of a phase.
    """

    def told(column: str, field: str) -> str:
        return f"json_extract({alias}.{column}, '$.{field}')"

    least = f"coalesce({told(end, 'min_round_trip_us')}, {told(other_end, 'min_round_trip_us')})"
    return {
        f"{name}_sent_bytes": (told(end, "sent_bytes"), _REAL),
        f"{name}_retransmitted_bytes": (told(end, "retransmitted_bytes"), _REAL),
        f"{name}_min_round_trip_us": (least, _REAL),
    }


_PHASES = {"i": PhaseKind.IDLE_LATENCY, "d": PhaseKind.DOWNLOAD, "u": PhaseKind.UPLOAD}
_LATENCY_OF = {"idle": "i", "download": "d", "upload": "u"}
_OWN_CAUSES = ", ".join(f"'{cause.value}'" for cause in OWN_CAUSES)
_RADIO_WORDS = ("technology", "operator_code", "operator_name", "band")
_RADIO_REALS = ("cell_id", "tracking_area", "rsrp_dbm", "rsrq_db", "sinr_db", "rssi_dbm")

SAMPLE_COLUMNS: _Spec = {
    "seq": ("t.seq", _INT),
    "drive_index": ("t.drive_seq", _INT),  # becomes the position in drives()
    "run": ("t.seq", _INT),  # becomes the number of resumes before it, over the whole file
    "utc_us": ("t.utc_us", _INT),
    "mono_us": ("t.mono_us", _INT),
    "reachable": ("t.reachable", _BOOL),
    "cause": ("t.cause", _WORD),
    "round_trip_us": ("t.round_trip_us", _REAL),
    "fix_age_us": ("t.fix_age_us", _REAL),
    **_fix("fix_"),
    **{name: (f"t.radio_{name}", _WORD) for name in _RADIO_WORDS},
    **{name: (f"t.radio_{name}", _REAL) for name in _RADIO_REALS},
    **_place("p"),
    "places_version": ("p.places_version", _WORD),
}
TEST_COLUMNS: _Spec = {
    "seq": ("t.seq", _INT),
    "drive_index": ("t.drive_seq", _INT),
    "test_id": ("t.test_id", _WORD),
    "trigger": ('t."trigger"', _WORD),
    "started_utc_us": ("t.started_utc_us", _INT),
    "ended_utc_us": ("t.ended_utc_us", _INT),
    "outcome": ("t.outcome", _WORD),
    "cause": ("t.cause", _WORD),
    "no_service": (
        f"t.outcome = '{Outcome.FAILED.value}' AND t.cause NOT IN ({_OWN_CAUSES})",
        _BOOL,
    ),
    "detail": ("nullif(t.detail, '')", _WORD),
    "stop_reason": ("nullif(t.stop_reason, '')", _WORD),
    "protocol": ("t.protocol", _WORD),
    "mode": ("t.mode", _WORD),
    "server_url": ("t.server_url", _WORD),
    "server_id": ("t.server_id", _WORD),
    "duration_us": ("t.duration_us", _INT),
    "wire_bytes": ("t.wire_bytes", _INT),
    "mss_bytes": ("t.mss_bytes", _REAL),
    "congestion_control": ("t.congestion_control", _WORD),
    **_phase("d", "download"),
    **_phase("u", "upload"),
    **{f"{name}_latency_lost": (f"{a}.round_trips_lost", _REAL) for name, a in _LATENCY_OF.items()},
    **{f"{name}_latency_us": (f"{a}.round_trips_us", _WORD) for name, a in _LATENCY_OF.items()},
    "verdict": ("j.verdict", _WORD),
    "confidence": ("j.confidence", _WORD),
    "target_id": ("j.target_id", _WORD),
    "target_version": ("j.target_version", _WORD),
    "target_bps": ("j.target_rate_bps", _REAL),
    "target_layer": ("j.target_layer", _WORD),
    "compared_bps": ("j.compared_bps", _REAL),
    "rule": ("j.rule", _WORD),
    **_fix("start_", "start_"),
    "start_fix_age_us": ("t.started_mono_us - t.start_mono_us", _REAL),
    **_fix("end_", "end_"),
    "end_fix_age_us": ("t.ended_mono_us - t.end_mono_us", _REAL),
    **_place("a", "start_"),
    **_place("b", "end_"),
    "places_version": ("coalesce(a.places_version, b.places_version)", _WORD),
    "tags": ("t.tags", _WORD),  # a JSON object
    # Since schema 2: not known of older tests.
    "link": ("nullif(t.link, '')", _WORD),
    "operator": ("nullif(t.operator, '')", _WORD),
    "access_type": (f"nullif(t.access_type, '{AccessType.UNKNOWN.value}')", _WORD),
    "confirms": ("t.confirms", _WORD),
    "ip_version": ("t.ip_version", _REAL),
    "tls": ("t.tls", _BOOL),
    "pace_bps": ("nullif(t.pace_bps, 0)", _REAL),
    "retry_after_s": ("t.retry_after_s", _REAL),
    "interface": ("t.interface", _WORD),
    "interface_kind": ("t.interface_kind", _WORD),
    "limits": ("t.limits", _WORD),  # a JSON array
    "cpu_permille": ("t.cpu_permille", _REAL),
    "machine_cpu_permille": ("t.machine_cpu_permille", _REAL),
    "loop_lag_us": ("t.loop_lag_us", _REAL),
    "other_rx_bytes": ("t.other_rx_bytes", _REAL),
    "other_tx_bytes": ("t.other_tx_bytes", _REAL),
    **_sender("d", "tcp_server", "tcp_local", "download"),
    **_sender("u", "tcp_local", "tcp_server", "upload"),
}

_JOINS = {
    "j": "LEFT JOIN judgement j ON j.test_seq = t.seq",
    "a": "LEFT JOIN test_place a ON a.test_seq = t.seq AND a.\"end\" = 'start'",
    "b": "LEFT JOIN test_place b ON b.test_seq = t.seq AND b.\"end\" = 'end'",
    **{
        alias: f"LEFT JOIN phase {alias} ON {alias}.test_seq = t.seq AND {alias}.position ="
        f" (SELECT min(x.position) FROM phase x WHERE x.test_seq = t.seq AND x.kind = '{kind}')"
        f" LEFT JOIN estimate {alias}e"
        f" ON {alias}e.test_seq = t.seq AND {alias}e.position = {alias}.position"
        for alias, kind in _PHASES.items()
    },
}


def select_tests(names: Sequence[str]) -> str:
    """Return the SQL of those ``TEST_COLUMNS``, without an order; the table of tests is ``t``."""
    values = ", ".join(TEST_COLUMNS[name][0] for name in names)
    joins = " ".join(join for a, join in _JOINS.items() if f"{a}." in values or f"{a}e." in values)
    return f"SELECT {values} FROM test t {joins}"
