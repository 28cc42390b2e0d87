"""Network Survey's CSV: one row for each cell a phone hears, GSM to NR, times with their zone.

Only the serving cell is a reading of the second; neighbours are counted and left out. Must not
read the serial number of the phone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.export.reading import Cells, DelimitedReader, Piece
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.throughput import Cause

if TYPE_CHECKING:
    import polars as pl

US_PER_MS = 1_000
_NR = {"nci", "narfcn", "ssrsrp"}
_LTE = {"eci", "earfcn", "rsrp"}
_UMTS = {"uarfcn", "rscp", "psc", "cid"}
_GSM = {"bsic", "arfcn"}
_DEVICE = {"gnsslatitude", "batterylevelpercent"}


class NetworkSurvey(DelimitedReader):
    """One reader for all its tables: which one it is, the columns say."""

    name = "network-survey"
    has_zone = True
    times = ("devicetime",)
    latitudes = ("latitude", "gnsslatitude", "networklatitude")
    longitudes = ("longitude", "gnsslongitude", "networklongitude")

    def knows(self, names: set[str]) -> bool:
        return "devicetime" in names and any(
            len(names & kind) >= 2 for kind in (_NR, _LTE, _UMTS, _GSM, _DEVICE)
        )

    def take(self, cells: Cells, rows: pl.DataFrame, piece: Piece) -> None:
        neighbour = cells.words("servingcell").str.to_lowercase().is_in(["false", "0", "no"])
        neighbour = neighbour.fill_null(value=False)
        if neighbour.any():
            piece.left_out["left_out_neighbour"] += int(neighbour.sum())
        piece.samples = rows.with_columns(_seconds(cells)).filter(~neighbour)


def _seconds(cells: Cells) -> list[pl.Series]:
    import polars as pl

    facts = pl.DataFrame(
        {
            "mcc": cells.numbers("mcc", low=1, high=999).cast(pl.Int64),
            "mnc": cells.words("mnc"),
            "cell_id": cells.numbers("nci", "eci", "cid", "ci", low=0).cast(pl.Int64),
            "tracking_area": cells.numbers("tac", "lac", low=0).cast(pl.Int64),
            "rsrp_dbm": cells.numbers("ssrsrp", "rsrp", low=-156, high=-31),
            "rsrq_db": cells.numbers("ssrsrq", "rsrq", low=-43, high=20),
            "sinr_db": cells.numbers("sssinr", "snr", low=-30, high=50),
            "rssi_dbm": cells.numbers("rssi", "signalstrength", "rscp", low=-130, high=-25),
            "operator_name": cells.words("provider"),
            "altitude_m": cells.numbers("altitude", "gnssaltitude", low=-500, high=20_000),
            "accuracy_m": cells.numbers("accuracy", "gnssaccuracy", low=0, high=1e6),
            "speed_mps": cells.numbers("speed", low=0, high=150),
            "age_ms": cells.numbers("locationage", low=0),
        }
    )
    code = pl.concat_str(pl.col("mcc").cast(pl.String), pl.col("mnc").str.zfill(2))
    return facts.select(
        pl.exclude("mcc", "mnc", "age_ms"),
        operator_code=code,
        technology=_technology(set(cells.frame.columns)),
        fix_age_us=(pl.col("age_ms").fill_null(0) * US_PER_MS).cast(pl.Int64),
        reachable=pl.lit(value=False),
        cause=pl.lit(Cause.NOT_ASKED.value),
    ).get_columns()


def _technology(names: set[str]) -> pl.Expr:
    """An NR cell with an identity of its own is one that the phone is registered in."""
    import polars as pl

    if names & _NR:
        alone = pl.col("cell_id").is_not_null()
        return (
            pl.when(alone)
            .then(pl.lit(RadioTechnology.G5_SA.value))
            .otherwise(pl.lit(RadioTechnology.G5_NSA.value))
        )
    for kind, technology in (
        (_LTE, RadioTechnology.G4),
        (_UMTS, RadioTechnology.G3),
        (_GSM, RadioTechnology.G2),
    ):
        if names & kind:
            return pl.lit(technology.value)
    return pl.lit(None, pl.String)
