"""The target board: every promise of the national programme with its evidence, or what lacks of it.

Three verdicts, never a forced one. What measurements cannot show is said in ``missing`` instead of
a number. An interval says what is known of the whole from the part that was surveyed, as if that
part had been drawn at random; what is certain whatever the rest is like goes before it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from fieldsurvey.analysis.board_radio import cities_row, highways_row, settlements_row
from fieldsurvey.analysis.board_row import (
    Asked,
    BoardRow,
    BoardVerdict,
    known_settlements,
    of_share,
    settlements_lacking,
    settlements_unknown,
    verdict_of,
    with_times,
)
from fieldsurvey.analysis.judging import counted_tests
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.programme import Kind, Programme, ProgrammeRow
from fieldsurvey.analysis.ranks import median_ranks, ranked
from fieldsurvey.analysis.register import Register, populations
from fieldsurvey.analysis.sentence import grouped
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.tally import Result
from fieldsurvey.model.verdict import Verdict

__all__ = ["BoardRow", "BoardVerdict", "board"]


def board(
    m: Measurements, programme: Programme, places: Register | None, now_utc_us: int
) -> list[BoardRow]:
    """Judge every row of the programme. Without ``places`` it is not known what shares are of."""
    asked = Asked(m.evidence(), programme, places, now_utc_us)
    return [_JUDGES[row.kind](asked, row, _empty(programme, row)) for row in programme.rows]


def _empty(programme: Programme, row: ProgrammeRow) -> BoardRow:
    return BoardRow(row.id, row.text, programme.version)


def _population(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    """A settlement is covered if it is above by any operator; it is not if it is below by each that
    was measured and decided."""
    rule = asked.programme.judged_by[row.target]
    judged = judge_settlements(asked.m, rule, now_utc_us=asked.now_utc_us)
    judged, strange = known_settlements(judged, asked.places)
    word = pl.col("verdict")
    of_all = judged.group_by("settlement_id").agg(
        (word == Verdict.ABOVE).any().alias("above"),
        (word == Verdict.BELOW).any().alias("some_below"),
        ((word == Verdict.UNDECIDED) & (pl.col("tests") > 0)).any().alias("open"),
        # Evidence is what counts now.
        pl.col("tests").filter(~pl.col("stale")).sum(),
    )
    covered = of_all.filter("above")["settlement_id"]
    below = of_all.filter(pl.col("some_below") & ~pl.col("above") & ~pl.col("open"))
    found = replace(
        found,
        target=row.share,
        tests=int(of_all["tests"].sum()),
        settlements=len(covered) + len(below),
    )
    found = with_times(found, judged.filter(~pl.col("stale")), "oldest_utc_us", "newest_utc_us")
    if asked.places is None:
        return replace(found, missing=(message("analysis.missing_places"),))
    people = populations(asked.places)
    known = people.drop_nulls()
    total = int(known["population"].sum())
    unknown = len(people) - len(known)
    missing = [message("analysis.missing_population", number=grouped(unknown))] if unknown else []
    lacking = len(people) - found.settlements
    if lacking:
        missing.append(settlements_lacking(lacking, len(people)))
    found = replace(found, missing=(*missing, *settlements_unknown(strange)))
    if total == 0:
        return found
    inside = known.filter(pl.col("settlement_id").is_in(covered.implode()))["population"].sum()
    outside = known.filter(pl.col("settlement_id").is_in(below["settlement_id"].implode()))
    not_covered = int(outside["population"].sum())
    surveyed = int(inside) + not_covered
    low, high = int(inside) / total, 1 - not_covered / total
    # Whoever lives in settlements of unknown population could be on either side.
    verdict = BoardVerdict.NOT_ENOUGH
    if row.share == 1.0 and len(below):
        verdict = BoardVerdict.NOT_MET
    elif not unknown:
        verdict = verdict_of(low, high, row.share)
    return replace(
        found,
        verdict=verdict,
        value=int(inside) / surveyed if surveyed else None,
        low=low,
        high=high,
        figures={"people_surveyed": surveyed, "people_known": total},
    )


def _speed(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    rule = asked.programme.judged_by[row.target]
    tests = counted_tests(asked.m, rule, asked.now_utc_us).filter("counts", "fresh")
    silent = tests["result"].cast(pl.String) == Result.NO_SERVICE.value
    # Without service there is no rate; it ranks below all.
    rates = np.sort(tests["compared_bps"].set(silent, -1).to_numpy().astype(float))
    found = replace(
        found,
        unit="bps",
        target=float(row.median_bps),
        tests=len(tests),
        missing=(message("analysis.missing_regions"),),
    )
    found = with_times(found, tests, "started_utc_us", "started_utc_us")
    bounds = median_ranks(len(rates))
    if bounds is None:
        return replace(found, missing=(message("analysis.missing_tests"), *found.missing))
    low, high = (float(rates[at]) for at in bounds)
    # Of above, below and no service, as the share of a place: undecided tests speak for neither.
    result = tests["result"].cast(pl.String)
    decided = int((result != Result.UNDECIDED.value).sum())
    above = int((result == Result.ABOVE.value).sum())
    return replace(
        found,
        verdict=verdict_of(low, high, row.median_bps),
        value=_rate(ranked(rates, 50)),
        low=_rate(low),
        high=_rate(high),
        figures={
            "p10_bps": _rate(ranked(rates, 10)),
            "mean_bps_with_service": float(rates[rates >= 0].mean()) if rates[-1] >= 0 else None,
            "share_above": above / decided if decided else None,
            "no_service": float(silent.sum()),
        },
    )


def _access(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    """Where the access was tried: it is there if any test of it met service."""
    rule = asked.programme.judged_by[row.target]
    tests = counted_tests(asked.m, rule, asked.now_utc_us).filter(
        "counts", "fresh", pl.col("settlement_id").is_not_null()
    )
    surveyed = tests["settlement_id"].n_unique()
    tried = tests.filter(pl.col("access_type").cast(pl.String) == row.access_type)
    served = pl.col("result").cast(pl.String) != Result.NO_SERVICE.value
    by = tried.group_by("settlement_id").agg(served.any().alias("has"))
    yes = int(by["has"].sum())
    found = replace(
        of_share(found, yes, len(by) - yes, None, row.share),
        settlements=len(by),
        tests=len(tried),
    )
    found = with_times(found, tried, "started_utc_us", "started_utc_us")
    missing = [message("analysis.missing_where_tried", access_type=_access_name(row))]
    if surveyed > len(by):
        missing.append(message("analysis.missing_not_tried", number=grouped(surveyed - len(by))))
    if row.access_type == "satellite":
        latencies_us = tried["download_latency_us"].drop_nulls().sort().to_numpy()
        found.figures["latency_under_load_us"] = (
            ranked(latencies_us, 50) if len(latencies_us) else None
        )
        found.figures["no_service"] = float(tried.select((~served).sum()).item())
    return replace(found, missing=tuple(missing))


def _event(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    return replace(found, missing=(message("analysis.missing_event"),))


def _conduct(asked: Asked, row: ProgrammeRow, found: BoardRow) -> BoardRow:
    return replace(found, missing=(message("analysis.missing_conduct"),))


_JUDGES: dict[Kind, Callable[[Asked, ProgrammeRow, BoardRow], BoardRow]] = {
    Kind.POPULATION: _population,
    Kind.SPEED: _speed,
    Kind.ACCESS: _access,
    Kind.SETTLEMENTS: settlements_row,
    Kind.CITIES: cities_row,
    Kind.HIGHWAYS: highways_row,
    Kind.EVENT: _event,
    Kind.CONDUCT: _conduct,
}


def _access_name(row: ProgrammeRow) -> Message | str:
    """Return an access type in words; one of a target file that we do not know, as it stands."""
    if row.access_type not in [one.value for one in AccessType if one is not AccessType.UNKNOWN]:
        return row.access_type
    return message(f"analysis.access_{row.access_type.replace('-', '_')}")


def _rate(bps: float) -> float | None:
    """Return a ranked rate; None where the rank had no service."""
    return None if bps < 0 else bps
