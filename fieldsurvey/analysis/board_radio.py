"""Where a radio technology is: settlements, kilometres and cells, by the seconds spent there.

A place has it where any operator's seconds show it, and has it not where those of every operator
that was measured say so. Seconds of the year before now; without service there is no technology.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from fieldsurvey.analysis.board_row import (
    Asked,
    BoardRow,
    BoardVerdict,
    known_settlements,
    of_share,
    settlements_lacking,
    settlements_unknown,
    with_times,
)
from fieldsurvey.analysis.cells import cells_of
from fieldsurvey.analysis.judging import fresh
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.programme import ProgrammeRow, city_name
from fieldsurvey.analysis.register import cities_by_names, stretches_of
from fieldsurvey.analysis.scope import with_drive
from fieldsurvey.analysis.sentence import grouped
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.radio import RadioTechnology

KM_M = 1_000

_SILENT = RadioTechnology.UNKNOWN.value


def presence(
    m: Measurements,
    samples: pl.DataFrame,
    place: Sequence[str],
    row: ProgrammeRow,
    now_utc_us: int,
) -> pl.DataFrame:
    """Return ``place``, ``has`` (null: not enough seconds), ``seconds``, ``oldest_utc_us`` and
    ``newest_utc_us``, a row per place that was driven in the year before now.

    Seconds in which the modem said nothing of the technology of a service that was there cannot
    tell, and do not count.
    """
    word, reachable = pl.col("technology"), pl.col("reachable")
    told = samples.filter(
        fresh("utc_us", now_utc_us),
        reachable.is_not_null(),
        *(pl.col(name).is_not_null() for name in place),
        ~(reachable & (word.is_null() | (word == _SILENT))),
    ).with_columns(shows=reachable & word.is_in(row.technologies).fill_null(value=False))
    of_operators = (
        with_drive(m, told, ["operator"])
        .group_by(*place, "operator")
        .agg(
            pl.len().cast(pl.Int64).alias("seconds"),
            pl.col("shows").mean().alias("share"),
            pl.col("utc_us").min().alias("oldest_utc_us"),
            pl.col("utc_us").max().alias("newest_utc_us"),
        )
        .with_columns(
            has=pl.when(pl.col("seconds") >= row.fewest_seconds).then(
                pl.col("share") >= row.seconds_share
            )
        )
    )
    return of_operators.group_by(*place).agg(
        # True of any; else unknown if of any; else False.
        pl.when(pl.col("has").any())
        .then(pl.lit(value=True))
        .when(pl.col("has").is_null().any())
        .then(None)
        .otherwise(pl.lit(value=False))
        .alias("has"),
        pl.col("seconds").sum(),
        pl.col("oldest_utc_us").min(),
        pl.col("newest_utc_us").max(),
    )


def settlements_row(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    """Judge a share of settlements."""
    there = presence(asked.m, asked.m.samples, ["settlement_id"], row, asked.now_utc_us)
    there, strange = known_settlements(there, asked.places)
    decided = there.drop_nulls("has")
    yes = int(decided["has"].sum())
    total = None if asked.places is None else len(asked.places.settlements().id)
    found = of_share(found, yes, len(decided) - yes, total, row.share)
    found = replace(_dated(found, there), settlements=len(decided))
    missing = [message("analysis.missing_places")]
    if total is not None:
        number = total - len(decided)
        missing = [settlements_lacking(number, total)]
    return replace(found, missing=(*missing, *settlements_unknown(strange)))


def cities_row(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    """Judge a share of the territory of each city, in cells; it is met where all cities have it."""
    found = replace(found, target=row.share)
    if asked.places is None:
        return replace(found, missing=(message("analysis.missing_places"),))
    missing: list[Message] = []
    samples = asked.m.samples.with_columns(pl.col("settlement_id").cast(pl.String))
    verdicts, yes, cells = [], 0, 0
    pieces = []
    for names, city in zip(row.cities, cities_by_names(asked.places, row.cities), strict=True):
        if city is None:
            missing.append(message("analysis.missing_city", name=city_name(names)))
            verdicts.append(BoardVerdict.NOT_ENOUGH)
            continue
        inside = samples.filter(pl.col("settlement_id") == city[0])
        inside = inside.with_columns(cell=cells_of(inside, ""))
        there = presence(asked.m, inside, ["cell"], row, asked.now_utc_us)
        decided = there.drop_nulls("has")
        if not len(decided):
            missing.append(message("analysis.missing_city_not_driven", name=city_name(names)))
        elif not city[1]:
            missing.append(message("analysis.missing_border", name=city_name(names)))
        has = int(decided["has"].sum())
        one = of_share(found, has, len(decided) - has, None, row.share)
        verdicts.append(one.verdict)
        yes, cells = yes + has, cells + len(decided)
        pieces.append(there)
    found = of_share(found, yes, cells - yes, None, row.share)
    if pieces:
        found = _dated(found, pl.concat(pieces))
    verdict = BoardVerdict.NOT_ENOUGH
    if BoardVerdict.NOT_MET in verdicts:
        verdict = BoardVerdict.NOT_MET
    elif verdicts and set(verdicts) == {BoardVerdict.MET}:
        verdict = BoardVerdict.MET
    met = verdicts.count(BoardVerdict.MET)
    return replace(
        found,
        verdict=verdict,
        cells=cells,
        settlements=len(pieces),
        figures={"cities": float(len(row.cities)), "cities_met": float(met)},
        missing=tuple(missing),
    )


def highways_row(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    """Judge kilometres of highway."""
    number = (pl.col("chainage_m") / KM_M).floor().cast(pl.Int64)
    samples = asked.m.samples.with_columns(km=number)
    there = presence(asked.m, samples, ["highway_ref", "km"], row, asked.now_utc_us)
    total, strange = None, 0
    if asked.places is not None:
        whole = stretches_of(asked.places, KM_M).select("highway_ref", km=pl.col("from_m") // KM_M)
        driven, total = len(there), len(whole)
        there = there.with_columns(pl.col("highway_ref").cast(pl.String))
        there = there.join(whole, on=["highway_ref", "km"], how="semi")
        strange = driven - len(there)
    decided = there.drop_nulls("has")
    yes = int(decided["has"].sum())
    no = len(decided) - yes
    found = replace(
        found,
        unit="km",
        target=row.km,
        value=float(yes) if len(decided) else None,
        low=float(yes) if len(decided) else None,
        high=None if total is None else float(total - no),
        km=len(decided),
        figures={"km_without": float(no), "km_too_few_seconds": float(len(there) - len(decided))},
    )
    found = _dated(found, there)
    if strange:
        note = message("analysis.missing_strange_km", number=grouped(strange))
        found = replace(found, missing=(note,))
    if yes >= row.km:
        return replace(found, verdict=BoardVerdict.MET)
    if total is None:
        return replace(found, missing=(message("analysis.missing_places"),))
    found.figures["km_not_driven"] = float(total - len(there))
    if total < row.km:  # then nothing can be said of the kilometres that are not in it
        lacking = message("analysis.missing_highways", km=grouped(total), target=grouped(row.km))
        return replace(found, missing=(lacking, *found.missing), high=None)
    verdict = BoardVerdict.NOT_MET if total - no < row.km else BoardVerdict.NOT_ENOUGH
    left = message(
        "analysis.missing_km", number=grouped(total - len(decided)), total=grouped(total)
    )
    return replace(found, verdict=verdict, missing=(left, *found.missing))


def _dated(found: BoardRow, there: pl.DataFrame) -> BoardRow:
    return with_times(found, there, "oldest_utc_us", "newest_utc_us")
