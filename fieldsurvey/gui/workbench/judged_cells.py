"""Verdicts off the highways: the territory of cities and the open country, in hexagons of H3.

Made in a worker with the other verdicts. Must not import Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fieldsurvey.gui.workbench.facts import Floats
from fieldsurvey.model.verdict import Verdict, worst

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.targets import JudgedBy


@dataclass(frozen=True)
class Hexagon:
    """A judged cell by its corners; ``verdict`` is the worst of those of the operators."""

    cell: int
    latitude_deg: Floats
    longitude_deg: Floats
    verdict: Verdict
    rows: tuple[int, ...]  # of the table of cells


def judge_off_highways(
    measurements: Measurements, judged_by: JudgedBy, now_utc_us: int
) -> pl.DataFrame:
    """Return the judged cells in which anything was tested away from a highway, by operator.

    Their seconds are not counted: to find the cells of a million takes longer than all the rest.
    """
    import polars as pl

    from fieldsurvey.analysis.cells import JUDGED_RESOLUTION, judge_cells

    off = measurements.tests.filter(pl.col("highway_ref").is_null())
    there = replace(measurements, tests=off, samples=measurements.samples.clear())
    return judge_cells(there, judged_by, now_utc_us=now_utc_us, resolution=JUDGED_RESOLUTION)


def hexagons_of(cells: pl.DataFrame) -> tuple[Hexagon, ...]:
    """Return where the cells lie."""
    from h3.api.basic_int import cell_to_boundary

    rows: dict[int, list[int]] = {}
    for row, cell in enumerate(cells["cell"].to_list()):
        rows.setdefault(cell, []).append(row)
    verdicts = [Verdict(word) for word in cells["verdict"].to_list()]
    found = []
    for cell, mine in rows.items():
        latitude, longitude = np.array(cell_to_boundary(cell), float).T
        verdict = worst(verdicts[row] for row in mine)
        found.append(Hexagon(cell, latitude, longitude, verdict, tuple(mine)))
    return tuple(found)
