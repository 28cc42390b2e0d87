"""G-NetTrack's logs: seconds, data tests and events, as TXT and as CSV of any version.

It writes local time without a zone, longitude before latitude, rates in kbit/s and one row for all
a phone knows. A rate of 0 is a test that failed. Bit rates of other people's traffic
(``DL_bitrate``) are no tests and stay out. Must not take a value for one that only fills a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.export.delimited import LINE
from fieldsurvey.export.foreign import MOST_BPS, UNKNOWN_CELLS
from fieldsurvey.export.reading import Cells, DelimitedReader, ForeignEvent, Piece, tags_of
from fieldsurvey.model.radio import AccessType, RadioTechnology
from fieldsurvey.model.throughput import Cause, Mode, Outcome, Trigger

if TYPE_CHECKING:
    import polars as pl

BPS_PER_KBITPS = 1_000
KMH_PER_MPS = 3.6
MOST_KMH = 400.0
MOST_PING_MS = 3_600_000.0
ESTIMATOR = "gnettrack-mean/1"

_RADIO = {"networktech", "networkmode", "level", "rsrp", "cellid", "node", "operatorname"}
_RATES = ("testdownlink", "testuplink")
_EVENT = ("eventtype", "event", "eventdetails")
_PINGS = ("pingavg", "pingmin", "pingmax", "pingstdev", "pingloss")
_KEPT_AS_TAGS = (*_PINGS, "testdownlinkmax", "testuplinkmax", "teststatus")
# How many cells an eNodeB (TS 36.413; the anchor of 5G-NSA too) has numbers for, an RNC (TS 25.331)
# and at most a gNB (TS 38.413), which keeps to itself how long its own number is: 22 to 32 bits.
_CELLS_OF_NODE = {"4G": 256, "5G-NSA": 256, "3G": 65_536}
_LOCAL_BELOW = {**_CELLS_OF_NODE, "5G-SA": 16_384}

# By technology, the least and the most that a phone can report (TS 36.133, 38.133, 25.133); what is
# outside, and the ends of 3G, are written where it reports nothing.
_LEVEL = {"4G": (-140.0, -43.0), "5G-NSA": (-156.0, -31.0), "5G-SA": (-156.0, -31.0)}
_OLD_LEVEL = {"2G": (-113.0, -47.0), "3G": (-120.0, -25.0)}
_OR_LESS_DBM = -113.0  # TS 27.007: "-113 dBm or less", which phones write where they hear nothing

_TECHNOLOGIES = {
    RadioTechnology.G5_SA: ("nr", "5gsa", "nrsa", "5gnr"),
    RadioTechnology.G5_NSA: ("5g", "5gnsa", "nrnsa", "endc", "ltensa", "ltenr", "lte5g"),
    RadioTechnology.G4: ("4g", "lte", "ltea", "lteca", "lteplus"),
    RadioTechnology.G3: ("3g", "umts", "wcdma", "hspa", "hspap", "hsdpa", "hsupa", "hspaplus"),
    RadioTechnology.G2: ("2g", "gsm", "gprs", "edge"),
    RadioTechnology.NONE: ("noservice", "outofservice", "nosignal"),
}  # fmt: skip


class GNetTrack(DelimitedReader):
    """One reader for all its files: what a row is, its cells say."""

    name = "gnettrack"
    times = ("timestamp", "time", "datetime")
    only_whole = frozenset(_RATES)

    def knows(self, names: set[str]) -> bool:
        position = {"longitude", "latitude"} <= names
        ours = names & {*_RATES, *_EVENT, *_PINGS, "cellhex", "networktech", "networkmode", "node"}
        return position and bool(names & set(self.times)) and bool(ours) and bool(names & _RADIO)

    def odd(self, cells: Cells) -> pl.Series:
        """A number where the network's kind stands, or its kind where a number does: some programs
        drop empty cells when they save, and what lay beside would be taken for a level or rate. Or
        a rate that is none: what nobody can read is not "nothing came through"."""
        import polars as pl

        kind = cells.words("networktech", "networkmode")
        moved = kind.str.contains(r"^[-+]?\d+([.,]\d+)?$").fill_null(value=False)
        for name in ("node", "cellid", "lac"):
            moved |= technology_of(cells.words(name)) != RadioTechnology.UNKNOWN.value
        no_rate = pl.repeat(False, len(cells), eager=True)
        for name in _RATES:
            rate = cells.numbers(name, low=0, high=MOST_BPS / BPS_PER_KBITPS)
            no_rate |= cells.says(name) & rate.is_null()
        reason = pl.when(moved).then(pl.lit("odd_cells")).when(no_rate).then(pl.lit("odd_rate"))
        return pl.select(reason.alias("odd")).to_series()

    def take(self, cells: Cells, rows: pl.DataFrame, piece: Piece) -> None:
        whole = rows.with_columns(_seconds(cells))
        is_event = cells.says(*_EVENT)
        is_test = cells.says(*_RATES)
        piece.events += _events(cells, rows, is_event)
        piece.tests = whole.filter(is_test).with_columns(_tests(cells.where(is_test)), **_where())
        # In a file of events each row is one, of a second that the log has as well.
        piece.samples = whole if _is_log(cells) else whole.filter(is_test)


def _is_log(cells: Cells) -> bool:
    return "eventtype" not in cells.frame.columns


def _events(cells: Cells, rows: pl.DataFrame, is_event: pl.Series) -> list[ForeignEvent]:
    kinds, details = cells.words("eventtype", "event"), cells.words("eventdetails")
    states = cells.words("state")
    return [
        ForeignEvent(
            int(rows[LINE][at]),
            int(rows["utc_us"][at]),
            " · ".join(part for part in (kinds[at], details[at], states[at]) if part is not None),
        )
        for at in is_event.arg_true().to_list()
    ]


def _seconds(cells: Cells) -> list[pl.Series]:
    """Return the columns of the samples that these cells tell of."""
    import polars as pl

    technology = technology_of(cells.words("networktech"), cells.words("networkmode"))
    level = cells.numbers("level", "rsrp", "rxlev", low=-156, high=-1)
    band = cells.words("band", "layer")
    cell, node = cells.numbers("cellid", low=0), cells.numbers("node", low=0)
    whole_cell = cells.numbers("rawcellid", low=0)
    ping_ms, loss = (
        cells.numbers("pingavg", low=0, high=MOST_PING_MS),
        cells.numbers("pingloss", low=0, high=100),
    )
    facts = pl.DataFrame(
        {
            "technology": technology,
            "level": level,
            "cell": cell,
            "node": node,
            "whole_cell": whole_cell,
            "rsrq_db": cells.numbers("qual", "rsrq", low=-34, high=3),
            "sinr_db": cells.numbers("snr", "sinr", low=-30, high=50, zero_fills=True),
            "lte_rssi": cells.numbers("lterssi", "rssi", low=-120, high=-25),
            "speed": cells.numbers("speed", low=0, high=MOST_KMH),
            "operator_name": cells.words("operatorname"),
            "operator_code": _operator_code(cells.words("operator", "mccmnc", "plmn")),
            "tracking_area": cells.numbers("lac", "tac", low=0).cast(pl.Int64, strict=False),
            "band": band,
            "ping_ms": ping_ms,
            "loss": loss,
        }
    )
    # 0 ms is what fills the cell where nobody asked; no radio link is as fast.
    answered = (pl.col("ping_ms") > 0).fill_null(value=False) & (pl.col("loss").fill_null(0) < 100)
    unanswered = pl.col("loss") >= 100
    new = pl.col("technology").is_in(list(_LEVEL))
    in_node = pl.col("technology").replace_strict(_CELLS_OF_NODE, default=None)
    is_local = pl.col("cell") < pl.col("technology").replace_strict(_LOCAL_BELOW, default=0)
    # A number that many nodes have is no cell's identity without its node.
    identity = pl.when(is_local).then(pl.col("node") * in_node + pl.col("cell")).otherwise("cell")
    identity = pl.coalesce("whole_cell", identity).cast(pl.Int64, strict=False)
    return facts.select(
        "technology",
        "operator_code",
        "operator_name",
        "tracking_area",
        "band",
        speed_mps=pl.col("speed") / KMH_PER_MPS,
        rsrp_dbm=pl.when(_within(_LEVEL)).then("level"),
        rssi_dbm=pl.when(_within(_OLD_LEVEL) & (pl.col("level") != _OR_LESS_DBM))
        .then("level")
        .otherwise(pl.when(new).then("lte_rssi")),
        rsrq_db=pl.when(new).then("rsrq_db"),
        sinr_db=pl.when(new).then("sinr_db"),
        cell_id=pl.when(~identity.is_in(UNKNOWN_CELLS)).then(identity),
        reachable=answered,
        cause=pl.when(answered)
        .then(None)
        .when(unanswered)
        .then(pl.lit(Cause.TIMED_OUT.value))
        .otherwise(pl.lit(Cause.NOT_ASKED.value)),
        round_trip_us=pl.when(answered).then(pl.col("ping_ms") * 1_000).cast(pl.Int64),
        fix_age_us=pl.lit(0, pl.Int64),
    ).get_columns()


def _within(limits: dict[str, tuple[float, float]]) -> pl.Expr:
    import polars as pl

    low = pl.col("technology").replace_strict({t: v[0] for t, v in limits.items()}, default=None)
    high = pl.col("technology").replace_strict({t: v[1] for t, v in limits.items()}, default=None)
    return pl.col("level").is_between(low, high)


def technology_of(*said: pl.Series) -> pl.Series:
    """Return our word for what a phone calls the network; the last that says something knows best.
    A bare "5G" is taken for the lesser kind."""
    import polars as pl

    words = {word: kind.value for kind, spoken in _TECHNOLOGIES.items() for word in spoken}
    found = pl.repeat(None, len(said[0]), dtype=pl.String, eager=True)
    for column in said:
        plain = column.str.to_lowercase().str.replace_all(r"\+", "plus")
        plain = plain.str.replace_all("[^a-z0-9]", "")
        known = plain.replace_strict(words, default=None, return_dtype=pl.String)
        found = known.zip_with(known.is_not_null(), found)
    return found.fill_null(RadioTechnology.UNKNOWN.value)


def _operator_code(said: pl.Series) -> pl.Series:
    """Return MCC and MNC as digits; what is no such number is a name and kept elsewhere."""
    digits = said.str.replace_all(r"[-\s]", "")
    return digits.set(~digits.str.contains(r"^\d{5,6}$"), None)


def _tests(cells: Cells) -> list[pl.Series]:
    """Return the columns of the tests; rows without a rate have none of their own."""
    import polars as pl

    rates = pl.DataFrame(
        {
            LINE: cells.frame[LINE],
            "down": cells.numbers("testdownlink", low=0) * BPS_PER_KBITPS,
            "up": cells.numbers("testuplink", low=0) * BPS_PER_KBITPS,
            **{name: cells.words(name) for name in _KEPT_AS_TAGS},
        }
    )
    judged = pl.when(pl.col("down").is_not_null()).then(pl.col("down")).otherwise(pl.col("up"))
    failed = judged.round() < 1
    return rates.select(
        protocol=pl.lit("gnettrack"),
        mode=pl.lit(Mode.MEASURE.value),
        trigger=pl.lit(Trigger.TIME.value),
        server_url=pl.lit(""),
        outcome=pl.when(failed)
        .then(pl.lit(Outcome.FAILED.value))
        .otherwise(pl.lit(Outcome.COMPLETED.value)),
        cause=pl.when(failed).then(pl.lit(Cause.STALLED.value)),
        tags=tags_of(rates.select(_KEPT_AS_TAGS)),
        **_phase("download", "down"),
        **_phase("upload", "up"),
    ).get_columns()


def _where() -> dict[str, pl.Expr]:
    """A test's row says where it ended; that is all that is known of its place."""
    import polars as pl

    of_fix = (
        "latitude_deg",
        "longitude_deg",
        "altitude_m",
        "speed_mps",
        "accuracy_m",
        "fix_age_us",
    )
    where: dict[str, pl.Expr] = {
        f"{end}_{name}": pl.col(name) for end in ("start", "end") for name in of_fix
    }
    return where | {
        "operator": pl.col("operator_name"),
        "access_type": pl.lit(AccessType.MOBILE.value),
    }


def _phase(name: str, rate: str) -> dict[str, pl.Expr]:
    """A rate of 0 is no rate: nothing came through."""
    import polars as pl

    bps = pl.col(rate).round().cast(pl.Int64, strict=False)
    completed = bps >= 1
    return {
        f"{name}_bps": pl.when(completed).then(bps),
        f"{name}_estimator": pl.when(completed).then(pl.lit(ESTIMATOR)),
        f"{name}_outcome": pl.when(completed)
        .then(pl.lit(Outcome.COMPLETED.value))
        .when(bps.is_not_null())
        .then(pl.lit(Outcome.FAILED.value)),
        f"{name}_cause": pl.when(bps < 1).then(pl.lit(Cause.STALLED.value)),
    }
