"""What is exported, under which name and in which unit: a public contract, told in FORMATS.md.

CSV columns and the elements of our GPX extension are the same values under the same names. New
columns go to the end; none is renamed, moved or given another unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fieldsurvey.export import text
from fieldsurvey.export.positions import sample_position_known, told_position_known

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.export.tables import SurveyTables

Number = Callable[["pl.Expr", int], "pl.Expr"]

US_PER_S, US_PER_MS, BPS_PER_MBPS, M_PER_KM, KMH_PER_MPS = 1e6, 1e3, 1e6, 1e3, 3.6
PERMILLE_PER_PERCENT = 10


def sample_columns(number: Number = text.decimal) -> dict[str, pl.Expr]:
    """Column name → what stands in it; from the samples with their drive's ``replayed``.

    ``number``: how a number becomes one of so many decimals, for text or for formats with types.
    """
    import polars as pl

    known = sample_position_known()
    return {
        "drive_id": pl.col("drive_id"),
        "replayed": pl.col("replayed"),
        "sampled_utc": text.utc(pl.col("utc_us")),
        "reachable": pl.col("reachable"),
        "no_service_cause": pl.col("cause"),
        "round_trip_ms": _scaled("round_trip_us", US_PER_MS, 3, number),
        **_fix("", known, number),
        "technology": pl.col("technology"),
        "operator_code": pl.col("operator_code"),
        "operator_name": pl.col("operator_name"),
        "cell_id": pl.col("cell_id"),
        "tracking_area_id": pl.col("tracking_area"),
        "band": pl.col("band"),
        "rsrp_dbm": number(pl.col("rsrp_dbm"), 1),
        "rsrq_db": number(pl.col("rsrq_db"), 1),
        "sinr_db": number(pl.col("sinr_db"), 1),
        "rssi_dbm": number(pl.col("rssi_dbm"), 1),
        **_place("", known, number),
        "places_version": pl.col("places_version"),
    }


def asked_columns(tables: SurveyTables, number: Number = text.decimal) -> dict[str, pl.Expr]:
    """Return those of :func:`sample_columns` that ``tables`` are asked for."""
    columns = sample_columns(number)
    return {name: columns[name] for name in tables.columns or columns}


def decimal_places() -> dict[str, int]:
    """Return how many decimals those of :func:`sample_columns` have that have any."""
    import polars as pl

    told = sample_columns(lambda _number, places: pl.lit(places))
    return {name: pl.select(said).item() for name, said in told.items() if said.meta.is_literal()}


def read_by(columns: Mapping[str, pl.Expr]) -> list[str]:
    """Return what columns of the seconds are needed for these."""
    return sorted({name for column in columns.values() for name in column.meta.root_names()})


def with_drives(tables: SurveyTables, tests: pl.DataFrame) -> pl.DataFrame:
    """Return ``tests`` with what is known of each one's drive."""
    drives = tables.drives.select(
        "drive_id",
        "replayed",
        drive_operator="operator",
        drive_access_type="access_type",
    )
    return tests.join(drives, on="drive_id", how="left", maintain_order="left")


def test_columns(
    number: Number = text.decimal,  # noqa: PT028 - not a test, tests are our subject
) -> dict[str, pl.Expr]:
    """Column name → what stands in it; from :func:`with_drives`. ``number`` as above."""
    import polars as pl

    return {
        "drive_id": pl.col("drive_id"),
        "test_id": pl.col("test_id"),
        "replayed": pl.col("replayed"),
        "started_utc": text.utc(pl.col("started_utc_us")),
        "ended_utc": text.utc(pl.col("ended_utc_us")),
        "trigger": pl.col("trigger"),
        "operator": _of_link_or_drive("operator"),
        "access_type": _of_link_or_drive("access_type"),
        "outcome": pl.col("outcome"),
        "no_service": pl.col("no_service"),
        "cause": pl.col("cause"),
        "verdict": pl.col("verdict"),
        "confidence": pl.col("confidence"),
        "compared_mbps": _mbps("compared_bps", number),
        "target_mbps": _mbps("target_bps", number),
        "target_id": pl.col("target_id"),
        "target_version": pl.col("target_version"),
        "target_layer": pl.col("target_layer"),
        "verdict_rule": pl.col("rule"),
        **_phase("download", number),
        **_phase("upload", number),
        **_latency("idle", number),
        **_latency("download", number),
        **_latency("upload", number),
        **_fix("start_", told_position_known("start"), number),
        **_place("start_", told_position_known("start"), number),
        **_fix("end_", told_position_known("end"), number),
        **_place("end_", told_position_known("end"), number),
        "places_version": pl.col("places_version"),
        "protocol": pl.col("protocol"),
        "mode": pl.col("mode"),
        "duration_s": _scaled("duration_us", US_PER_S, 6, number),
        "data_used_bytes": pl.col("wire_bytes"),
        "maximum_segment_bytes": pl.col("mss_bytes"),
        "congestion_control": pl.col("congestion_control"),
        "stop_reason": pl.col("stop_reason"),
        "server_url": pl.col("server_url"),
        "server_id": pl.col("server_id"),
        "tags": pl.col("tags"),
        "detail": pl.col("detail"),
        **_conditions(number),
        **_sender("download", number),
        **_sender("upload", number),
    }


def drive_columns() -> dict[str, pl.Expr]:
    """Column name → what stands in it; from the drives, for formats with a place for them."""
    import polars as pl

    return {
        "drive_id": pl.col("drive_id"),
        "replayed": pl.col("replayed"),
        "started_utc": text.utc(pl.col("started_utc_us")),
        "ended_utc": text.utc(pl.col("ended_utc_us")),
        "plan_name": pl.col("plan_name"),
        "operator": pl.col("operator"),
        "access_type": pl.col("access_type"),
        "app_version": pl.col("app_version"),
    }


def _of_link_or_drive(column: str) -> pl.Expr:
    """The drive's plan speaks for its only link; of several, each speaks for itself."""
    import polars as pl

    of_drive = pl.when(pl.col("link").is_null()).then(pl.col(f"drive_{column}"))
    unknown = pl.lit("unknown" if column == "access_type" else None, dtype=pl.String)
    return pl.coalesce(pl.col(column), of_drive, unknown)


def _conditions(number: Number) -> dict[str, pl.Expr]:
    """How the test was made, and how our own side was meanwhile."""
    import polars as pl

    return {
        "link": pl.col("link"),
        "confirms_test_id": pl.col("confirms"),
        "ip_version": pl.col("ip_version"),
        "tls": pl.col("tls"),
        "pace_mbps": _mbps("pace_bps", number),
        "retry_after_s": pl.col("retry_after_s"),
        "self_limits": pl.col("limits"),
        "interface": pl.col("interface"),
        "interface_kind": pl.col("interface_kind"),
        "cpu_share_percent": _scaled("cpu_permille", PERMILLE_PER_PERCENT, 1, number),
        "machine_cpu_share_percent": _scaled(
            "machine_cpu_permille", PERMILLE_PER_PERCENT, 1, number
        ),
        "event_loop_lag_ms": _scaled("loop_lag_us", US_PER_MS, 3, number),
        "other_rx_bytes": pl.col("other_rx_bytes"),
        "other_tx_bytes": pl.col("other_tx_bytes"),
    }


def _sender(phase: str, number: Number) -> dict[str, pl.Expr]:
    import polars as pl

    again = pl.col(f"{phase}_retransmitted_bytes")
    sent = pl.col(f"{phase}_sent_bytes")
    share = pl.when(sent > 0).then(again * 100 / sent)
    return {
        f"{phase}_retransmission_percent": number(share, 3),
        f"{phase}_min_round_trip_ms": _scaled(f"{phase}_min_round_trip_us", US_PER_MS, 3, number),
    }


def _scaled(column: str, divisor: float, places: int, number: Number) -> pl.Expr:
    import polars as pl

    return number(pl.col(column) / divisor, places)


def _mbps(column: str, number: Number) -> pl.Expr:
    return _scaled(
        column, BPS_PER_MBPS, 6, number
    )  # every bit/s: rounding could lift one over its target


def _phase(phase: str, number: Number) -> dict[str, pl.Expr]:
    import polars as pl

    return {
        f"{phase}_mbps": _mbps(f"{phase}_bps", number),
        f"{phase}_low_mbps": _mbps(f"{phase}_low_bps", number),
        f"{phase}_high_mbps": _mbps(f"{phase}_high_bps", number),
        f"{phase}_outcome": pl.col(f"{phase}_outcome"),
        f"{phase}_cause": pl.col(f"{phase}_cause"),
        f"{phase}_bytes": pl.col(f"{phase}_bytes"),
        f"{phase}_duration_s": _scaled(f"{phase}_duration_us", US_PER_S, 6, number),
        f"{phase}_ramp_s": _scaled(f"{phase}_ramp_us", US_PER_S, 6, number),
        f"{phase}_ramp_bytes": pl.col(f"{phase}_ramp_bytes"),
        f"{phase}_batches_count": pl.col(f"{phase}_batches"),
        f"{phase}_connections_count": pl.col(f"{phase}_connections"),
        f"{phase}_estimator": pl.col(f"{phase}_estimator"),
    }


def _latency(phase: str, number: Number) -> dict[str, pl.Expr]:
    import polars as pl

    return {
        f"{phase}_latency_p50_ms": _scaled(f"{phase}_latency_p50_us", US_PER_MS, 3, number),
        f"{phase}_latency_p90_ms": _scaled(f"{phase}_latency_p90_us", US_PER_MS, 3, number),
        f"{phase}_latency_count": pl.col(f"{phase}_latency_count"),
        f"{phase}_latency_lost_count": pl.col(f"{phase}_latency_lost"),
    }


def _fix(prefix: str, known: pl.Expr, number: Number) -> dict[str, pl.Expr]:
    import polars as pl

    def here(column: str, places: int) -> pl.Expr:
        return number(pl.when(known).then(pl.col(prefix + column)), places)

    speed_kmh = pl.when(known).then(pl.col(f"{prefix}speed_mps") * KMH_PER_MPS)
    return {
        f"{prefix}latitude_deg": here("latitude_deg", text.DEGREE_PLACES),
        f"{prefix}longitude_deg": here("longitude_deg", text.DEGREE_PLACES),
        f"{prefix}altitude_m": here("altitude_m", 2),
        f"{prefix}speed_kmh": number(speed_kmh, 2),
        f"{prefix}heading_deg": here("heading_deg", 2),
        f"{prefix}accuracy_m": here("accuracy_m", 2),
        f"{prefix}hdop": here("hdop", 2),
        f"{prefix}satellites_count": pl.when(known).then(pl.col(f"{prefix}satellites")),
        f"{prefix}fix_type": text.fix_type_name(pl.col(f"{prefix}fix_type")),
        f"{prefix}fix_flags": text.flag_names(pl.col(f"{prefix}fix_flags")),
        f"{prefix}fix_age_s": _scaled(f"{prefix}fix_age_us", US_PER_S, 6, number),
        f"{prefix}gnss_utc": text.utc(pl.col(f"{prefix}gnss_utc_us")),
    }


def _place(prefix: str, known: pl.Expr, number: Number) -> dict[str, pl.Expr]:
    import polars as pl

    def here(column: str) -> pl.Expr:
        return pl.when(known).then(pl.col(prefix + column))

    def metres(column: str) -> pl.Expr:
        return number(pl.when(known).then(pl.col(prefix + column)), 1)

    chainage_km = pl.when(known).then(pl.col(f"{prefix}chainage_m") / M_PER_KM)
    return {
        f"{prefix}highway_ref": here("highway_ref"),
        f"{prefix}chainage_km": number(chainage_km, 3),
        f"{prefix}road_distance_m": metres("road_distance_m"),
        f"{prefix}settlement_id": here("settlement_id"),
        f"{prefix}settlement_name": here("settlement_name"),
        f"{prefix}settlement_distance_m": metres("settlement_distance_m"),
    }
