"""A row of the target board, and how a share becomes one."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.programme import Programme
from fieldsurvey.analysis.register import Register
from fieldsurvey.analysis.sentence import grouped
from fieldsurvey.analysis.sequential import share_interval
from fieldsurvey.model.messages import Message, message


class BoardVerdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_ENOUGH = "not_enough_data"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One promise. ``value`` and its 95 % interval are in ``unit``: "share" (0 to 1), "bps", "km";
    None where there is nothing to say. ``figures`` are further numbers by name."""

    id: str
    text: Message
    target_version: str
    verdict: BoardVerdict = BoardVerdict.NOT_ENOUGH
    unit: str = "share"
    target: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    tests: int = 0  # evidence
    settlements: int = 0
    km: int = 0
    cells: int = 0
    oldest_utc_us: int | None = None
    newest_utc_us: int | None = None
    figures: dict[str, float | None] = field(default_factory=dict)
    missing: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What each row is judged from."""

    m: Measurements
    programme: Programme
    places: Register | None
    now_utc_us: int


def of_share(found: BoardRow, yes: int, no: int, total: int | None, share: float) -> BoardRow:
    """Judge a share of ``total`` places (None: not known) of which ``yes`` have it, ``no`` not."""
    found = replace(found, target=share, figures={"yes": float(yes), "no": float(no)})
    if yes + no == 0:
        return found
    low, high = (float(end[0]) for end in share_interval(np.array([yes]), np.array([no])))
    if total is not None:
        low, high = max(low, yes / total), min(high, 1 - no / total)
    return replace(
        found, verdict=verdict_of(low, high, share), value=yes / (yes + no), low=low, high=high
    )


def verdict_of(low: float, high: float, target: float) -> BoardVerdict:
    """Compare an interval with what was promised."""
    if low >= target:
        return BoardVerdict.MET
    return BoardVerdict.NOT_MET if high < target else BoardVerdict.NOT_ENOUGH


def settlements_lacking(number: int, total: int) -> Message:
    """Say of how many settlements nothing is decided."""
    return message("analysis.missing_settlements", number=grouped(number), total=grouped(total))


def known_settlements(rows: pl.DataFrame, places: Register | None) -> tuple[pl.DataFrame, int]:
    """Return the rows whose settlements ``places`` knows, and how many settlements it does not: a
    share of the whole is not of what lies outside it. Without ``places`` all rows."""
    if places is None:
        return rows, 0
    ids = pl.Series(places.settlements().id, dtype=pl.String)
    strange = ~pl.col("settlement_id").cast(pl.String).is_in(ids.implode())
    return rows.filter(~strange), rows.filter(strange)["settlement_id"].n_unique()


def settlements_unknown(number: int) -> tuple[Message, ...]:
    """Say of how many settlements the places file knows nothing; nothing where there are none."""
    if not number:
        return ()
    return (message("analysis.missing_strange_settlements", number=grouped(number)),)


def with_times(found: BoardRow, rows: pl.DataFrame, oldest: str, newest: str) -> BoardRow:
    """Say how old the evidence is, by two columns of times."""
    return replace(
        found,
        oldest_utc_us=rows[oldest].min(),  # type: ignore[arg-type]
        newest_utc_us=rows[newest].max(),  # type: ignore[arg-type]
    )
