"""The verdicts of all places that the filters keep, and how the map draws them.

Made in a worker, anew with every change of the filters; a brush looks at some of the places and
changes no verdict. Must not import Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fieldsurvey.gui.workbench.facts import Floats
from fieldsurvey.gui.workbench.judged_cells import Hexagon, hexagons_of, judge_off_highways
from fieldsurvey.model.verdict import Verdict, worst

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.board_row import BoardRow
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.register import Register
    from fieldsurvey.analysis.targets import JudgedBy

LENGTHS_M = (10_000, 1_000, 100)
_POINTS_OF_A_STRETCH = 40
_SHORTEST_PIECE_M = 25.0

StretchKey = tuple[str, int]  # highway and chainage in m


@dataclass(frozen=True)
class StretchLine:
    """Where a stretch was driven; ``verdict`` is the worst of those of the operators."""

    key: StretchKey
    latitude_deg: Floats
    longitude_deg: Floats
    verdict: Verdict
    rows: tuple[int, ...]  # of the table of stretches


@dataclass(frozen=True)
class Judged:
    """Tables of :mod:`fieldsurvey.analysis`, by operator, and what the map makes of them."""

    by: JudgedBy
    length_m: int
    stretches: pl.DataFrame
    settlements: pl.DataFrame
    cells: pl.DataFrame
    lines: tuple[StretchLine, ...]
    hexagons: tuple[Hexagon, ...]
    board: tuple[BoardRow, ...]

    def settlement_verdicts(self) -> dict[str, Verdict]:
        """Return the worst verdict of each settlement by its id."""
        found: dict[str, Verdict] = {}
        for name, word in self.settlements.select("settlement_id", "verdict").iter_rows():
            found[name] = worst([Verdict(word), found.get(name, Verdict.ABOVE)])
        return found

    def decided(self) -> dict[Verdict, int]:
        """Return how many stretches came to each verdict."""
        words = self.stretches["verdict"].to_list()
        return {verdict: words.count(verdict.value) for verdict in Verdict}


def judge(
    measurements: Measurements,
    length_m: int,
    register: Register | None,
    now_utc_us: int,
    chosen: Measurements | None = None,
) -> Judged:
    """Judge stretches, settlements and cells, each operator by itself, and the programme's
    promises.

    ``register``: all places there are; without it promises about them stay open. ``chosen``: rows
    in whose places alone somebody is interested; these are judged by all measurements. Raises
    ``KnownError`` for a damaged target file.
    """
    import polars as pl

    from fieldsurvey.analysis.programme import load_programme
    from fieldsurvey.analysis.register import ended
    from fieldsurvey.analysis.settlements import judge_settlements
    from fieldsurvey.analysis.stretches import judge_stretches
    from fieldsurvey.analysis.targets import judged_by as rule_of
    from fieldsurvey.analysis.targets_board import board

    judged_by = rule_of()
    stretches = judge_stretches(measurements, judged_by, length_m=length_m, now_utc_us=now_utc_us)
    if register is not None:
        stretches = ended(stretches, register, length_m)
    settlements = judge_settlements(measurements, judged_by, now_utc_us=now_utc_us)
    cells = judge_off_highways(measurements, judged_by, now_utc_us)
    if chosen is not None:
        stretches, settlements = _of_places(chosen, length_m, stretches, settlements)
        there = judge_off_highways(chosen, judged_by, now_utc_us)["cell"]
        cells = cells.filter(pl.col("cell").is_in(there.implode()))
    promises = board(measurements, load_programme(), register, now_utc_us)
    return Judged(
        judged_by,
        length_m,
        stretches,
        settlements,
        cells,
        _lines(measurements, stretches, length_m),
        hexagons_of(cells),
        tuple(promises),
    )


def _of_places(
    chosen: Measurements, length_m: int, stretches: pl.DataFrame, settlements: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the verdicts of stretches and settlements that any of some rows lies in."""
    import polars as pl

    there = pl.concat(
        rows.select(
            pl.col("highway_ref", "settlement_id").cast(pl.String),
            from_m=(pl.col("chainage_m") / length_m).floor().cast(pl.Int64) * length_m,
        )
        for rows in (chosen.tests, chosen.samples)
    )
    of_stretch, of_settlement = ["highway_ref", "from_m"], ["settlement_id"]
    return (
        stretches.join(there.select(of_stretch).unique(), on=of_stretch, how="semi"),
        settlements.join(there.select(of_settlement).unique(), on=of_settlement, how="semi"),
    )


def _lines(
    measurements: Measurements, stretches: pl.DataFrame, length_m: int
) -> tuple[StretchLine, ...]:
    """Return the stretches as lines along what was driven: the mean position of pieces of road, so
    that several drives on one road are one line."""
    import polars as pl

    piece_m = max(_SHORTEST_PIECE_M, length_m / _POINTS_OF_A_STRETCH)
    pieces = (
        measurements.evidence()
        .samples.select("highway_ref", "chainage_m", "latitude_deg", "longitude_deg")
        .drop_nulls()
        .with_columns(
            from_m=(pl.col("chainage_m") / length_m).floor().cast(pl.Int64) * length_m,
            piece=(pl.col("chainage_m") / piece_m).floor().cast(pl.Int64),
        )
        .group_by("highway_ref", "from_m", "piece")
        .agg(pl.col("latitude_deg").mean(), pl.col("longitude_deg").mean())
        .sort(pl.col("highway_ref").cast(pl.String), "piece")
    )
    places: dict[StretchKey, tuple[Floats, Floats]] = {
        (str(key[0]), int(key[1])): (
            part["latitude_deg"].to_numpy(),
            part["longitude_deg"].to_numpy(),
        )
        for key, part in pieces.group_by("highway_ref", "from_m", maintain_order=True)
    }
    rows: dict[StretchKey, list[int]] = {}
    for row, key in enumerate(stretches.select("highway_ref", "from_m").iter_rows()):
        rows.setdefault(key, []).append(row)
    verdicts = [Verdict(word) for word in stretches["verdict"].to_list()]
    return tuple(
        StretchLine(key, *places[key], worst([verdicts[row] for row in mine]), tuple(mine))
        for key, mine in rows.items()
        if key in places and len(places[key][0]) > 1
    )


def box_of(latitude_deg: Floats, longitude_deg: Floats) -> tuple[float, float, float, float] | None:
    """Return south, west, north, east around positions, at least 200 m wide; None without any."""
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    if not known.any():
        return None
    latitude, longitude = latitude_deg[known], longitude_deg[known]
    air_deg = 0.001
    return (
        float(latitude.min()) - air_deg,
        float(longitude.min()) - air_deg,
        float(latitude.max()) + air_deg,
        float(longitude.max()) + air_deg,
    )
