"""Network Survey's CSV: one row for each cell a phone hears, GSM to NR, times with their zone.

Only the serving cell is a reading of the second; neighbours are counted and left out, and so is the
second SIM card: a drive is one card's. Must not read the serial number of the phone, nor take for a
fix where a network's towers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.export.foreign import UNKNOWN_CELLS
from fieldsurvey.export.reading import Cells, DelimitedReader, Piece, PositionColumns
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.throughput import Cause

if TYPE_CHECKING:
    import polars as pl

US_PER_MS = 1_000
_OLD_MS = 1e12  # 30 years: no age is told apart beyond
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
    positions = (
        PositionColumns(
            ("gnsslatitude",), ("gnsslongitude",), ("gnssaltitude",), ("gnssaccuracy",)
        ),
        PositionColumns(),
    )

    def knows(self, names: set[str]) -> bool:
        return "devicetime" in names and any(
            len(names & kind) >= 2 for kind in (_NR, _LTE, _UMTS, _GSM, _DEVICE)
        )

    def take(self, cells: Cells, rows: pl.DataFrame, piece: Piece) -> None:
        seconds = rows.with_columns(_seconds(cells))
        neighbour = _is_neighbour(cells, seconds)
        slot, so_far = cells.words("slot"), cells.so_far
        if so_far.slot is None:
            so_far.slot = next(iter(slot.filter(~neighbour).drop_nulls()), None)
        other = ~neighbour & slot.is_not_null() & ~slot.is_in([so_far.slot])
        for reason, left in (("left_out_neighbour", neighbour), ("left_out_slot", other)):
            if left.any():
                piece.left_out[reason] += int(left.sum())
        piece.samples = seconds.filter(~neighbour & ~other)


def _is_neighbour(cells: Cells, seconds: pl.DataFrame) -> pl.Series:
    """Tell which cells the phone only hears. Where nothing says which one serves, as older versions
    did, it is the one whose network the phone knows."""
    serving = cells.words("servingcell").str.to_lowercase()
    neighbour = serving.is_in(["false", "0", "no"]).fill_null(value=False)
    if "mcc" in cells.frame.columns:
        unknown = seconds["operator_code"].is_null() & seconds["cell_id"].is_null()
        neighbour |= serving.is_null() & unknown
    return neighbour


def _seconds(cells: Cells) -> list[pl.Series]:
    import polars as pl

    facts = pl.DataFrame(
        {
            "mcc": cells.numbers("mcc", low=1, high=999).cast(pl.Int64),
            "mnc": cells.words("mnc"),
            # Where it stands, an MNC of three digits has kept its zeros.
            "plmn": cells.words("plmn").str.extract(r"^(\d{5,6})$"),
            "cell": cells.numbers("nci", "eci", "cid", "ci", low=0).cast(pl.Int64, strict=False),
            "tracking_area": cells.numbers("tac", "lac", low=0).cast(pl.Int64, strict=False),
            "rsrp_dbm": cells.numbers("ssrsrp", "rsrp", low=-156, high=-31),
            "rsrq_db": cells.numbers("ssrsrq", "rsrq", low=-43, high=20),
            "sinr_db": cells.numbers("sssinr", "snr", low=-30, high=50),
            # Of 3G it is the whole band's; RSCP is another thing and has no place here.
            "rssi_dbm": cells.numbers("rssi", "signalstrength", low=-130, high=-25),
            "operator_name": cells.words("provider"),
            "speed_mps": cells.numbers("speed", low=0, high=150),
            "age_ms": cells.numbers("locationage", low=0),
        }
    )
    code = pl.concat_str(pl.col("mcc").cast(pl.String), pl.col("mnc").str.zfill(2))
    return facts.select(
        pl.exclude("mcc", "mnc", "plmn", "cell", "age_ms"),
        cell_id=pl.when(~pl.col("cell").is_in(UNKNOWN_CELLS)).then("cell"),
        operator_code=pl.coalesce("plmn", code),
        technology=_technology(set(cells.frame.columns), cells.words("connectionstatus")),
        fix_age_us=(pl.col("age_ms").fill_null(0).clip(upper_bound=_OLD_MS) * US_PER_MS).cast(
            pl.Int64
        ),
        reachable=pl.lit(value=False),
        cause=pl.lit(Cause.NOT_ASKED.value),
    ).get_columns()


def _technology(names: set[str], connected: pl.Series) -> pl.Expr:
    """An NR cell with an identity of its own is one that the phone is registered in, unless the
    phone says that it carries data beside another cell."""
    import polars as pl

    if names & _NR:
        beside = connected.str.to_lowercase().is_in(["secondary_serving"])
        alone = pl.col("cell").is_not_null() & ~beside.fill_null(value=False)
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
