"""What lies on a report's map: which roads, which verdicts, which names. One operator a map.

Must not draw (:mod:`fieldsurvey.report.map_svg`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.places.places_file import Places
from fieldsurvey.report.findings import Findings
from fieldsurvey.report.kilometres import Stretch
from fieldsurvey.report.map_svg import Floats, Label, Line, Scene
from fieldsurvey.report.places_tables import operator_name, settlement_names
from fieldsurvey.report.roads import Roads
from fieldsurvey.report.subject import Box, Highway, Settlement
from fieldsurvey.report.svg import NOT_DRIVEN
from fieldsurvey.report.wording import Wording

MOST_NAMES = 36
_POINTS = 400  # of a driven way, where the road itself is not known
_AROUND_DEG = 0.02
_POSTS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What all maps of a report share."""

    roads: Roads
    places: Places | None
    wording: Wording


def scene(
    findings: Findings, stretches: Sequence[Stretch], operator: str | None, ground: Ground
) -> Scene | None:
    """Return the map of one operator; None where nothing has a position."""
    wording = ground.wording
    own = [one for one in stretches if one.operator == operator]
    pieces = [(one, line) for one in own for line in _lines(findings, one, ground.roads)]
    tests = _tests(findings, operator)
    towns = _towns(findings, operator, ground)
    cells = _cells(findings, operator)
    tracks = [] if isinstance(findings.subject, Highway) else _tracks(findings, operator)
    lines = [line for _, line in (*pieces, *cells)] + tracks
    extent = _extent(findings, lines, tests, towns)
    if extent is None:
        return None
    single = isinstance(findings.subject, Settlement)
    marks = [(one.word, *_middle(line)) for one, line in pieces if one.word != NOT_DRIVEN]
    if single:
        marks = list(tests.select("result", "start_latitude_deg", "start_longitude_deg").rows())
    return Scene(
        extent,
        roads=[(line.latitude_deg, line.longitude_deg) for line in ground.roads.lines],
        judged=[(one.word, line) for one, line in pieces],
        cells=cells,
        tracks=tracks,
        marks=marks,
        labels=[*_posts(own, ground), *towns, *_names(extent, towns, ground)],
        title=operator_name(operator, wording),
    )


def _lines(findings: Findings, stretch: Stretch, roads: Roads) -> list[Line]:
    """Return where a stretch lies: the road's own line, or else the ways that were driven."""
    line = roads.piece(stretch.ref, stretch.from_m, stretch.to_m)
    if line is not None:
        return [line]
    if stretch.row is None:
        return []
    driven = findings.m.samples.filter(
        (pl.col("highway_ref").cast(pl.String) == stretch.ref)
        & pl.col("chainage_m").is_between(stretch.from_m, stretch.to_m, closed="left")
        & pl.col("latitude_deg").is_not_null()
    )
    return [
        _as_line(way.gather_every(max(1, len(way) // _POINTS)))
        for way in driven.partition_by("drive", "run", maintain_order=True)
        if len(way) > 1
    ]


def _as_line(way: pl.DataFrame) -> Line:
    return way["latitude_deg"].to_numpy(), way["longitude_deg"].to_numpy()


def _tracks(findings: Findings, operator: str | None) -> list[Line]:
    """Return the ways an operator's networks were driven along."""
    whose = findings.m.drives["operator"]
    own = [n for n, word in enumerate(whose.to_list()) if word == operator]
    fixed = findings.m.samples.filter(
        pl.col("drive").is_in(pl.Series(own, dtype=pl.UInt32).implode())
        & pl.col("latitude_deg").is_not_null()
    )
    ways = fixed.partition_by("drive", "run", maintain_order=True)
    return [_as_line(way.gather_every(max(1, len(way) // _POINTS))) for way in ways if len(way) > 1]


def _cells(findings: Findings, operator: str | None) -> list[tuple[str, Line]]:
    """Return judged cells of the map with their corners."""
    from h3.api.basic_int import cell_to_boundary

    own = findings.cells.filter(pl.col("operator").eq_missing(pl.lit(operator)))
    found = []
    for cell, verdict in own.select("cell", "verdict").iter_rows():
        latitudes, longitudes = zip(*cell_to_boundary(cell), strict=True)
        found.append((verdict, (np.array(latitudes), np.array(longitudes))))
    return found


def _tests(findings: Findings, operator: str | None) -> pl.DataFrame:
    return findings.tests.filter(
        pl.col("operator").eq_missing(pl.lit(operator)) & pl.col("start_latitude_deg").is_not_null()
    )


def _towns(findings: Findings, operator: str | None, ground: Ground) -> list[Label]:
    """Return judged settlements; where access types differ, the worst verdict is shown."""
    if ground.places is None:
        return []
    table = ground.places.settlements()
    index = {id_: n for n, id_ in enumerate(table.id)}
    verdicts: dict[str, str] = {}
    own = findings.settlements.filter(pl.col("operator").eq_missing(pl.lit(operator)))
    for settlement_id, verdict in own.select("settlement_id", "verdict").iter_rows():
        both = (verdict, verdicts.get(settlement_id, verdict))
        verdicts[settlement_id] = min(both, key=_WORST.index)
    names = settlement_names(ground.places, ground.wording)
    return [
        Label(
            names[id_], float(table.latitude_deg[n]), float(table.longitude_deg[n]), 1, verdict,
        )
        for id_, verdict in verdicts.items()
        if (n := index.get(id_)) is not None
    ]  # fmt: skip


_WORST = ("below", "undecided", "above")


def _extent(
    findings: Findings, lines: Sequence[Line], tests: pl.DataFrame, towns: Sequence[Label]
) -> Line | None:
    if isinstance(findings.subject, Box):
        box = findings.subject
        return np.array([box.south_deg, box.north_deg]), np.array([box.west_deg, box.east_deg])
    latitudes = [line[0] for line in lines] + [tests["start_latitude_deg"].to_numpy()]
    longitudes = [line[1] for line in lines] + [tests["start_longitude_deg"].to_numpy()]
    latitudes.append(np.array([town.latitude_deg for town in towns], float))
    longitudes.append(np.array([town.longitude_deg for town in towns], float))
    latitude, longitude = np.concatenate(latitudes), np.concatenate(longitudes)
    return (latitude, longitude) if len(latitude) else None


def _middle(line: Line) -> tuple[float, float]:
    n = len(line[0])
    if n == 2:
        return float(line[0].mean()), float(line[1].mean())
    return float(line[0][n // 2]), float(line[1][n // 2])


def _posts(own: Sequence[Stretch], ground: Ground) -> list[Label]:
    """Return kilometre posts where stretches begin, and the highway's number, evenly thinned."""
    by_ref: dict[str, list[Stretch]] = {}
    for one in own:
        by_ref.setdefault(one.ref, []).append(one)
    found = []
    for ref, stretches in by_ref.items():
        every = max(1, round(len(stretches) / _POSTS)) if len(by_ref) == 1 else len(stretches)
        for n, one in enumerate(stretches):
            line = ground.roads.piece(ref, one.from_m, one.to_m)
            if line is not None and n % every == 0:
                post = ground.wording.tr("report.post", km=ground.wording.km(one.from_m))
                text = f"{ref} {post}" if n == 0 and len(by_ref) == 1 else post
                text = text if len(by_ref) == 1 else ref
                found.append(Label(text, float(line[0][0]), float(line[1][0]), 0, small=n > 0))
    return found


def _names(extent: Line, towns: Sequence[Label], ground: Ground) -> list[Label]:
    """Return the largest settlements around, for who has to know where this is."""
    if ground.places is None:
        return []
    table = ground.places.settlements()
    wide = max(np.ptp(extent[0]), np.ptp(extent[1])) * 0.06 + _AROUND_DEG
    near = np.flatnonzero(
        _near(table.latitude_deg, extent[0], wide) & _near(table.longitude_deg, extent[1], wide)
    )
    largest = near[np.argsort(-table.population[near], kind="stable")][:MOST_NAMES]
    there = {town.text for town in towns}
    return [
        Label(name, float(table.latitude_deg[n]), float(table.longitude_deg[n]), 2 + rank)
        for rank, n in enumerate(largest.tolist())
        if (name := table.name_in(n, ground.wording.language)) not in there
    ]


def _near(degrees: Floats, extent: Floats, wide: float) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = np.abs(degrees - (extent.min() + extent.max()) / 2) < (
        np.ptp(extent) / 2 + wide
    )
    return inside


def map_sources(ground: Ground) -> str:
    if ground.places is None:
        return ground.wording.tr("report.map_without_places")
    files = ", ".join(source.name for source in ground.places.report.sources)
    return ground.wording.tr("report.map_sources", files=files, version=ground.places.version)
