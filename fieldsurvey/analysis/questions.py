"""The questions themselves: expressions over the archive's tables, written once for every engine.

They say what is computed and never where: nothing in here may name an engine, or use a function
that two of them understand differently. Hence whole numbers throughout, and quantiles by rank:
the p-th percentile of n rates is the smallest that at least p in a hundred do not exceed. It is a
rate that was measured, and of two in the middle the lower. (The engines' own quantiles interpolate,
sample or round, each in its way.)

What all of them share:

- Replayed drives are no evidence, nor drives of which it is not known yet (``replayed`` is null).
- A test without a completed download has no rate: it counts as failed, never as 0 bit/s. Tests that
  were cancelled, skipped or never meant to download say nothing of the rate, and are left out.
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
_BY = ("operator", "technology")
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
    """Seconds and tests that count, each with ``operator`` and ``day_utc_us`` (its beginning; null
    for a doubtful time), tests with ``technology``."""

    samples: Table
    tests: Table


def answer(question: Question, scope: Scope) -> Table:
    """Return the expression that answers, over tables named as in ``COLUMNS``."""
    return _ANSWERS[question](_evidence(scope), scope)


def coverage(evidence: Evidence, scope: Scope) -> Table:
    """By cell, operator and technology: seconds, and those of them with service. ``cell`` is null
    for what has no position."""
    return _seconds(evidence.samples.mutate(cell=_[_cell(scope)]), "cell")


def speed(evidence: Evidence, scope: Scope) -> Table:
    """By cell, operator and technology: tests, and the rates of those that have one."""
    return _tests(evidence.tests.mutate(cell=_[_cell(scope)]), "cell")


def days(evidence: Evidence, scope: Scope) -> Table:
    """By day in UTC, operator and technology: what :func:`coverage` and :func:`speed` count; null
    is a count of what nobody tried."""
    seconds, tests = _seconds(evidence.samples, "day_utc_us"), _tests(evidence.tests, "day_utc_us")
    # Through a union: the keys may be null, which joins do not match and groups do.
    keys = ["day_utc_us", *_BY]
    figures = [name for name in (*seconds.columns, *tests.columns) if name not in keys]
    both = _widened(seconds, keys, figures).union(_widened(tests, keys, figures))
    return both.group_by(keys).aggregate(**{name: _[name].max() for name in figures})


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
    keys = ["cause", *_BY]
    seconds = (
        evidence.samples.filter(~_.reachable)
        .mutate(technology=_known(_.radio_technology))
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
    Question.COVERAGE: coverage,
    Question.SPEED: speed,
    Question.DAYS: days,
    Question.RATES: rates,
    Question.CAUSES: causes,
    Question.GAPS: gaps,
    Question.EXTENT: extent,
}


def _evidence(scope: Scope) -> Evidence:
    tables = {name: ibis.table(columns, name=name) for name, columns in COLUMNS.items()}
    recorded = tables["samples"].filter(~_.replayed)
    without_download = (_.outcome == Outcome.COMPLETED.value) & _.download_outcome.isnull()
    tests = (
        tables["tests"]
        .filter(~_.replayed, _.outcome.notin(_NOT_TRIED), ~without_download)
        .mutate(
            download_bps=(_.download_outcome == Outcome.COMPLETED.value).ifelse(
                _.download_bps, ibis.null("int64")
            )
        )
    )
    tests = _with_technology(_in_scope(tests, scope), _around(recorded, scope))
    samples = _in_scope(recorded, scope)
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


def _around(samples: Table, scope: Scope) -> Table:
    """Keep the seconds that tests of the period may have begun in, whatever their quality: what is
    said of a test must not depend on the period that was asked for."""
    if scope.first_utc_us is not None:
        samples = samples.filter(_.ts_utc_us >= scope.first_utc_us - US_PER_S)
    if scope.end_utc_us is not None:
        samples = samples.filter(_.ts_utc_us < scope.end_utc_us)
    return samples


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


def _seconds(samples: Table, key: str) -> Table:
    # What the modem said is spelled out only afterwards, when there are few rows.
    return (
        samples.group_by(key, "operator", "radio_technology")
        .aggregate(seconds=_.count(), with_service=_.count(where=_.reachable))
        .group_by(key, "operator", technology=_known(_.radio_technology))
        .aggregate(seconds=_.seconds.sum(), seconds_with_service=_.with_service.sum())
    )


def _tests(tests: Table, key: str) -> Table:
    alike = ibis.window(group_by=[key, *_BY, "rateless"], order_by="download_bps")
    ranked = tests.mutate(rateless=_.download_bps.isnull()).mutate(
        rank=ibis.row_number().over(alike) + 1
    )
    rated = ranked.group_by(key, *_BY).mutate(rated=_.download_bps.count())
    return rated.group_by(key, *_BY).aggregate(
        tests=_.count(),
        failed_tests=_.count(where=_.rateless),
        p10_bps=_.download_bps.max(where=_ranked(10)),
        median_bps=_.download_bps.max(where=_ranked(50)),
    )


def _ranked(percent: int) -> Value:
    """Whether a row's rank is that of the percentile: p·n/100, rounded up."""
    share = _.rated * percent
    return (_.rank * 100 >= share) & ((_.rank - 1) * 100 < share)


def _widened(table: Table, keys: list[str], figures: list[str]) -> Table:
    unknown = {name: ibis.null("int64") for name in figures if name not in table.columns}
    return table.mutate(**unknown).select(*keys, *figures)


def _cell(scope: Scope) -> str:
    return f"h3_{scope.resolution}"
