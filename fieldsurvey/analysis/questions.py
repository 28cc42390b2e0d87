"""The questions themselves: expressions over the archive's tables, written once for every engine.

They say what is computed and never where: nothing in here may name an engine, or use a function
that two of them understand differently. Hence whole numbers throughout, and quantiles by rank:
the p-th percentile of n rates is the smallest that at least p in a hundred do not exceed. It is a
rate that was measured, and of two in the middle the lower. (The engines' own quantiles interpolate,
sample or round, each in its way.)

What all of them share:

- Replayed drives are no evidence, nor drives of which it is not known yet (``replayed`` is null).
- A test without a completed download has no rate: it counts as failed, never as 0 bit/s. Tests that
  were cancelled or skipped say nothing of the network, and are left out.
- A row whose time is doubtful belongs to no day, and to no period that was asked for.
- ``operator`` is the drive's. ``technology`` is the modem's in that second; a test's is that of the
  second in which it began, or of the one before. "unknown" where the modem did not say.

Answers come in no order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis import _
from ibis.expr.types import Table, Value

from fieldsurvey.analysis.evidence import COLUMNS, Question
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.throughput import Outcome

US_PER_S = 1_000_000
DAY_US = 86_400 * US_PER_S
RATE_STEP_BPS = 10_000_000
GAP_US = 1_500_000  # seconds come a second apart; half of one is jitter

_DOUBTFUL = "doubtful"
_NOTHING = ibis.literal(0, "int64")
_NOT_TRIED = (Outcome.CANCELLED.value, Outcome.SKIPPED.value)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked about. ``first_utc_us``, ``end_utc_us``: from and (exclusive) to; None is
    open. ``resolution``: of H3, where cells are asked for."""

    resolution: int = 7
    first_utc_us: int | None = None
    end_utc_us: int | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Seconds and tests that count, each with ``operator``, ``technology`` and ``day_utc_us``
    (its beginning; null for a doubtful time)."""

    samples: Table
    tests: Table


def answer(question: Question, scope: Scope) -> Table:
    """Return the expression that answers, over tables named as in ``COLUMNS``."""
    return _ANSWERS[question](_evidence(scope), scope)


def cells(evidence: Evidence, scope: Scope) -> Table:
    """By cell, operator and technology: seconds, and what tests there say. ``cell`` is null for
    what has no position."""
    at = f"h3_{scope.resolution}"
    renamed = Evidence(
        evidence.samples.mutate(cell=_[at]),
        evidence.tests.mutate(cell=_[at]),
    )
    return _measured(renamed, ["cell", "operator", "technology"])


def days(evidence: Evidence, scope: Scope) -> Table:
    """By day in UTC, operator and technology: seconds, and what tests say."""
    return _measured(evidence, ["day_utc_us", "operator", "technology"])


def rates(evidence: Evidence, scope: Scope) -> Table:
    """Tests by download rate in steps of 10 Mbps (``from_bps``: the lower end), operator and
    technology. Tests without a rate are a step of their own, null."""
    step = _.download_bps - _.download_bps % RATE_STEP_BPS
    return (
        evidence.tests.mutate(from_bps=step)
        .group_by("from_bps", "operator", "technology")
        .aggregate(tests=_.count())
    )


def causes(evidence: Evidence, scope: Scope) -> Table:
    """Why there was no service in a second, and no rate of a test, by operator and technology;
    ``cause`` is null where none was recorded."""
    keys = ["cause", "operator", "technology"]
    seconds = (
        evidence.samples.filter(~_.reachable)
        .group_by(keys)
        .aggregate(seconds=_.count())
        .mutate(failed_tests=_NOTHING)
    )
    tests = (
        evidence.tests.filter(_.download_bps.isnull())
        .mutate(cause=ibis.coalesce(_.download_cause, _.cause))
        .group_by(keys)
        .aggregate(failed_tests=_.count())
        .select(*keys, seconds=_NOTHING, failed_tests=_.failed_tests)
    )
    return (
        seconds.union(tests)
        .group_by(keys)
        .aggregate(seconds=_.seconds.sum(), failed_tests=_.failed_tests.sum())
    )


def gaps(evidence: Evidence, scope: Scope) -> Table:
    """By drive: how much of its time no second tells of, in how many pieces, the longest.

    Seconds of doubtful time are counted and cannot tell.
    """
    dated = _.time_quality != _DOUBTFUL
    in_order = ibis.window(group_by=["drive_id", "dated"], order_by="ts_utc_us")
    stepped = evidence.samples.mutate(dated=dated).mutate(
        step_us=_.ts_utc_us - _.ts_utc_us.lag().over(in_order)
    )
    gap = _.dated & (_.step_us > GAP_US)
    return stepped.group_by("drive_id").aggregate(
        device=_.device.min(),
        seconds=_.count(),
        undated_seconds=_.count(where=~_.dated),
        gaps=_.count(where=gap),
        missing_us=(_.step_us - US_PER_S).sum(where=gap).fill_null(0),
        longest_us=(_.step_us - US_PER_S).max(where=gap).fill_null(0),
    )


def extent(evidence: Evidence, scope: Scope) -> Table:
    """One row: how much evidence, by how many, over which time and (fresh fixes only) where."""
    dated = _.time_quality != _DOUBTFUL
    placed = _.h3_9.notnull()
    return evidence.samples.aggregate(
        seconds=_.count(),
        placed_seconds=_.count(where=placed),
        devices=_.device.nunique(),
        drives=_.drive_id.nunique(),
        first_utc_us=_.ts_utc_us.min(where=dated),
        last_utc_us=_.ts_utc_us.max(where=dated),
        south_deg=_.fix_latitude_deg.min(where=placed),
        north_deg=_.fix_latitude_deg.max(where=placed),
        west_deg=_.fix_longitude_deg.min(where=placed),
        east_deg=_.fix_longitude_deg.max(where=placed),
    )


_ANSWERS: dict[Question, Callable[[Evidence, Scope], Table]] = {
    Question.CELLS: cells,
    Question.DAYS: days,
    Question.RATES: rates,
    Question.CAUSES: causes,
    Question.GAPS: gaps,
    Question.EXTENT: extent,
}


def _evidence(scope: Scope) -> Evidence:
    tables = {name: ibis.table(columns, name=name) for name, columns in COLUMNS.items()}
    samples, tests = (
        _in_scope(tables[name].filter(~_.replayed), scope) for name in ("samples", "tests")
    )
    operators = tables["drives"].group_by("drive_id").aggregate(operator=_.operator.max())
    tests = tests.filter(_.outcome.notin(_NOT_TRIED)).mutate(
        download_bps=(_.download_outcome == Outcome.COMPLETED.value).ifelse(
            _.download_bps, ibis.null("int64")
        )
    )
    tests = _with_technology(tests, samples)
    samples = (
        samples.mutate(technology=_known(_.radio_technology))
        .left_join(operators, "drive_id")
        .drop("drive_id_right")
    )
    if scope.operator is not None:
        samples, tests = (one.filter(_.operator == scope.operator) for one in (samples, tests))
    return Evidence(samples, tests)


def _in_scope(table: Table, scope: Scope) -> Table:
    """Keep the rows of the period; add the beginning of their day."""
    day_utc_us = (_.time_quality == _DOUBTFUL).ifelse(
        ibis.null("int64"), _.ts_utc_us - _.ts_utc_us % DAY_US
    )
    table = table.mutate(day_utc_us=day_utc_us)
    if scope.first_utc_us is not None:
        table = table.filter(_.day_utc_us.notnull() & (_.ts_utc_us >= scope.first_utc_us))
    if scope.end_utc_us is not None:
        table = table.filter(_.day_utc_us.notnull() & (_.ts_utc_us < scope.end_utc_us))
    return table


def _with_technology(tests: Table, samples: Table) -> Table:
    """Look up what the modem said when a test began. Only seconds with a test are grouped: they
    are few. Where a second came twice, the lesser technology counts."""
    second = _.ts_utc_us - _.ts_utc_us % US_PER_S
    tests = tests.mutate(second=second)
    now = tests.select("drive_id", "second")
    wanted = now.union(now.mutate(second=_.second - US_PER_S)).distinct()
    told = (
        samples.select("drive_id", "radio_technology", second=second)
        .inner_join(wanted, ["drive_id", "second"])
        .group_by("drive_id", "second")
        .aggregate(technology=_.radio_technology.min())
    )
    before = told.select("drive_id", "technology", second=_.second + US_PER_S)
    tests = tests.left_join(told, ["drive_id", "second"]).drop("drive_id_right", "second_right")
    tests = tests.left_join(
        before.rename(technology_before="technology"), ["drive_id", "second"]
    ).drop("drive_id_right", "second_right")
    return tests.mutate(technology=_known(ibis.coalesce(_.technology, _.technology_before)))


def _known(technology: Value) -> Value:
    return technology.fill_null(RadioTechnology.UNKNOWN.value)


def _measured(evidence: Evidence, keys: list[str]) -> Table:
    """Join what seconds and tests say by ``keys``, through a union: keys may be null, which joins
    do not match and groups do."""
    seconds = evidence.samples.group_by(keys).aggregate(
        seconds=_.count(), seconds_with_service=_.count(where=_.reachable)
    )
    ranked = evidence.tests.group_by([*keys, _.download_bps.isnull().name("failed")]).mutate(
        rank=ibis.row_number().over(order_by=_.download_bps) + 1,
        rated=_.download_bps.count(),
    )
    tests = ranked.group_by(keys).aggregate(
        tests=_.count(),
        failed_tests=_.count(where=_.download_bps.isnull()),
        p10_bps=_.download_bps.max(where=_ranked(10)),
        median_bps=_.download_bps.max(where=_ranked(50)),
    )
    amounts = {name: "int64" for name in (*seconds.columns, *tests.columns) if name not in keys}
    both = _widened(seconds, keys, amounts).union(_widened(tests, keys, amounts))
    return both.group_by(keys).aggregate(
        **{name: _[name].max() for name in amounts},
    )


def _ranked(percent: int) -> Value:
    """Whether a row's rank is that of the percentile: p·n/100, rounded up."""
    share = _.rated * percent
    return (_.rank * 100 >= share) & ((_.rank - 1) * 100 < share)


def _widened(table: Table, keys: list[str], amounts: dict[str, str]) -> Table:
    have = table.columns
    return table.select(
        *keys,
        **{name: _[name].cast("int64") if name in have else ibis.null("int64") for name in amounts},
    )
