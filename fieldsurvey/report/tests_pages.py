"""Pages about single tests: along the road, their distribution, latency, and why there was none.

Only tests that count are drawn. Must not judge places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fieldsurvey.analysis.judging import YEAR_US
from fieldsurvey.analysis.ranks import ranked
from fieldsurvey.analysis.rates import FEWEST_RANKED
from fieldsurvey.analysis.scope import OF_LINKS, with_drive
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.tally import Result
from fieldsurvey.model.throughput import OWN_CAUSES
from fieldsurvey.report.blocks import Block, Column, Figure, Heading, Paragraph, Row, Table
from fieldsurvey.report.chart_svg import (
    MOST_MARKS,
    AlongRoad,
    Sorted,
    Spread,
    along_road,
    distribution,
    latencies,
)
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.places_tables import operator_name
from fieldsurvey.report.wording import Wording

WIDTH = 482.0  # points: 170 mm, what a page has between its margins
MOST_OPERATORS = 4


def along_pages(
    findings: Findings, ref: str, from_m: float, to_m: float, wording: Wording
) -> list[Block]:
    """Return the chart of rates along one highway."""
    tests = findings.tests.filter(
        (pl.col("highway_ref") == ref) & pl.col("chainage_m").is_not_null()
    )
    panels = []
    for operator, own in _by_operator(findings, tests):
        rate = pl.when(pl.col("result") != Result.NO_SERVICE.value).then("compared_bps")
        panels.append(
            AlongRoad(
                operator_name(operator, wording),
                own["chainage_m"].to_numpy(),
                own.select(rate.cast(pl.Float64).fill_null(float("nan"))).to_series().to_numpy(),
                own["result"].to_list(),
            )
        )
    if not panels:
        return [Paragraph(wording.tr("report.no_tests_here"))]
    ranked = any(len(panel.word) > MOST_MARKS for panel in panels)
    caption = wording.tr("report.along_caption")
    if ranked:
        caption += " " + wording.tr("report.along_ranked", number=wording.number(MOST_MARKS))
    svg = along_road(panels, from_m, to_m, findings.judged_by.rate_bps, WIDTH, wording)
    alt = wording.tr("report.along_alt", ref=ref, tests=len(tests))
    return [Figure(svg, alt, caption), *not_drawn(findings, wording)]


def distribution_pages(findings: Findings, wording: Wording) -> list[Block]:
    """Return the distribution of rates and of round trips, or what there is too little for."""
    curves, spreads = [], []
    for operator, own in _by_operator(findings, findings.tests):
        name = operator_name(operator, wording)
        rates = own.filter(pl.col("result") != Result.NO_SERVICE.value)["compared_bps"].drop_nulls()
        failed = len(own.filter(pl.col("result") == Result.NO_SERVICE.value))
        if len(rates) + failed >= FEWEST_RANKED:
            curves.append(Sorted(name, np.sort(rates.to_numpy().astype(float)), failed))
        for column, loaded in (("idle_latency_us", False), ("download_latency_us", True)):
            times = np.sort(own[column].drop_nulls().to_numpy().astype(float))
            times = times[times > 0]
            if len(times) >= FEWEST_RANKED:
                low, median, high = (ranked(times, percent) for percent in (10, 50, 90))
                spreads.append(Spread(name, loaded, low, median, high, len(times)))
    found: list[Block] = [Heading(wording.tr("report.distribution"))]
    few = Paragraph(wording.tr("report.fewer_than", number=FEWEST_RANKED))
    if any(len(curve.rate_bps) for curve in curves):
        svg = distribution(curves, findings.judged_by.rate_bps, WIDTH, wording)
        caption = wording.tr("report.distribution_caption")
        found.append(Figure(svg, wording.tr("report.distribution_alt"), caption))
    else:
        found.append(few)
    found += not_drawn(findings, wording)
    found.append(Heading(wording.tr("report.latency"), level=2))
    if spreads:
        svg = latencies(spreads, WIDTH, wording)
        caption = wording.tr("report.latency_caption")
        found.append(Figure(svg, wording.tr("report.latency_alt"), caption))
    else:
        found.append(few)
    return found


def cause_pages(findings: Findings, wording: Wording) -> list[Block]:
    """Return the causes of "no service": of tests that count, and of seconds."""
    tests = _counted(findings.tests.filter(pl.col("result") == Result.NO_SERVICE.value), "cause")
    asked = findings.m.samples.filter(
        pl.col("reachable").is_not_null(), pl.col("utc_us") >= findings.now_utc_us - YEAR_US
    )
    dead = asked.filter(~pl.col("reachable")).with_columns(pl.col("cause").cast(pl.String))
    # What our own side could not do says nothing of a network.
    own = pl.col("cause").is_in([cause.value for cause in OWN_CAUSES])
    seconds = _counted(dead.filter(~own.fill_null(value=False)), "cause")
    found: list[Block] = [Heading(wording.tr("report.no_service"))]
    if not tests and not seconds:
        looked = len(asked) > 0 or findings.tests["counts"].any()
        said = "report.service_everywhere" if looked else "report.service_not_asked"
        return [*found, Paragraph(wording.tr(said))]
    # The words last: of equal counts none comes first by chance.
    causes = sorted(
        tests | seconds, key=lambda word: (-tests.get(word, 0), -seconds.get(word, 0), word)
    )
    rows = tuple(
        Row((
            wording.tr(f"cause.{cause}") if cause else wording.tr("report.no_cause"),
            wording.number(tests.get(cause, 0)),
            wording.number(seconds.get(cause, 0)),
        ))
        for cause in causes
    )  # fmt: skip
    columns = (
        Column(wording.tr("report.col_cause"), 1),
        Column(wording.tr("report.col_tests"), right=True),
        Column(wording.tr("report.col_seconds"), right=True),
    )
    return [*found, Table(columns, rows, wording.tr("report.cause_table"))]


def radio_pages(findings: Findings, wording: Wording) -> list[Block]:
    """Return how long which radio technology was seen, and how long there was service."""
    seconds = findings.m.samples.filter(pl.col("utc_us") >= findings.now_utc_us - YEAR_US)
    if seconds.is_empty():
        return []
    whose = ["operator", "of_links"]
    # Seconds in which nobody asked speak neither for service nor against it.
    asked = ~pl.col("cause").cast(pl.String).is_in([cause.value for cause in OWN_CAUSES])
    kinds = (
        with_drive(findings.m, seconds, ("operator",))
        .with_columns(
            pl.col("operator", "technology").cast(pl.String),
            of_links=findings.m.drives[OF_LINKS["operator"]]
            .fill_null(value=False)
            .gather(seconds["drive"]),
        )
        .group_by(*whose, "technology")
        .agg(
            pl.len(),
            asked.fill_null(value=True).sum().alias("asked"),
            pl.col("reachable").sum().alias("reachable"),
        )
        .with_columns(share=pl.col("len") / pl.col("len").sum().over(whose))
        .sort(*whose, "len", "technology", descending=[False, False, True, False], nulls_last=True)
    )
    rows = tuple(
        Row((
            operator_name(row["operator"], wording, of_links=row["of_links"]),
            technology(row["technology"], wording),
            wording.number(row["len"]),
            wording.percent(row["share"]),
            wording.percent(row["reachable"] / row["asked"] if row["asked"] else None),
            wording.number(row["asked"]),
        ))
        for row in kinds.iter_rows(named=True)
    )  # fmt: skip
    columns = (
        Column(wording.tr("report.col_operator"), 1),
        Column(wording.tr("report.col_technology"), 1),
        Column(wording.tr("report.col_seconds"), right=True),
        Column(wording.tr("report.col_seconds_share"), right=True),
        Column(wording.tr("report.col_with_service"), right=True),
        Column(wording.tr("report.col_asked"), right=True),
    )
    heading = Heading(wording.tr("report.radio"))
    return [heading, Table(columns, rows, wording.tr("report.radio_table"))]


def technology(word: str | None, wording: Wording) -> str:
    """Return a radio technology in words; None where the modem did not tell."""
    if word is None:
        return wording.tr("report.technology_unknown")
    said = _TECHNOLOGIES.get(word)
    return word if said is None else wording.tr(said)


_TECHNOLOGIES = {
    RadioTechnology.UNKNOWN.value: "report.unknown",
    RadioTechnology.NONE.value: "report.technology_none",
}


def _counted(rows: pl.DataFrame, column: str) -> dict[str, int]:
    counts = rows.select(pl.col(column).fill_null("")).to_series().value_counts()
    return {str(word): int(number) for word, number in counts.iter_rows()}


def _by_operator(findings: Findings, tests: pl.DataFrame) -> list[tuple[str | None, pl.DataFrame]]:
    """Return the tests of the operators that have most of them, each with its own."""
    parts: list[tuple[str | None, pl.DataFrame]] = []
    for operator in findings.operators[:MOST_OPERATORS]:
        same: Any = pl.col("operator").eq_missing(pl.lit(operator))
        own = tests.filter(same)
        if len(own):
            parts.append((operator, own))
    return parts


def not_drawn(findings: Findings, wording: Wording) -> list[Block]:
    """Say of which operators there is no drawing; nothing where there is one of each."""
    rest = findings.operators[MOST_OPERATORS:]
    if not rest:
        return []
    names = ", ".join(operator_name(operator, wording) for operator in rest)
    return [Paragraph(wording.tr("report.operators_not_drawn", names=names), note=True)]
