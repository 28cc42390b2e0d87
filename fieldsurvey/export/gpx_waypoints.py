"""A throughput test as a GPX waypoint that says its result without our extension.

"87 Mbps ▼" and "no service ✕ no answer in time" are read by people on a navigation device: a rate
is only ever rounded down, and a missing one is never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fieldsurvey.export import text
from fieldsurvey.export.columns import test_columns, with_drives
from fieldsurvey.export.gpx_xml import element, extensions, gpx_fix, gpx_longitude
from fieldsurvey.export.positions import receiver_alive, told_position_known
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.throughput import Outcome
from fieldsurvey.model.verdict import Verdict

if TYPE_CHECKING:
    import polars as pl

MARKS = {Verdict.ABOVE: "▲", Verdict.BELOW: "▼", Verdict.UNDECIDED: "◆"}
NO_SERVICE_MARK, NOT_TESTED_MARK = "✕", "–"

_UNFINISHED = {
    Outcome.FAILED: "export.failed",
    Outcome.SKIPPED: "export.skipped",
    Outcome.CANCELLED: "export.cancelled_test",
}

# Of the CSV's columns, those that a map may want to show and GPX itself has no element for. GDAL,
# and so QGIS, reads no waypoint of a file with more than 100 fields, of which 23 are GPX's own.
WAYPOINT_ELEMENTS = (
    "drive_id",
    "test_id",
    "replayed",
    "ended_utc",
    "trigger",
    "operator",
    "access_type",
    "outcome",
    "no_service",
    "cause",
    "verdict",
    "confidence",
    "compared_mbps",
    "target_mbps",
    "target_id",
    "target_version",
    "target_layer",
    "verdict_rule",
    "download_mbps",
    "download_low_mbps",
    "download_high_mbps",
    "download_outcome",
    "download_cause",
    "download_bytes",
    "download_duration_s",
    "upload_mbps",
    "upload_low_mbps",
    "upload_high_mbps",
    "upload_outcome",
    "upload_cause",
    "upload_bytes",
    "upload_duration_s",
    "idle_latency_p50_ms",
    "idle_latency_p90_ms",
    "download_latency_p50_ms",
    "download_latency_p90_ms",
    "upload_latency_p50_ms",
    "start_speed_kmh",
    "start_heading_deg",
    "start_accuracy_m",
    "start_fix_type",
    "start_fix_flags",
    "start_fix_age_s",
    "start_highway_ref",
    "start_chainage_km",
    "start_settlement_name",
    "end_latitude_deg",
    "end_longitude_deg",
    "end_highway_ref",
    "end_chainage_km",
    "end_settlement_name",
    "protocol",
    "mode",
    "duration_s",
    "data_used_bytes",
    "congestion_control",
    "stop_reason",
    "server_url",
    "server_id",
    "tags",
    "link",
    "confirms_test_id",
    "ip_version",
    "tls",
    "pace_mbps",
    "self_limits",
    "interface_kind",
    "download_retransmission_percent",
    "download_min_round_trip_ms",
)


def waypoints(tables: SurveyTables, *, with_extensions: bool) -> Iterator[str]:
    """Yield the ``<wpt>`` of each test whose start has a position, in the order of the tests."""
    positioned = with_position(tables.tests)
    values = _values(tables, positioned) if with_extensions else None
    for number, test in enumerate(positioned.iter_rows(named=True)):
        ours = extensions(values.row(number, named=True)) if values is not None else ""
        yield _waypoint(test, ours, tables.language)


def with_position(tests: pl.DataFrame) -> pl.DataFrame:
    """Return the tests that can stand on a map."""
    return tests.filter(told_position_known("start") & receiver_alive("start_"))


def _values(tables: SurveyTables, tests: pl.DataFrame) -> pl.DataFrame:
    """What the CSV says of ``tests``, as text."""
    columns = test_columns()
    values = {name: columns[name] for name in WAYPOINT_ELEMENTS}
    return text.as_text(with_drives(tables, tests).select(**values))


def _waypoint(test: Mapping[str, object], ours: str, language: str) -> str:
    def digits(column: str, places: int) -> str | None:
        value = test[column]
        if not isinstance(value, float) or not math.isfinite(value):
            return None
        return f"{value:.{places}f}"

    longitude = gpx_longitude(float(str(test["start_longitude_deg"])))
    return "".join(
        (
            f'<wpt lat="{digits("start_latitude_deg", text.DEGREE_PLACES)}" lon="{longitude}">',
            element("ele", digits("start_altitude_m", 2)),
            element("time", text.utc_iso(int(str(test["started_utc_us"])))),
            element("name", waypoint_name(test, language)),
            element("desc", waypoint_description(test, language)),
            element("type", message("export.test").text(language)),
            element("fix", gpx_fix(test["start_fix_type"])),
            element("sat", test["start_satellites"]),
            element("hdop", digits("start_hdop", 2)),
            ours,
            "</wpt>\n",
        )
    )


def waypoint_name(test: Mapping[str, object], language: str = "en") -> str:
    """Return the result of a row of the tests in a few words."""
    return _result(test).text(language)


def _result(test: Mapping[str, object]) -> Message:
    rate_bps, verdict = test["download_bps"], test["verdict"]
    cause = message(f"cause.{test['cause'] or 'unknown'}")
    if test["no_service"]:
        return message("export.no_service", mark=NO_SERVICE_MARK, cause=cause)
    if test["outcome"] != Outcome.COMPLETED:
        return message(
            _UNFINISHED[Outcome(str(test["outcome"]))], mark=NOT_TESTED_MARK, cause=cause
        )
    if not rate_bps:
        return message("export.no_rate", mark=NOT_TESTED_MARK)
    mark = MARKS[Verdict(verdict)] if isinstance(verdict, str) else NOT_TESTED_MARK
    return message("export.rate", rate=_rate(int(str(rate_bps))), mark=mark)


def _rate(rate_bps: int) -> Message:
    """Round down to what can be read at a glance; below 1 Mbps in kbps, so that it is no zero."""
    if rate_bps >= 10_000_000:
        return message("export.mbps", rate=rate_bps // 1_000_000)
    if rate_bps >= 1_000_000:
        return message("export.mbps", rate=rate_bps // 100_000 / 10)
    return message("export.kbps", rate=rate_bps // 1000 or f"{rate_bps / 1000:.3f}")


def waypoint_description(test: Mapping[str, object], language: str) -> str:
    """Return rate with interval, verdict with target, place: each only where it is known."""
    parts: list[Message | str] = []
    if test["download_bps"] is not None and test["download_low_bps"] is None:
        rate_mbps = _mbps(test["download_bps"])
        parts.append(
            message("export.download_mean", rate_mbps=rate_mbps, protocol=test["protocol"])
        )
    elif test["download_bps"] is not None:
        parts.append(
            message(
                "export.download",
                rate_mbps=_mbps(test["download_bps"]),
                low_mbps=_mbps(test["download_low_bps"]),
                high_mbps=_mbps(test["download_high_bps"]),
            )
        )
    if test["verdict"] is not None:
        parts.append(
            message(
                f"export.verdict_{test['verdict']}",
                target_mbps=_mbps(test["target_bps"]),
                target=f"{test['target_id']} {test['target_version']}",
                compared_mbps=_mbps(test["compared_bps"]),
            )
        )
    elif test["outcome"] == Outcome.COMPLETED and test["limits"]:
        words = [
            message(f"self_limit.{limit}").text(language)
            for limit in str(test["limits"]).split("|")
        ]
        parts.append(message("export.self_limited", limits=", ".join(words)))
    if test["upload_bps"] is not None:
        parts.append(message("export.upload", rate_mbps=_mbps(test["upload_bps"])))
    if test["operator"] is not None or test["link"] is not None:
        parts.append(str(test["operator"] or test["link"]))
    parts += _places(test)
    lines = [part if isinstance(part, str) else part.text(language) for part in parts]
    return " · ".join(lines)


def _mbps(rate_bps: object) -> str:
    """Return Mbps with two decimals, cut and never rounded up."""
    whole, rest = divmod(int(str(rate_bps)), 1_000_000)
    return f"{whole}.{rest // 10_000:02}" if whole or rest >= 10_000 else f"0.{rest:06}"


def _places(test: Mapping[str, object]) -> list[Message | str]:
    places: list[Message | str] = []
    if test["start_highway_ref"] is not None:
        chainage_m = test["start_chainage_m"]
        if isinstance(chainage_m, float):
            # Cut, not rounded: the kilometre is that of the post last passed.
            km = f"{int(chainage_m // 100) / 10:.1f}"
            places.append(message("export.highway_km", ref=test["start_highway_ref"], km=km))
        else:
            places.append(str(test["start_highway_ref"]))
    if test["start_settlement_name"] is not None:
        places.append(str(test["start_settlement_name"]))
    return places
