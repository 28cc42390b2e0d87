"""Open data of the Austrian and Czech regulators (RTR-NetTest, NetMetr) as CSV, a row for a test.

Rates are whole kbit/s, cut and never rounded up. What a laptop cannot know of the format stays
empty. Source: the open data specification of NetMetr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.columns import with_drives
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.left_out_tests import LeftOutTests, Row, no_evidence, reasons_by
from fieldsurvey.export.positions import test_position_known
from fieldsurvey.export.radio_of_tests import with_radio
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.model.radio import RadioTechnology

if TYPE_CHECKING:
    import polars as pl

BPS_PER_KBITPS = 1_000
_TIME = "%Y-%m-%d %H:%M:%S"
# A test with a rate had some technology: "none" of a modem that was asked a second before says as
# little of it as "unknown", and the format has a word for neither.
_UNSAID = (RadioTechnology.UNKNOWN.value, RadioTechnology.NONE.value)


@dataclass(frozen=True, slots=True)
class Rtr:
    """Tests with a download rate; the others are listed beside it."""

    name: str = "rtr"
    suffix: str = ".csv"
    media_type: str = "text/csv; charset=utf-8; header=present"
    companions: Mapping[str, Exporter] = field(
        default_factory=lambda: {"-left-out": LeftOutTests(left_out)}
    )

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write all tests in one go."""
        import polars as pl

        versions = tables.drives.select("drive_id", "app_version")
        tests = with_drives(tables, with_radio(tables)).join(versions, on="drive_id", how="left")
        rows = tests.filter(pl.col("test_id").is_in(list(left_out(tables))).not_())
        rows, _words = text.with_words(rows, lambda said: text.defused(text.clean(said)))
        columns = _columns()
        stream.write((",".join(columns) + "\r\n").encode())
        stream.write(text.lines(rows.select(**columns), end="\r\n", quoted=True))
        progress(1.0)
        return Written(tests=len(rows))


def left_out(tables: SurveyTables) -> dict[str, str]:
    """Return test id → what the format requires and the test does not have."""
    return reasons_by(tables, _missing)


def _missing(test: Row) -> str | None:
    return no_evidence(test) or ("no_rate" if test["download_bps"] is None else None)


def _columns() -> dict[str, pl.Expr]:
    import polars as pl

    known = test_position_known("start")
    technology = pl.when(~pl.col("technology").is_in(_UNSAID)).then("technology")
    operator = pl.when(pl.col("link").is_null()).then("drive_operator")

    def here(column: str, places: int) -> pl.Expr:
        return text.decimal(pl.when(known).then(pl.col(f"start_{column}")), places)

    def nothing() -> pl.Expr:
        return pl.lit(None, pl.String)

    return {
        "open_uuid": pl.col("drive_id"),
        "open_test_uuid": pl.col("test_id"),
        "time": text.utc(pl.col("started_utc_us")).dt.strftime(_TIME),
        "cat_technology": technology.str.head(2),
        "network_type": technology,
        "lat": here("latitude_deg", text.DEGREE_PLACES),
        "long": here("longitude_deg", text.DEGREE_PLACES),
        "loc_src": pl.when(known).then(pl.lit("gps")),
        "loc_accuracy": here("accuracy_m", 2),
        "zip_code": nothing(),
        "download_kbit": pl.col("download_bps") // BPS_PER_KBITPS,
        "upload_kbit": pl.col("upload_bps") // BPS_PER_KBITPS,
        "ping_ms": text.decimal(pl.col("idle_latency_p50_us") / 1e3, 3),
        "lte_rsrp": pl.when(pl.col("technology") == "4G").then(text.decimal(pl.col("rsrp_dbm"), 1)),
        "server_name": pl.coalesce("server_id", "server_url"),
        "test_duration": text.decimal(pl.col("download_duration_us") / 1e6, 3),
        "num_threads": pl.col("download_connections"),
        "platform": nothing(),
        "model": nothing(),
        "client_version": pl.col("app_version"),
        "network_mcc_mnc": pl.concat_str(
            pl.col("operator_code").str.head(3), pl.col("operator_code").str.slice(3), separator="-"
        ),
        "network_name": pl.coalesce("operator", operator, "operator_name"),
        "sim_mcc_mnc": nothing(),
        "nat_type": nothing(),
    }
