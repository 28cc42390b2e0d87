"""The first page: what a minister reads. Sentences that can be defended, kilometres, the map.

Must not say what a later page does not bear out.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fieldsurvey.analysis.scope import BY, Scope
from fieldsurvey.analysis.sentence import settlement_sentence, verdict_sentence
from fieldsurvey.places.places_file import Places
from fieldsurvey.report.blocks import Block, Facts, Paragraph
from fieldsurvey.report.blocks import Findings as FindingsBlock
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.kilometres import Stretch
from fieldsurvey.report.places_tables import access, operator_name, position, settlement_names
from fieldsurvey.report.runs import run_sentence, runs_of
from fieldsurvey.report.subject import (
    Box,
    Everything,
    Highway,
    Programme,
    Selection,
    Settlement,
    Subject,
)
from fieldsurvey.report.tests_pages import technology
from fieldsurvey.report.wording import Wording

MOST_SENTENCES = 8
_URGENCY = {"below": 0, "above": 1, "undecided": 2}


def title_of(subject: Subject, places: Places | None, wording: Wording) -> str:
    """Return what a report is about, in words."""
    match subject:
        case Highway():
            if subject.from_m is None and subject.to_m is None:
                return subject.ref
            first, last = wording.km(subject.from_m or 0.0), wording.km(subject.to_m)
            return wording.tr("report.title_highway", ref=subject.ref, from_km=first, to_km=last)
        case Settlement():
            names = settlement_names(places, wording)
            return names.get(subject.settlement_id) or subject.name or subject.settlement_id
        case Box():
            corners = (subject.south_deg, subject.west_deg, subject.north_deg, subject.east_deg)
            south, west, north, east = (wording.number(value, 2) for value in corners)
            return wording.tr("report.title_box", south=south, west=west, north=north, east=east)
        case Everything():
            return wording.tr("report.title_everything")
        case Selection():
            return wording.tr("report.title_selection")
        case Programme():
            return wording.tr("report.title_programme")


def subtitle(findings: Findings, wording: Wording) -> str:
    """Return the question that the report answers."""
    rule = findings.judged_by
    if isinstance(findings.subject, Programme):
        return wording.tr("report.subtitle_programme")
    return wording.tr(
        "report.subtitle",
        mbps=wording.mbps(rule.rate_bps),
        layer=wording.tr(f"report.layer_{rule.layer.value}"),
        target=rule.target_id,
        version=rule.target_version,
    )


def whole_stretches(subject: Subject, wording: Wording) -> list[Block]:
    """Say that more is judged than was asked about, where a stretch reaches over the asked ends."""
    if not isinstance(subject, Highway) or subject.to_m is None:
        return []
    first, end = subject.judged_range_m()
    if (first, end) == (subject.from_m, subject.to_m):
        return []
    text = wording.tr("report.whole_stretches", from_km=wording.km(first), to_km=wording.km(end))
    return [Paragraph(text, note=True)]


def facts(findings: Findings, wording: Wording) -> Facts:
    """Return when, by whose networks, in which part, until when."""
    times = [
        value
        for table, column in ((findings.m.tests, "started_utc_us"), (findings.m.samples, "utc_us"))
        for value in (table[column].min(), table[column].max())
        if isinstance(value, int)
    ]
    measured = wording.days(min(times), max(times)) if times else wording.tr("report.never")
    operators = ", ".join(operator_name(operator, wording) for operator in findings.operators)
    return Facts((
        (wording.tr("report.fact_measured"), measured),
        (wording.tr("report.fact_operators"), operators or wording.tr("report.none")),
        (wording.tr("report.fact_filter"), _chosen(findings, wording)),
        (wording.tr("report.fact_as_of"), wording.minute(findings.now_utc_us)),
        (
            wording.tr("report.fact_tests"),
            wording.tr(
                "report.tests_counted",
                counted=wording.number(len(findings.tests)),
                asked=wording.number(findings.asked),
                digest=findings.digest(),
            ),
        ),
    ))  # fmt: skip


def _chosen(findings: Findings, wording: Wording) -> str:
    if isinstance(findings.subject, Selection):
        return "; ".join(findings.subject.said)
    return filter_text(findings.scope, wording)


def filter_text(scope: Scope, wording: Wording) -> str:
    """Return which part of the measurements was asked for, in words."""
    said = []
    for name in BY:
        words = getattr(scope, name)
        if words is not None:
            shown = [_word(name, word, wording) for word in words]
            said.append(f"{wording.tr(f'report.by_{name}')}: {', '.join(sorted(shown))}")
    if scope.first_utc_us is not None:
        said.append(wording.tr("report.since", time=wording.minute(scope.first_utc_us)))
    if scope.end_utc_us is not None:
        said.append(wording.tr("report.before", time=wording.minute(scope.end_utc_us)))
    return "; ".join(said) or wording.tr("report.no_filter")


def sentences(
    findings: Findings, stretches: Sequence[Stretch], places: Places | None, wording: Wording
) -> list[Block]:
    """Return what can be said of places, most pressing first, and how much more there is."""
    rate_bps = findings.judged_by.rate_bps
    names = settlement_names(places, wording)
    said = [
        (run[0].word, len(run), run_sentence(run, rate_bps, wording)) for run in runs_of(stretches)
    ]
    for row in findings.settlements.iter_rows(named=True):
        name = names.get(row["settlement_id"]) or row["settlement_name"]
        known = {**row, "settlement_name": name, "operator": _whose(row, wording)}
        said.append((row["verdict"], 1, settlement_sentence(known, rate_bps)))
    for row in findings.cells.filter(pl.col("tests") > 0).iter_rows(named=True):
        place = wording.tr("analysis.cell", position=position(row["cell"], wording))
        said.append((row["verdict"], 1, verdict_sentence(place, row, rate_bps)))
    said.sort(key=lambda one: _URGENCY[one[0]])
    if not said:
        return [Paragraph(wording.tr("report.nothing_to_judge"))]
    items = [(word, wording.say(text)) for word, _, text in said[:MOST_SENTENCES]]
    rest = said[MOST_SENTENCES:]
    blocks: list[Block] = [FindingsBlock(tuple(items))]
    if rest:
        counts = {
            word: wording.number(sum(number for own, number, _ in rest if own == word))
            for word in _URGENCY
        }
        blocks.append(Paragraph(wording.tr("report.further", **counts), note=True))
    return blocks


def _whose(row: dict[str, object], wording: Wording) -> str:
    """Return operator and access type: in a settlement both keep verdicts apart."""
    operator = operator_name(str(row["operator"]) if row["operator"] else None, wording)
    kind = access(str(row["access_type"]) if row["access_type"] else None, wording)
    return f"{operator}, {kind}"


def _word(name: str, word: str | None, wording: Wording) -> str:
    if word is None:
        return wording.tr("report.unknown")
    if name == "technology":
        return technology(word, wording)
    return access(word, wording) if name == "access_type" else word
