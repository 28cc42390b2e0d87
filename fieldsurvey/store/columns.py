"""A survey as columns, for exports and charts: one numpy array per quantity, rows in ``seq`` order.

Names, units and meaning are those of the export tables. Whole numbers and booleans that are always
there are int64 and bool; numbers that may be missing are float64 with NaN (exact: all our integers
are below 2**53); words are object arrays of ``str`` or None. Nothing missing is ever 0.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import OWN_CAUSES, Outcome, PhaseKind
from fieldsurvey.store.driver import Connection, known_errors
from fieldsurvey.store.survey_file import SurveyFile

Columns = dict[str, npt.NDArray[Any]]

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
    "tls": ("t.tls", _WORD),  # 0, 1 or None
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
    "p": "LEFT JOIN sample_place p ON p.sample_seq = t.seq",
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


def sample_columns(
    survey: SurveyFile | Path,
    *,
    only: Collection[str] | None = None,
    drive_id: str | None = None,
    after_seq: int = 0,
    limit: int | None = None,
) -> Columns:
    """Return columns of the seconds: those of ``SAMPLE_COLUMNS``, or ``only`` some of them.

    Each value costs about 0.2 µs, so name what you need. For pieces, pass the last ``seq`` seen
    as ``after_seq`` and a ``limit`` of rows. A path is opened for reading only; an open survey
    must be used from its own thread. Raises KnownError as :meth:`SurveyFile.open` does.
    """
    with _connection(survey) as connection:
        where = _Where(connection, drive_id, after_seq, limit)
        columns = _read(connection, "sample", SAMPLE_COLUMNS, "p", only, where)
        if "run" in columns:
            columns["run"] = _runs(connection, columns["run"])
        return columns


def test_columns(
    survey: SurveyFile | Path,
    *,
    only: Collection[str] | None = None,  # noqa: PT028 - not a test, tests are our subject
    drive_id: str | None = None,  # noqa: PT028
) -> Columns:
    """Return columns of the tests: those of ``TEST_COLUMNS``, or ``only`` some of them.

    ``idle_latency_us``, ``download_latency_us`` and ``upload_latency_us`` are object arrays whose
    elements are arrays of round trips in µs, or None where the phase was not made.
    """
    with _connection(survey) as connection:
        where = _Where(connection, drive_id, 0, None)
        columns = _read(connection, "test", TEST_COLUMNS, "jabidu", only, where)
        for name in columns.keys() & {f"{name}_latency_us" for name in _LATENCY_OF}:
            columns[name] = _unpacked(columns[name])
        return columns


class _Where:
    """Which rows, in ``seq`` order."""

    def __init__(
        self, connection: Connection, drive_id: str | None, after_seq: int, limit: int | None
    ) -> None:
        drive = ""
        if drive_id is not None:
            found = connection.execute("SELECT seq FROM drive WHERE drive_id = ?", (drive_id,))
            (drive_seq,) = found.fetchone() or (-1,)
            drive = f" AND t.drive_seq = {drive_seq:d}"
        self.sql = f"WHERE t.seq > ?{drive} ORDER BY t.seq LIMIT ?"
        self.arguments = (int(after_seq), -1 if limit is None else limit)


@contextmanager
def _connection(survey: SurveyFile | Path) -> Iterator[Connection]:
    if isinstance(survey, SurveyFile):
        with known_errors(survey.path):
            yield survey.connection
        return
    with SurveyFile.open(survey, read_only=True) as opened, known_errors(survey):
        yield opened.connection


def _read(
    connection: Connection,
    table: str,
    spec: _Spec,
    aliases: str,
    only: Collection[str] | None,
    where: _Where,
) -> Columns:
    names = list(spec) if only is None else [name for name in spec if name in only]
    if unknown := set(only or ()) - set(names):
        raise ValueError(f"no such columns: {sorted(unknown)}")
    sql = _select(table, [spec[name][0] for name in names], aliases)
    cursor = connection.execute(f"{sql} {where.sql}", where.arguments)
    rows = np.fromiter(cursor, dtype=[(name, spec[name][1]) for name in names])
    columns = {name: np.ascontiguousarray(rows[name]) for name in names}
    if "drive_index" in columns:
        drives = [seq for (seq,) in connection.execute("SELECT seq FROM drive ORDER BY seq")]
        columns["drive_index"] = np.searchsorted(
            np.asarray(drives, np.int64), columns["drive_index"]
        )
    return columns


def select_tests(names: Sequence[str]) -> str:
    """Return the SQL of those ``TEST_COLUMNS``, without an order; the table of tests is ``t``."""
    return _select("test", [TEST_COLUMNS[name][0] for name in names], "jabidu")


def _select(table: str, expressions: Sequence[str], aliases: str) -> str:
    values = ", ".join(expressions)
    joins = " ".join(_JOINS[a] for a in aliases if f"{a}." in values or f"{a}e." in values)
    return f"SELECT {values} FROM {table} t {joins}"


def _runs(connection: Connection, seqs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many drives were resumed before each row: positions of two runs never join."""
    sql = "SELECT seq FROM event WHERE kind = 'drive_resumed' ORDER BY seq"
    resumed = [seq for (seq,) in connection.execute(sql)]
    return np.searchsorted(np.asarray(resumed, np.int64), seqs).astype(np.int64)


def _unpacked(blobs: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    arrays = np.empty(len(blobs), dtype=object)
    for index, blob in enumerate(blobs):
        arrays[index] = None if blob is None else np.frombuffer(blob, dtype="<u4").astype(np.int64)
    return arrays
