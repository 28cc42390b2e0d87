"""The target board as a table: every promise of the national programme with its evidence.

What cannot be known from the measurements says so in words; there is no number for it.
"""

from collections.abc import Callable, Sequence

import polars as pl

from fieldsurvey.analysis.board_row import BoardRow, BoardVerdict
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.table_model import Column, Row
from fieldsurvey.gui.workbench.words import day

_LOOKS = {
    BoardVerdict.MET: (Outlook.ABOVE, "wb_met"),
    BoardVerdict.NOT_MET: (Outlook.BELOW, "wb_not_met"),
    BoardVerdict.NOT_ENOUGH: (Outlook.UNDECIDED, "wb_word_undecided"),
}
_EVIDENCE = ("tests", "settlements", "km", "cells")

Promise = Callable[[int], BoardRow]


def board_frame(board: Sequence[BoardRow]) -> pl.DataFrame:
    """Return what the table sorts by; ``number`` is the promise's place on the board."""
    return pl.DataFrame(
        {
            "number": range(len(board)),
            "verdict": [row.verdict.value for row in board],
            "value": [row.value for row in board],
            "newest_utc_us": [row.newest_utc_us for row in board],
        },
        schema={
            "number": pl.Int64(), "verdict": pl.String(), "value": pl.Float64(),
            "newest_utc_us": pl.Int64(),
        },
    )  # fmt: skip


def _amount(texts: Texts, unit: str, value: float | None) -> str:
    if value is None:
        return ""
    match unit:
        case "share":
            return f"{texts.number(int(1000 * value + 1e-9) / 10, 1)}\u00a0%"
        case "bps":
            return f"{texts.rate(value / 1e6)} {texts.tr('mbps')}"
    return texts.tr("wb_km", km=texts.number(int(value)))


def _interval(texts: Texts, row: BoardRow) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_amount(texts, row.unit, row.low)} – {_amount(texts, row.unit, row.high)}"


def _evidence(texts: Texts, row: BoardRow) -> str:
    return ", ".join(
        texts.tr(f"wb_evidence_{name}", n=texts.number(getattr(row, name)))
        for name in _EVIDENCE
        if getattr(row, name)
    )


def board_columns(promise: Promise) -> tuple[Column, ...]:
    """Return the columns of the board."""

    def column(
        title_id: str, text: Callable[[Texts, BoardRow], str], sort: str = "number"
    ) -> Column:
        return Column(title_id, lambda texts, row: text(texts, promise(row["number"])), sort)

    def sign(row: Row) -> Outlook:
        return _LOOKS[promise(row["number"]).verdict][0]

    return (
        column("wb_col_promise", lambda texts, row: texts.say(row.text)),
        Column(
            "wb_col_verdict",
            lambda texts, row: texts.tr(_LOOKS[promise(row["number"]).verdict][1]),
            "verdict",
            sign=sign,
        ),
        column("wb_col_value", lambda texts, row: _amount(texts, row.unit, row.value), "value"),
        column("wb_col_interval_95", _interval, "value"),
        column("wb_col_goal", lambda texts, row: _amount(texts, row.unit, row.target)),
        column("wb_col_evidence", _evidence),
        column(
            "wb_col_newest",
            lambda _texts, row: "" if row.newest_utc_us is None else day(row.newest_utc_us),
            "newest_utc_us",
        ),
        column("wb_col_missing", lambda texts, row: "; ".join(map(texts.say, row.missing))),
        column("wb_col_version", lambda _texts, row: row.target_version),
    )
