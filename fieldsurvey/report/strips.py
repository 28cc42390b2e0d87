"""Strips of a highway: how many lines of road, and what each shows. Must not draw."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fieldsurvey.report.blocks import Block, Figure, Heading, Paragraph
from fieldsurvey.report.findings import SHOWN_LENGTH_M, Findings
from fieldsurvey.report.kilometres import Stretch
from fieldsurvey.report.places_tables import operator_name
from fieldsurvey.report.strip_svg import Band, draw_strip
from fieldsurvey.report.svg import NOT_DRIVEN
from fieldsurvey.report.tests_pages import WIDTH
from fieldsurvey.report.wording import Wording

_LINE_M = 100_000.0
_LONG_LINE_M = 200_000.0
_LONG_M = 1_000_000.0  # of such a highway, lines are longer


def strip_pages(
    findings: Findings, stretches: Sequence[Stretch], wording: Wording, *, titled: bool
) -> list[Block]:
    """Return the strips of one highway, a hundred kilometres a line; lines that nobody drove are
    said in words."""
    ref = stretches[0].ref
    first = min(one.from_m for one in stretches)
    last = max(one.to_m for one in stretches)
    line_m = _LONG_LINE_M if last - first > _LONG_M else _LINE_M
    line_m = min(line_m, last - first)
    shown = findings.kilometres.filter(pl.col("highway_ref") == ref)
    blocks: list[Block] = [Heading(ref, level=2)] if titled else []
    empty: list[tuple[float, float]] = []
    start = first
    while start < last:
        end = min(start + line_m, last)
        bands = [
            band
            for operator in findings.operators
            if (band := _band(operator, stretches, shown, start, end, wording)) is not None
        ]
        if any(word != NOT_DRIVEN for band in bands for word, *_ in band.judged):
            alt = wording.tr(
                "report.strip_alt", ref=ref, from_km=wording.km(start), to_km=wording.km(end)
            )
            blocks.append(Figure(draw_strip(bands, start, end, line_m, WIDTH, wording), alt))
        elif empty and empty[-1][1] == start:
            empty[-1] = (empty[-1][0], end)
        else:
            empty.append((start, end))
        start = end
    for from_m, to_m in empty:
        text = wording.tr(
            "report.nobody_drove", ref=ref, from_km=wording.km(from_m), to_km=wording.km(to_m)
        )
        blocks.append(Paragraph(text, note=True))
    return blocks


def _band(
    operator: str | None, stretches: Sequence[Stretch], shown: pl.DataFrame, start: float,
    end: float, wording: Wording,
) -> Band | None:  # fmt: skip
    own = [
        one
        for one in stretches
        if one.operator == operator and one.from_m < end and one.to_m > start
    ]
    if not own:
        return None
    kilometres = shown.filter(
        pl.col("operator").eq_missing(pl.lit(operator))
        & (pl.col("from_m") >= start - SHOWN_LENGTH_M + 1)
        & (pl.col("from_m") < end)
    )
    return Band(
        operator_name(operator, wording),
        [(one.word, one.from_m, one.to_m) for one in own],
        [(tests > 0, first, last) for first, last, tests in
         kilometres.select("from_m", "to_m", "tests").iter_rows()],
    )  # fmt: skip
