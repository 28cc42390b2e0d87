"""The places that some rows lie in, whole: a verdict of a part would stand for all of a place.

Must not judge.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import with_drive
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M

# What a place is told by, and what of a row tells of it.
_PLACES = {
    ("highway_ref", "stretch"): ("highway_ref", "chainage_m", "end_chainage_m"),
    ("settlement_id",): ("settlement_id", "settlement_name"),
}


def whole_places(
    m: Measurements, tests: pl.Series, samples: pl.Series, by: Collection[str] = ()
) -> Measurements:
    """Return the rows of two masks, and all rows of the places that any of them lies in; with
    ``by`` (operators and the like), those of the same words only.

    A row that came with one of its places is not said to be of another, of which only a part came.
    """
    marked = [
        _placed(m, rows, inside, by) for rows, inside in ((m.tests, tests), (m.samples, samples))
    ]
    chosen = [
        _reached(rows, own, marked, by)
        for rows, own in zip((m.tests, m.samples), marked, strict=True)
    ]
    return replace(m, tests=chosen[0], samples=chosen[1])


def _placed(
    m: Measurements, rows: pl.DataFrame, inside: pl.Series, by: Collection[str]
) -> pl.DataFrame:
    return (
        with_drive(m, rows, by)
        .select(
            pl.col("highway_ref", "settlement_id", *by).cast(pl.String),
            stretch=(pl.col("chainage_m") / JUDGED_LENGTH_M).floor(),
            inside=inside,
        )
        .with_row_index("row")
    )


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
        present = [name for name in columns if name in rows.columns]
        whole = whole.with_columns(pl.when(here).then(pl.col(present)))
    return whole[pl.concat(taken).unique().sort()]
