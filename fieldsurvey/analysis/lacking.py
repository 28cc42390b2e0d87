"""Which stretches and settlements lack tests for a verdict, and how many.

From places that were judged, and from all that exist: what nobody drove shows in no table of
results. Must not read files, nor say in which order to drive (:mod:`fieldsurvey.analysis.route`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.analysis.sequential import judge_counts
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]  # latitude, longitude in degrees


class Why(StrEnum):
    NOT_DRIVEN = "not_driven"
    NOT_ENOUGH = "not_enough"  # driven, and not enough data for a verdict
    STALE = "stale"  # the newest test is more than a year old


class Line(Protocol):
    """A line of a highway; chainage in metres at each vertex, rising from 0."""

    @property
    def ref(self) -> str: ...
    @property
    def latitude_deg(self) -> Floats: ...
    @property
    def longitude_deg(self) -> Floats: ...
    @property
    def chainage_m(self) -> Floats: ...


class Villages(Protocol):
    """Settlements; element i of each belongs to the same one."""

    @property
    def id(self) -> Sequence[str]: ...
    @property
    def name(self) -> Sequence[str]: ...
    @property
    def latitude_deg(self) -> Floats: ...
    @property
    def longitude_deg(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Lack:
    """A place that lacks tests. ``start`` and ``end`` are the ends of a stretch, at ``from_m`` and
    where it ends (the highway may end before ``to_m``); for a settlement both are its centre."""

    planned: PlannedStretch | PlannedSettlement
    why: Why
    start: Point
    end: Point
    length_m: float
    name: str = ""  # of a settlement


def tests_from_nothing(rule: JudgedBy) -> int:
    """Return how many tests a place without any will probably need."""
    nothing = np.zeros(1, np.int64)
    return int(judge_counts(nothing, nothing, rule).tests_needed[0])


def lacking_stretches(
    judged: pl.DataFrame,
    lines: Sequence[Line],
    operators: Collection[str | None],
    rule: JudgedBy,
    length_m: int,
) -> list[Lack]:
    """Return every stretch of ``lines`` without a verdict for each of ``operators``, in order.

    ``judged``: of :func:`fieldsurvey.analysis.stretches.judge_stretches` by operator, stretches of
    ``length_m``. Of several lines of one highway the longest counts: kilometre posts cannot tell
    the others from it.
    """
    rows = _by_place(judged, ("highway_ref", "from_m"))
    from_nothing = tests_from_nothing(rule)
    found = []
    for line in longest_lines(lines):
        end_m = float(line.chainage_m[-1])
        for from_m in range(0, int(np.ceil(end_m)), length_m):
            lack = _lack(rows.get((line.ref, from_m), {}), operators, from_nothing)
            if lack is None:
                continue
            why, tests = lack
            last_m = min(float(from_m + length_m), end_m)
            found.append(
                Lack(
                    PlannedStretch(line.ref, from_m, from_m + length_m, tests),
                    why,
                    _point_at(line, from_m),
                    _point_at(line, last_m),
                    last_m - from_m,
                )
            )
    return found


def lacking_settlements(
    judged: pl.DataFrame, villages: Villages, operators: Collection[str | None], rule: JudgedBy
) -> list[Lack]:
    """Return every settlement without a verdict for each of ``operators``, as they come.

    ``judged``: of :func:`fieldsurvey.analysis.settlements.judge_settlements` by operator.
    """
    rows = _by_place(judged, ("settlement_id",))
    from_nothing = tests_from_nothing(rule)
    found = []
    for i, settlement_id in enumerate(villages.id):
        lack = _lack(rows.get((settlement_id,), {}), operators, from_nothing)
        if lack is not None:
            why, tests = lack
            centre = (float(villages.latitude_deg[i]), float(villages.longitude_deg[i]))
            planned = PlannedSettlement(settlement_id, tests)
            found.append(Lack(planned, why, centre, centre, 0.0, villages.name[i]))
    return found


def longest_lines(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the longest line of each highway, highways as they come first."""
    longest: dict[str, Line] = {}
    for line in lines:
        if len(line.chainage_m) < 2:
            continue
        known = longest.get(line.ref)
        if known is None or line.chainage_m[-1] > known.chainage_m[-1]:
            longest[line.ref] = line
    yield from longest.values()


def _by_place(
    judged: pl.DataFrame, place: Sequence[str]
) -> dict[tuple[Any, ...], dict[str | None, Mapping[str, Any]]]:
    """Return rows by place, then by operator."""
    columns = [*place, "operator", "verdict", "stale", "tests_needed"]
    rows: dict[tuple[Any, ...], dict[str | None, Mapping[str, Any]]] = {}
    for row in judged.select(
        pl.col(name).cast(pl.String) if name == "operator" else name for name in columns
    ).iter_rows(named=True):
        rows.setdefault(tuple(row[name] for name in place), {})[row["operator"]] = row
    return rows


def _lack(
    rows: Mapping[str | None, Mapping[str, Any]],
    operators: Collection[str | None],
    from_nothing: int,
) -> tuple[Why, int] | None:
    """Return why a place is open and how many tests the operator needs who lacks most."""
    worst: tuple[Why, int] | None = None
    for operator in operators:
        row = rows.get(operator)
        if row is None:
            lack = Why.NOT_DRIVEN, from_nothing
        else:
            lack = Why.STALE if row["stale"] else Why.NOT_ENOUGH, int(row["tests_needed"])
        if lack[1] > (0 if worst is None else worst[1]):
            worst = lack
    return worst


def _point_at(line: Line, chainage_m: float) -> Point:
    """Interpolate between vertices; right to their distance squared, centimetres per kilometre."""
    return (
        float(np.interp(chainage_m, line.chainage_m, line.latitude_deg)),
        float(np.interp(chainage_m, line.chainage_m, line.longitude_deg)),
    )
