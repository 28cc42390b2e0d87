"""What the modem said in the second in which a test began: regulators want it beside the rate.

Seconds tell of one modem, and not of which link: whose radio it was is decided here, for all that
look at tests. Must not guess: another network's cell beside a rate is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.export.columns import with_drives
from fieldsurvey.export.tables import SAMPLE_COLUMNS, SurveyTables, schema
from fieldsurvey.model.radio import AccessType

if TYPE_CHECKING:
    import polars as pl

RADIO = (
    "technology", "operator_code", "operator_name", "cell_id", "tracking_area", "band", "rsrp_dbm",
    "rsrq_db", "sinr_db", "rssi_dbm",
)  # fmt: skip
OLDEST_US = 2_000_000  # a modem is asked once a second
WITHOUT_MODEM = tuple(
    word.value for word in (AccessType.FIBRE, AccessType.SATELLITE, AccessType.FIXED_WIRELESS)
)


def radio_is_of_test(drive: str, access_type: pl.Expr) -> pl.Expr:
    """Tell, in a table of tests with ``link``, of which ones the radio of their seconds speaks.

    Not of those over fibre or a satellite, and of none where a drive had several links that may
    each be a modem's. ``drive``: the column that names it; ``access_type``: a test's, else its
    drive's.
    """
    import polars as pl

    may_be_modem = ~access_type.cast(pl.String).is_in(WITHOUT_MODEM).fill_null(value=False)
    link = pl.col("link").cast(pl.String)  # none where the plan names none
    modems = pl.when(may_be_modem & (link != "")).then(link).drop_nulls().n_unique().over(drive)
    return may_be_modem & (modems <= 1)


def with_radio(tables: SurveyTables) -> pl.DataFrame:
    """Return the tests with the columns ``RADIO`` of the last second before each began; null where
    that is older than 2 s or speaks of another link. Takes one pass over the seconds."""
    import polars as pl

    access_type = pl.coalesce("access_type", "drive_access_type")
    tests = (
        with_drives(tables, tables.tests)
        .filter(radio_is_of_test("drive_id", access_type))
        .select("drive_id", "test_id", "started_utc_us")
        .sort("started_utc_us")
    )
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
