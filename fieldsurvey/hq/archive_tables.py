"""The tables of the archive: their columns, in order, with their types.

Names and units are those of the exports and of the survey file. Every row says when (``ts_utc_us``,
by :mod:`fieldsurvey.hq.settle`), of which device, epoch and survey it came, under which number, and
whether its drive was replayed from a recording: then it is no evidence. ``replayed`` is null while
the drive's own row has not come, and is no evidence then either. Seconds have their drive's
``operator`` from it too: joining a hundred million of them with it takes longer than counting them.
"""

import polars as pl

from fieldsurvey.wire.rows import DENSE_COLUMNS

_I, _F, _B, _S = pl.Int64(), pl.Float64(), pl.Boolean(), pl.String()
_W = pl.Categorical()  # a word that repeats

Schema = dict[str, pl.DataType]

ORIGIN: Schema = {
    "ts_utc_us": _I,
    "time_quality": _W,
    "device": _W,
    "epoch": _W,
    "seq": _I,
    "survey": _W,
    "drive_id": _W,
    "replayed": _B,
}
OF_DRIVE: Schema = {"operator": _W}
CELLS: Schema = {"h3_5": _I, "h3_7": _I, "h3_9": _I}

_DENSE_WORDS = ("cause", "technology", "operator_code", "operator_name", "band")
_DENSE_REALS = ("_deg", "_m", "_mps", "_hdop", "_dbm", "_db")


def _dense_type(name: str) -> pl.DataType:
    if name == "reachable":
        return _B
    if name.endswith(_DENSE_WORDS):
        return _W
    return _F if name.endswith(_DENSE_REALS) else _I


SAMPLE_COLUMNS: Schema = {
    name: _dense_type(name) for name in DENSE_COLUMNS if name not in ("seq", "drive_id")
}


def _end(prefix: str) -> Schema:
    """Where a test began or ended: its fix and its place."""
    fix: Schema = {
        "fix_age_us": _I,
        "latitude_deg": _F,
        "longitude_deg": _F,
        "altitude_m": _F,
        "speed_mps": _F,
        "heading_deg": _F,
        "accuracy_m": _F,
        "fix_type": _I,
        "fix_flags": _I,
        "gnss_utc_us": _I,
        "places_version": _W,
        "highway_ref": _W,
        "chainage_m": _F,
        "road_distance_m": _F,
        "settlement_id": _W,
        "settlement_name": _W,
        "settlement_distance_m": _F,
    }
    return {prefix + name: kind for name, kind in fix.items()}


def _load(prefix: str) -> Schema:
    """A phase; its rates stand for completed phases only: what a failed one reached flatters."""
    phase: Schema = {
        "outcome": _W,
        "cause": _W,
        "bps": _I,
        "low_bps": _I,
        "high_bps": _I,
        "bytes": _I,
        "duration_us": _I,
        "connections": _I,
        "estimator": _W,
        "round_trip_us": _I,  # the median, under load
    }
    return {prefix + name: kind for name, kind in phase.items()}


TEST_COLUMNS: Schema = {
    "ended_ts_utc_us": _I,
    "test_id": _S,
    "trigger": _W,
    "started_utc_us": _I,
    "started_mono_us": _I,
    "ended_utc_us": _I,
    "ended_mono_us": _I,
    "outcome": _W,
    "cause": _W,
    "no_service": _B,
    "detail": _S,
    "stop_reason": _W,
    "protocol": _W,
    "mode": _W,
    "server_url": _W,
    "server_id": _W,
    "duration_us": _I,
    "wire_bytes": _I,
    "operator": _W,
    "access_type": _W,
    "link": _W,
    "confirms": _S,
    "tags": _S,  # a JSON object
    "verdict": _W,
    "confidence": _W,
    "rule": _W,
    "target_id": _W,
    "target_version": _W,
    "target_bps": _I,
    "target_layer": _W,
    "compared_bps": _I,
    **_load("download_"),
    **_load("upload_"),
    "idle_round_trip_us": _I,  # the median
    **_end("start_"),
    **_end("end_"),
    "ip_version": _I,
    "tls": _B,
    "pace_bps": _I,
    "interface": _W,
    "interface_kind": _W,
    "limits": _S,  # a JSON array
    "cpu_permille": _I,
    "machine_cpu_permille": _I,
    "loop_lag_us": _I,
    "other_rx_bytes": _I,
    "other_tx_bytes": _I,
    "json": _S,  # the whole test as it came
}
EVENT_COLUMNS: Schema = {
    "kind": _W,  # also "drive_end", and "refused": a row the survey file's tables would not take
    "utc_us": _I,
    "mono_us": _I,
    "message_id": _W,
    "json": _S,
}
DRIVE_COLUMNS: Schema = {
    "started_utc_us": _I,
    "plan_name": _W,
    "operator": _W,
    "access_type": _W,
    "target_id": _W,
    "position_uri": _S,
    "radio_uri": _S,
    "app_version": _W,
    "json": _S,
}
# What the merge remembers: the rows of one drive in one batch. ``ts_utc_us`` is the earliest.
PIECE_COLUMNS: Schema = {
    "last_ts_utc_us": _I,
    "batch_no": _I,
    "last_seq": _I,
}

TABLES: dict[str, Schema] = {
    "samples": ORIGIN | SAMPLE_COLUMNS | OF_DRIVE | CELLS,
    "tests": ORIGIN | TEST_COLUMNS | CELLS,
    "events": ORIGIN | EVENT_COLUMNS,
    "drives": ORIGIN | DRIVE_COLUMNS,
    "pieces": ORIGIN | PIECE_COLUMNS | OF_DRIVE,
}
# What tells two rows apart, whatever file they came through; the rest is origin, derived, or JSON,
# which another release may have spelled otherwise, or came to the table later.
_DERIVED = ("json", "ended_ts_utc_us")
_LATER = ("tags", "download_round_trip_us", "upload_round_trip_us")
CONTENT: dict[str, list[str]] = {
    "samples": ["drive_id", *SAMPLE_COLUMNS],
    "tests": ["drive_id", *(name for name in TEST_COLUMNS if name not in (*_DERIVED, *_LATER))],
    "events": ["drive_id", *EVENT_COLUMNS],
    "drives": ["drive_id", *(name for name in DRIVE_COLUMNS if name not in _DERIVED)],
}
FIRST_COME = ["device", "epoch", "seq", "ts_utc_us", "time_quality"]


def sort_order(table: str) -> list[str]:
    """How a file of the table is sorted."""
    place = ["h3_9"] if "h3_9" in TABLES[table] else []
    return [*place, "ts_utc_us", "device", "epoch", "seq"]
