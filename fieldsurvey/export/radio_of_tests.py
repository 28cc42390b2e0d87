"""What the modem said in the second in which a test began: regulators want it beside the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.export.tables import SAMPLE_COLUMNS, SurveyTables, schema

if TYPE_CHECKING:
    import polars as pl

RADIO = (
    "technology", "operator_code", "operator_name", "cell_id", "tracking_area", "band", "rsrp_dbm",
    "rsrq_db", "sinr_db", "rssi_dbm",
)  # fmt: skip
OLDEST_US = 2_000_000  # a modem is asked once a second


def with_radio(tables: SurveyTables) -> pl.DataFrame:
    """Return the tests with the columns ``RADIO`` of the last second before each began; null where
    that is older than 2 s. Takes one pass over the seconds."""
    import polars as pl

    tests = tables.tests.select("drive_id", "test_id", "started_utc_us").sort("started_utc_us")
    found = [pl.DataFrame(schema={"test_id": pl.String(), **_kinds()})]
    for piece in tables.sample_pieces():
        seconds = piece.select("utc_us", *RADIO).sort("utc_us")
        of_drive = tests.filter(pl.col("drive_id") == piece["drive_id"][0])
        near = of_drive.join_asof(
            seconds, left_on="started_utc_us", right_on="utc_us", tolerance=OLDEST_US
        )
        found.append(near.filter(pl.col("technology").is_not_null()).select("test_id", *RADIO))
    radio = pl.concat(found).unique("test_id", keep="last", maintain_order=True)
    return tables.tests.join(radio, on="test_id", how="left", maintain_order="left")


def _kinds() -> dict[str, pl.DataType]:
    return {name: kind for name, kind in schema(SAMPLE_COLUMNS).items() if name in RADIO}
