"""Tables of judged places: every number beside the verdict it stands for.

Statistics of fewer than five tests are not printed. Must not leave a row out without saying so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fieldsurvey.analysis.rates import FEWEST_RANKED
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.blocks import Block, Column, Paragraph, Row, Table
from fieldsurvey.report.kilometres import Lengths, Stretch
from fieldsurvey.report.svg import NOT_DRIVEN
from fieldsurvey.report.wording import DASH, Wording

_One = TypeVar("_One")

MOST_ROWS = 400  # some 9 pages
_URGENCY = {"below": 0, "undecided": 1, "above": 2, NOT_DRIVEN: 3}


def operator_name(operator: str | None, wording: Wording, *, of_links: bool = False) -> str:
    """Return the operator in words. ``of_links``: of a drive that has none of its own, because its
    links have: those were recorded."""
    return operator or wording.tr("report.of_links" if of_links else "report.no_operator")


def stretch_table(stretches: Sequence[Stretch], wording: Wording, *, with_ref: bool) -> list[Block]:
    """Return the table of judged stretches, in order of the road."""
    order = sorted(stretches, key=lambda one: (one.ref, one.from_m))
    chosen, note = _shortened(order, [one.word for one in order], wording)
    rows = []
    for one in chosen:
        place = f"{wording.km(one.from_m)}–{wording.km(one.to_m)}"
        first = f"{one.ref}, {place}" if with_ref else place
        name = operator_name(one.operator, wording)
        rows.append(Row((first, name, *_verdict_cells(one.row, wording)), one.word))
    columns = (
        Column(wording.tr("report.col_stretch")),
        Column(wording.tr("report.col_operator"), 1.2),
        *_verdict_columns(wording),
    )
    return [Table(columns, tuple(rows), wording.tr("report.stretch_table"), marked=True), *note]


def settlement_table(
    rows: Sequence[Mapping[str, Any]], places: Places | None, wording: Wording
) -> list[Block]:
    """Return the table of judged settlements, by name."""
    names = settlement_names(places, wording)
    named = sorted(
        (names.get(row["settlement_id"]) or row["settlement_name"] or row["settlement_id"], n)
        for n, row in enumerate(rows)
    )
    order = [(name, rows[n]) for name, n in named]
    chosen, note = _shortened(order, [row["verdict"] for _, row in order], wording)
    cells = [
        Row(
            (
                name,
                operator_name(row["operator"], wording),
                access(row["access_type"], wording),
                *_verdict_cells(row, wording),
            ),
            row["verdict"],
        )
        for name, row in chosen
    ]
    columns = (
        Column(wording.tr("report.col_settlement"), 1.3),
        Column(wording.tr("report.col_operator"), 1.3),
        Column(wording.tr("report.col_access")),
        *_verdict_columns(wording),
    )
    caption = wording.tr("report.settlement_table")
    return [Table(columns, tuple(cells), caption, marked=True), *note]


def cell_table(rows: Sequence[Mapping[str, Any]], wording: Wording) -> list[Block]:
    """Return the table of judged map cells that have tests, by their names."""
    tested = [row for row in rows if row["tests"]]
    chosen, note = _shortened(tested, [row["verdict"] for row in tested], wording)
    if len(tested) < len(rows):
        number = wording.number(len(rows) - len(tested))
        note.append(Paragraph(wording.tr("report.cells_only_driven", number=number), note=True))
    if not tested:
        return note
    cells = [
        Row(
            (
                f"{position(row['cell'], wording)}\n{row['cell']:x}",
                operator_name(row["operator"], wording),
                *_verdict_cells(row, wording),
            ),
            row["verdict"],
        )
        for row in chosen
    ]
    columns = (
        Column(wording.tr("report.col_cell")),
        Column(wording.tr("report.col_operator"), 1.2),
        *_verdict_columns(wording),
    )
    return [Table(columns, tuple(cells), wording.tr("report.cell_table"), marked=True), *note]


def lengths_table(lengths: Sequence[Lengths], wording: Wording, *, with_ref: bool) -> Table:
    """Return kilometres by verdict, a row per highway and operator."""
    rows = []
    for one in lengths:
        cells = [operator_name(one.operator, wording)]
        if with_ref:
            cells.insert(0, one.ref)
        for word, metres in one.metres.items():
            unknown = word == NOT_DRIVEN and not one.known
            cells.append(wording.tr("report.unknown") if unknown else wording.km(metres))
        cells += [wording.number(one.tests), wording.number(one.no_service)]
        rows.append(Row(tuple(cells)))
    columns = [
        Column(wording.tr("report.col_operator"), 1),
        *(Column(wording.tr(f"report.km_{word}"), 0, right=True) for word in _KM),
        Column(wording.tr("report.col_tests_counted"), right=True),
        Column(wording.tr("report.col_no_service"), right=True),
    ]
    if with_ref:
        columns.insert(0, Column(wording.tr("report.col_highway")))
    return Table(tuple(columns), tuple(rows), wording.tr("report.lengths_table"))


_KM = ("above", "below", "undecided", NOT_DRIVEN)


def settlement_names(places: Places | None, wording: Wording) -> dict[str, str]:
    """Return id → name in the language of the report."""
    return {} if places is None else places.settlements().names_in(wording.language)


def position(cell: int, wording: Wording) -> str:
    """Return where the middle of a map cell lies."""
    from h3.api.basic_int import cell_to_latlng

    latitude, longitude = (wording.number(value, 3) for value in cell_to_latlng(cell))
    return f"{latitude}°; {longitude}°"


def access(word: str | None, wording: Wording, *, of_links: bool = False) -> str:
    """Return an access type in words. ``of_links``: as in :func:`operator_name`."""
    if of_links and not word:
        return wording.tr("report.of_links")
    return wording.tr(f"report.access_{(word or 'unknown').replace('-', '_')}")


def _verdict_columns(wording: Wording) -> tuple[Column, ...]:
    return (
        Column(wording.tr("report.col_verdict"), 1.7),
        Column(wording.tr("report.col_tests"), right=True),
        Column(wording.tr("report.col_results"), right=True),
        Column(wording.tr("report.col_share"), right=True),
        Column(wording.tr("report.col_median"), right=True),
        Column(wording.tr("report.col_p10"), right=True),
        Column(wording.tr("report.col_needed"), right=True),
        Column(wording.tr("report.col_newest"), right=True),
    )


def _verdict_cells(row: Mapping[str, Any] | None, wording: Wording) -> tuple[str, ...]:
    if row is None:
        return (wording.tr("report.word_not_driven"), *[DASH] * 7)
    verdict = "stale" if row["stale"] else row["verdict"]
    judged = row["above"] + row["below"] + row["no_service"]
    few = wording.tr("report.too_few")
    share = DASH
    if judged >= FEWEST_RANKED:
        interval = wording.interval(row["share_low"], row["share_high"])
        share = f"{wording.percent(row['share_above'])} ({interval})"
    elif row["tests"]:
        share = few
    hidden = few if row["tests"] else DASH
    # A rank that falls among tests without service has no rate.
    ranked = wording.tr("report.rank_no_service") if row["tests"] >= FEWEST_RANKED else hidden
    counts = ("above", "below", "no_service", "undecided_tests")
    return (
        wording.tr(f"report.word_{verdict}"),
        wording.number(row["tests"]),
        " / ".join(str(row[name]) for name in counts) if row["tests"] else DASH,
        share,
        ranked if row["median_bps"] is None else wording.mbps(row["median_bps"]),
        ranked if row["p10_bps"] is None else wording.mbps(row["p10_bps"]),
        wording.number(row["tests_needed"]) if row["verdict"] == "undecided" else DASH,
        wording.day(row["newest_utc_us"]),
    )


def _shortened(
    rows: Sequence[_One], words: Sequence[str], wording: Wording
) -> tuple[list[_One], list[Block]]:
    """Keep the most urgent of too many rows, in their order, and say how many are not printed."""
    if len(rows) <= MOST_ROWS:
        return list(rows), []
    urgent = sorted(range(len(rows)), key=lambda n: (_URGENCY[words[n]], n))[:MOST_ROWS]
    text = wording.tr(
        "report.rows_left_out", printed=wording.number(MOST_ROWS), total=wording.number(len(rows))
    )
    return [rows[n] for n in sorted(urgent)], [Paragraph(text, note=True)]
