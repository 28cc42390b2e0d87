"""Kilometres by verdict: what is above, below, open, and what nobody drove.

They add up to the length of the highway. Must not choose words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.roads import Roads
from fieldsurvey.report.subject import Box, Highway, Settlement
from fieldsurvey.report.svg import NOT_DRIVEN

WORDS = ("above", "below", "undecided", NOT_DRIVEN)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of one operator. ``row`` is that of the judged stretches; None: not driven."""

    ref: str
    operator: str | None
    from_m: float
    to_m: float  # where the road ends, if before the stretch does
    row: Mapping[str, Any] | None

    @property
    def word(self) -> str:
        return NOT_DRIVEN if self.row is None else str(self.row["verdict"])


@dataclass(frozen=True, slots=True)
class Lengths:
    """Metres of one highway and operator by word. ``known``: how much was not driven is known."""

    ref: str
    operator: str | None
    metres: Mapping[str, float]
    tests: int
    no_service: int
    known: bool


def highways_of(findings: Findings, roads: Roads) -> list[str]:
    """Return the numbers that a report has to speak of, driven or not."""
    subject = findings.subject
    if isinstance(subject, Highway):
        return [subject.ref]
    if isinstance(subject, Settlement):
        return []
    measured = set(findings.stretches["highway_ref"].to_list())
    return sorted(measured | set(roads.refs(subject) if isinstance(subject, Box) else ()))


def stretches_of(findings: Findings, roads: Roads, ref: str) -> list[Stretch]:
    """Return the stretches of a highway, each operator's one after the other."""
    own = findings.stretches.filter(pl.col("highway_ref") == ref)
    expected = roads.expected(findings.subject, ref) or []
    found = []
    for operator in findings.operators:
        rows = {
            row["from_m"]: row
            for row in own.filter(pl.col("operator").eq_missing(pl.lit(operator))).iter_rows(
                named=True
            )
        }
        for start in sorted({*expected, *rows}):
            end = float(start + JUDGED_LENGTH_M)
            if start in expected and (last := roads.end_m(ref)) is not None:
                end = min(end, last)
            found.append(Stretch(ref, operator, start, end, rows.get(start)))
    return found


def lengths_of(findings: Findings, roads: Roads, ref: str) -> list[Lengths]:
    """Return the sums of :func:`stretches_of`, one per operator."""
    known = roads.expected(findings.subject, ref) is not None
    all_stretches = stretches_of(findings, roads, ref)
    found = []
    for operator in findings.operators:
        own = [stretch for stretch in all_stretches if stretch.operator == operator]
        metres = dict.fromkeys(WORDS, 0.0)
        for stretch in own:
            metres[stretch.word] += stretch.to_m - stretch.from_m
        rows = [stretch.row for stretch in own if stretch.row is not None]
        found.append(
            Lengths(
                ref, operator, metres, sum(row["tests"] for row in rows if not row["stale"]),
                sum(row["no_service"] for row in rows if not row["stale"]), known,
            )
        )  # fmt: skip
    return found


def in_all(lengths: Sequence[Lengths]) -> list[Lengths]:
    """Return the sums over all highways, one per operator."""
    by_operator: dict[str | None, list[Lengths]] = {}
    for one in lengths:
        by_operator.setdefault(one.operator, []).append(one)
    return [
        Lengths(
            "",
            operator,
            {word: sum(one.metres[word] for one in own) for word in WORDS},
            sum(one.tests for one in own),
            sum(one.no_service for one in own),
            all(one.known for one in own),
        )
        for operator, own in by_operator.items()
    ]
