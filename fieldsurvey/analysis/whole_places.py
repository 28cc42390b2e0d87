"""The places that some rows lie in, whole: a verdict of a part would stand for all of a place.

Must not judge.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import polars as pl

from fieldsurvey.analysis.cells import JUDGED_RESOLUTION, cells_of
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import with_drive
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M

# What a place is told by, and what of a row tells of it.
_PLACES = {
    ("highway_ref", "stretch"): ("highway_ref", "chainage_m", "end_chainage_m"),
    ("settlement_id",): ("settlement_id", "settlement_name"),
    ("cell",): (),  # who comes with another place lies in none
}
# What lies in neither of the others is of a cell.
ON_HIGHWAY = pl.col("highway_ref").is_not_null() & pl.col("chainage_m").is_not_null()
NOWHERE = ~ON_HIGHWAY & pl.col("settlement_id").is_null()


def whole_places(
    m: Measurements,
    tests: pl.Series,
    samples: pl.Series,
    by: Collection[str] = (),
    *,
    of_tests: bool = False,
) -> Measurements:
    """Return the rows of two masks, and all rows of the places that any of them lies in; with
    ``by`` (operators and the like), those of the same words only. ``of_tests``: the seconds are
    those that the tests lasted, and choose no place that none of the tests began in.

    A row that came with one of its places is not said to be of another, of which only a part came.
    """
    marked = [
        _placed(m, rows, prefix, inside, by)
        for rows, prefix, inside in ((m.tests, "start_", tests), (m.samples, "", samples))
    ]
    if of_tests:
        marked[1] = _where_tests_began(*marked)
    chosen = [
        _reached(rows, own, marked, by)
        for rows, own in zip((m.tests, m.samples), marked, strict=True)
    ]
    return replace(m, tests=chosen[0], samples=chosen[1])


def _placed(
    m: Measurements, rows: pl.DataFrame, prefix: str, inside: pl.Series, by: Collection[str]
) -> pl.DataFrame:
    nowhere = rows.select(NOWHERE).to_series()
    off = cells_of(rows.filter(nowhere), prefix, JUDGED_RESOLUTION)
    return (
        with_drive(m, rows, by)
        .select(
            pl.col("highway_ref", "settlement_id", *by).cast(pl.String),
            stretch=(pl.col("chainage_m") / JUDGED_LENGTH_M).floor(),
            cell=pl.repeat(None, len(rows), dtype=pl.UInt64, eager=True).scatter(
                nowhere.arg_true(), off
            ),
            inside=inside,
        )
        .with_row_index("row")
    )


def _where_tests_began(tests: pl.DataFrame, seconds: pl.DataFrame) -> pl.DataFrame:
    """A car goes on while it tests: its last seconds may be of the next place."""
    for place in _PLACES:
        began = tests.filter("inside").select(place).unique()
        beyond = seconds.drop_nulls(place).join(began, on=place, how="anti")["row"]
        seconds = seconds.with_columns(
            inside=pl.col("inside") & ~pl.col("row").is_in(beyond.implode())
        )
    return seconds


def _reached(
    rows: pl.DataFrame, own: pl.DataFrame, marked: Sequence[pl.DataFrame], by: Collection[str]
) -> pl.DataFrame:
    taken = [own.filter("inside")["row"]]
    whole = rows
    for place, columns in _PLACES.items():
        keys = [*place, *by]
        known = pl.concat(
            [one.filter("inside").select(keys).drop_nulls(place) for one in marked]
        ).unique()
        taken.append(own.join(known, on=keys, how="semi", nulls_equal=True)["row"])
        here = own["row"].is_in(taken[-1].implode())
        whole = whole.with_columns(
            pl.when(here).then(pl.col(name)) for name in columns if name in rows.columns
        )
    return whole[pl.concat(taken).unique().sort()]
