"""The target board: every promise of the programme, what was found, and what is missing to say it.

Must not judge: :mod:`fieldsurvey.analysis.targets_board` does.
"""

from __future__ import annotations

from fieldsurvey.analysis.board_row import BoardRow, BoardVerdict
from fieldsurvey.analysis.programme import load_programme
from fieldsurvey.analysis.targets_board import board
from fieldsurvey.model.messages import Message, message
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.blocks import Block, Column, Paragraph, Row, Table
from fieldsurvey.report.blocks import Findings as FindingsBlock
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.wording import DASH, Wording

_MARKS = {
    BoardVerdict.MET: "above",
    BoardVerdict.NOT_MET: "below",
    BoardVerdict.NOT_ENOUGH: "undecided",
}


def board_rows(findings: Findings, places: Places | None) -> list[BoardRow]:
    """Judge the programme that ships."""
    return board(findings.m, load_programme(), places, findings.now_utc_us)


def board_summary(rows: list[BoardRow], wording: Wording) -> FindingsBlock:
    """Return how many promises have which verdict."""
    items = []
    for verdict, mark in _MARKS.items():
        number = sum(row.verdict is verdict for row in rows)
        word = wording.tr(f"analysis.board_{verdict.value}")
        said = wording.tr("report.promises", word=word, number=number, total=len(rows))
        items.append((mark, said))
    return FindingsBlock(tuple(items))


def board_table(rows: list[BoardRow], wording: Wording) -> list[Block]:
    """Return the board."""
    columns = (
        Column(wording.tr("report.col_promise"), 2.1),
        Column(wording.tr("report.col_verdict"), 1.2),
        Column(wording.tr("report.col_promised"), right=True),
        Column(wording.tr("report.col_found"), right=True),
        Column(wording.tr("report.col_evidence"), 1.2),
        Column(wording.tr("report.col_age"), 1.2),
        Column(wording.tr("report.col_target_version")),
    )
    cells = tuple(_row(row, wording) for row in rows)
    table = Table(columns, cells, wording.tr("report.board_table"), marked=True)
    return [table, Paragraph(wording.tr("report.board_note"), note=True)]


def _row(row: BoardRow, wording: Wording) -> Row:
    cells = (
        wording.say(row.text),
        wording.tr(f"analysis.board_{row.verdict.value}"),
        _value(row.target, row.unit, wording),
        _found(row, wording),
        _evidence(row, wording),
        wording.days(row.oldest_utc_us, row.newest_utc_us),
        row.target_version,
    )
    # Where nothing was found, a 0 would only look like a result.
    figures = {name: value for name, value in row.figures.items() if value or row.value is not None}
    notes = [_figure(name, value, wording) for name, value in figures.items()]
    if row.missing:
        notes.append(wording.tr("report.missing", what=_missing(row.missing, wording)))
    return Row(cells, _MARKS[row.verdict], ". ".join(note for note in notes if note))


def _value(value: float | None, unit: str, wording: Wording) -> str:
    """Return a number of the board with its unit."""
    if value is None:
        return DASH
    if unit == "share":
        return wording.percent(value)
    if unit == "bps":
        return f"{wording.mbps(value)} {wording.tr('report.mbps')}"
    return wording.tr("report.length_km", n=wording.number(value))


def _found(row: BoardRow, wording: Wording) -> str:
    found = _value(row.value, row.unit, wording)
    if row.value is None or row.low is None:
        return found
    if row.unit == "share":
        return f"{found}\n({wording.interval(row.low, row.high)})"
    low, high = (
        "…" if end is None else wording.mbps(end) if row.unit == "bps" else wording.number(end)
        for end in (row.low, row.high)
    )
    return f"{found}\n({low}–{high})"


def _missing(notes: tuple[Message, ...], wording: Wording) -> str:
    """Return what is missing; what is missing of several names, once for all of them."""
    names: dict[str, list[str]] = {}
    said: dict[str, Message] = {}
    for note in notes:
        key = note.id if "name" in note.args else str(note)
        said.setdefault(key, note)
        name = note.args.get("name", "")
        told = name.text(wording.language) if isinstance(name, Message) else str(name)
        names.setdefault(key, []).append(told)
    return "; ".join(
        wording.say(message(note.id, **{**note.args, "name": ", ".join(names[key])}))
        for key, note in said.items()
    )


def _evidence(row: BoardRow, wording: Wording) -> str:
    counts = {"tests": row.tests, "settlements": row.settlements, "km": row.km, "cells": row.cells}
    said = [
        wording.tr(f"report.evidence_{name}", number=wording.number(number))
        for name, number in counts.items()
        if number
    ]
    return ", ".join(said) or wording.tr("report.none")


def _figure(name: str, value: float | None, wording: Wording) -> str:
    """Return a further number in words; nothing where there is none."""
    if value is None:
        return ""
    if name.endswith(("_bps", "_bps_with_service")):
        shown = f"{wording.mbps(value)} {wording.tr('report.mbps')}"
    elif name.endswith("_us"):
        shown = f"{wording.milliseconds(value)} {wording.tr('report.ms')}"
    elif name.startswith("share_"):
        shown = wording.percent(value)
    else:
        shown = wording.number(value)
    return wording.tr(f"report.figure_{name}", value=shown)
