"""All that a report has to say, as tables: what was judged, what counts, what was left out and why.

Every number of a report comes from here, so that its pages cannot contradict each other. Must not
choose words, nor draw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import polars as pl

from fieldsurvey.analysis.cells import JUDGED_RESOLUTION, judge_cells
from fieldsurvey.analysis.judging import counted_tests
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope, of_one, training
from fieldsurvey.analysis.settlements import judge_settlements
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.analysis.whole_places import NOWHERE, ON_HIGHWAY
from fieldsurvey.model.tally import Result
from fieldsurvey.report.subject import Highway, Programme, Settlement, Subject, of_subject

SHOWN_LENGTH_M = 1_000
BY = ("operator",)
BY_IN_SETTLEMENTS = ("operator", "access_type")


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """``m``: the evidence in scope of the subject. ``tests``: those that count and are fresh, in
    order of time, with ``on_highway``, ``in_settlement`` and ``elsewhere``: of which places they
    are a pass (a village on a highway has tests that are one of both).

    ``stretches``, ``kilometres``, ``settlements`` and ``cells`` (of what lies on no highway and in
    no settlement) are judged places; texts are plain in all tables. ``left_out``: reason → tests,
    without zeros. ``asked``: tests that there are in scope, counted or not. ``operators``: most
    tests first; None where not recorded."""

    subject: Subject
    m: Measurements
    tests: pl.DataFrame
    stretches: pl.DataFrame
    kilometres: pl.DataFrame
    settlements: pl.DataFrame
    cells: pl.DataFrame
    left_out: dict[str, int]
    asked: int
    operators: tuple[str | None, ...]
    judged_by: JudgedBy
    scope: Scope
    now_utc_us: int
    trained: bool

    @property
    def empty(self) -> bool:
        """Nothing was measured here, not even driven."""
        return not (len(self.m.tests) or len(self.m.samples))

    def digest(self) -> str:
        """Return what the tests that count came to as 16 hex digits: two reports on the same
        evidence have the same. SHA-256 over id, result and rate of each, sorted."""
        said = self.tests.select(
            pl.concat_str(
                "test_id", "result", pl.col("compared_bps").cast(pl.String).fill_null(""),
                separator="|",
            ).fill_null("")
        )  # fmt: skip
        return sha256("\n".join(sorted(said.to_series().to_list())).encode()).hexdigest()[:16]


def find(
    m: Measurements,
    subject: Subject,
    judged_by: JudgedBy,
    scope: Scope,
    now_utc_us: int,
    *,
    trained: bool = False,
) -> Findings:
    """Judge what a report on ``subject`` needs. ``trained``: of replayed drives alone."""
    there = scope.apply(of_subject(m, subject))
    counts = training(there) if trained else there.evidence()
    says = _plain(_counted(counts, subject, judged_by, now_utc_us))
    tests = says.filter(pl.col("counts") & pl.col("fresh"))
    return Findings(
        subject,
        counts,
        tests.sort("started_utc_us", "test_id", "row"),
        _plain(judge_stretches(counts, judged_by, now_utc_us=now_utc_us, by=BY)),
        _plain(
            judge_stretches(
                counts, judged_by, length_m=SHOWN_LENGTH_M, now_utc_us=now_utc_us, by=BY
            )
        ),
        _settlements(counts, subject, judged_by, now_utc_us),
        _cells(counts, subject, judged_by, now_utc_us),
        _left_out(there, counts, says, judged_by, trained),
        len(there.tests),
        _operators(counts, tests),
        judged_by,
        scope,
        now_utc_us,
        trained,
    )  # fmt: skip


def _counted(
    m: Measurements, subject: Subject, judged_by: JudgedBy, now_utc_us: int
) -> pl.DataFrame:
    """Return the tests that say something of their place. ``counts``: it is a pass of any place
    that the report judges, as those who judge them count, so that what is said of all tests is said
    of the same tests. ``passes``: it is one by time and distance, wherever it was.

    On a highway a car that waits is one look (:func:`fieldsurvey.analysis.independence`), in a
    village it may be many, and cells know only what lies nowhere else.
    """
    m = replace(m, tests=m.tests.with_row_index("row"))
    says = counted_tests(m, judged_by, now_utc_us)
    on_road = counted_tests(m, judged_by, now_utc_us, on_road=True).filter("counts", ON_HIGHWAY)
    in_cells = counted_tests(_nowhere(m), judged_by, now_utc_us).filter("counts")
    says = says.with_columns(
        passes=pl.col("counts"),
        on_highway=pl.col("row").is_in(on_road["row"].implode()),
        in_settlement=pl.col("counts") & pl.col("settlement_id").is_not_null(),
        elsewhere=pl.col("row").is_in(in_cells["row"].implode()),
    )
    match subject:
        case Highway():
            counts = pl.col("on_highway")
        case Settlement():
            counts = pl.col("in_settlement")
        case Programme():
            counts = pl.col("passes")  # the board's rows ask for no highway
        case _:
            counts = pl.any_horizontal("on_highway", "in_settlement", "elsewhere")
    return says.with_columns(counts=counts)


def _nowhere(m: Measurements) -> Measurements:
    """Return what lies on no highway and in no settlement."""
    return replace(m, tests=m.tests.filter(NOWHERE), samples=m.samples.filter(NOWHERE))


def _settlements(
    m: Measurements, subject: Subject, judged_by: JudgedBy, now_utc_us: int
) -> pl.DataFrame:
    """Judge settlements; none on a highway, which has but a part of their tests."""
    if isinstance(subject, Highway):
        m = m.of_drives(pl.Series([], dtype=pl.UInt32))
    return _plain(judge_settlements(m, judged_by, now_utc_us=now_utc_us, by=BY_IN_SETTLEMENTS))


def _cells(m: Measurements, subject: Subject, judged_by: JudgedBy, now_utc_us: int) -> pl.DataFrame:
    """Judge what lies on no highway and in no settlement; a part of a cell is no cell, so only
    where a report is about more than one place."""
    if isinstance(subject, Highway | Settlement):
        m = m.of_drives(pl.Series([], dtype=pl.UInt32))
    cells = judge_cells(
        _nowhere(m), judged_by, now_utc_us=now_utc_us, resolution=JUDGED_RESOLUTION, by=BY
    )
    return _plain(cells)


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    """Return words as text: two categories of different tables do not compare."""
    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def _operators(m: Measurements, tests: pl.DataFrame) -> tuple[str | None, ...]:
    of_tests = tests.group_by("operator").len()
    of_one_operator = of_one(m, m.samples.select("drive").unique(), ("operator",))
    driven = m.drives["operator"].gather(of_one_operator["drive"]).cast(pl.String)
    of_drives = driven.to_frame().with_columns(len=pl.lit(0, pl.get_index_type()))
    return tuple(
        pl.concat([of_tests, of_drives])
        .group_by("operator")
        .agg(pl.col("len").sum())
        .sort([pl.col("len"), pl.col("operator")], descending=[True, False], nulls_last=True)
        .get_column("operator")
    )


def _left_out(
    there: Measurements,
    counts: Measurements,
    says: pl.DataFrame,
    judged_by: JudgedBy,
    trained: bool,
) -> dict[str, int]:
    """Count what does not count, by the first reason that holds."""
    other_target = (pl.col("result") != Result.NO_SERVICE.value) & ~(
        (pl.col("target_id") == judged_by.target_id)
        & (pl.col("target_bps") == judged_by.rate_bps)
    ).fill_null(value=False)  # fmt: skip
    uncounted = says.filter(~pl.col("counts"))
    strange = len(uncounted.filter(other_target))
    waited = len(uncounted.filter(~other_target & pl.col("passes") & ON_HIGHWAY))
    found = {
        "recorded" if trained else "replayed": len(there.tests) - len(counts.tests),
        "other_target": strange,
        "waited": waited,
        "too_close": len(uncounted) - strange - waited,
        "old": len(says.filter(pl.col("counts") & ~pl.col("fresh"))),
    }
    silent = counts.tests["result"].cast(pl.String).value_counts()
    by_result = dict(silent.iter_rows())
    for word in (
        Result.FAILED, Result.SELF_LIMITED, Result.UNJUDGED, Result.CANCELLED, Result.SKIPPED,
        Result.REPEATED,
    ):  # fmt: skip
        found[word.value] = by_result.get(word.value, 0)
    return {reason: number for reason, number in found.items() if number}
