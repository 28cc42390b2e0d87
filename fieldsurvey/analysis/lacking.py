"""Where what lacks tests lies: gaps as places that can be driven to and planned.

Must not find gaps (:mod:`fieldsurvey.analysis.gaps` does), nor say in which order to drive
(:mod:`fieldsurvey.analysis.route`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]  # latitude, longitude in degrees
OperatorLack = tuple[str | None, int]  # None: nobody knows whose; tests that it needs


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
    """A place that lacks tests. ``reason``: a word of :mod:`fieldsurvey.analysis.gaps`. ``start``
    and ``end`` are the ends of a stretch; of a settlement both are its centre. ``operators``: who
    lacks how many tests here, who lacks most first; ``planned`` and ``reason`` are that one's."""

    planned: PlannedStretch | PlannedSettlement
    reason: str
    start: Point
    end: Point
    name: str = ""  # of a settlement
    operators: tuple[OperatorLack, ...] = ()

    @property
    def length_m(self) -> float:
        """Return the way through it; settlements are stood in."""
        planned = self.planned
        return float(planned.to_m - planned.from_m) if isinstance(planned, PlannedStretch) else 0.0


def lacking_stretches(gaps: pl.DataFrame, lines: Sequence[Line]) -> list[Lack]:
    """Return the gaps on ``lines``, by highway and chainage.

    ``gaps``: of :func:`fieldsurvey.analysis.gaps.find_gaps`, by operator. Of several operators the
    one counts who lacks most; of lines side by side the longest, whose posts the others share.
    """
    longest = _longest_lines(lines)
    found = []
    for row in _by_place(gaps, "highway_ref", "from_m").iter_rows(named=True):
        line = longest.get(row["highway_ref"])
        if line is None or row["from_m"] >= line.chainage_m[-1]:
            continue
        operators = _operators(row)
        stretch = PlannedStretch(line.ref, row["from_m"], row["to_m"], operators[0][1])
        ends = _point_at(line, stretch.from_m), _point_at(line, stretch.to_m)
        found.append(Lack(stretch, row["reason"], *ends, operators=operators))
    return found


def lacking_settlements(gaps: pl.DataFrame, villages: Villages) -> list[Lack]:
    """Return the gaps that are among ``villages``, in their order.

    ``gaps``: of :func:`fieldsurvey.analysis.gaps.find_settlement_gaps`. Of several operators the
    one counts who lacks most.
    """
    rows = {
        row["settlement_id"]: row for row in _by_place(gaps, "settlement_id").iter_rows(named=True)
    }
    found = []
    for i, settlement_id in enumerate(villages.id):
        row = rows.get(settlement_id)
        if row is None:
            continue
        operators = _operators(row)
        centre = (float(villages.latitude_deg[i]), float(villages.longitude_deg[i]))
        planned = PlannedSettlement(settlement_id, operators[0][1])
        found.append(Lack(planned, row["reason"], centre, centre, villages.name[i], operators))
    return found


def _by_place(gaps: pl.DataFrame, *place: str) -> pl.DataFrame:
    """Return a row per place, in their order: what is said of who lacks most, and of all in that
    order ``operator`` and ``tests_needed`` as lists."""
    listed = ("operator", "tests_needed")
    return (
        gaps.with_columns(pl.col("operator").cast(pl.String))
        .sort("tests_needed", descending=True, maintain_order=True)
        .group_by(*place)
        .agg(pl.exclude(*place, *listed).first(), pl.col(listed))
        .sort(*place)
    )


def _operators(row: Mapping[str, Any]) -> tuple[OperatorLack, ...]:
    return tuple(zip(row["operator"], row["tests_needed"], strict=True))


def _longest_lines(lines: Sequence[Line]) -> dict[str, Line]:
    longest: dict[str, Line] = {}
    for line in lines:
        known = longest.get(line.ref)
        if known is None or line.chainage_m[-1] > known.chainage_m[-1]:
            longest[line.ref] = line
    return longest


def _point_at(line: Line, chainage_m: float) -> Point:
    """Interpolate between vertices; right to their distance squared, centimetres per kilometre."""
    return (
        float(np.interp(chainage_m, line.chainage_m, line.latitude_deg)),
        float(np.interp(chainage_m, line.chainage_m, line.longitude_deg)),
    )
