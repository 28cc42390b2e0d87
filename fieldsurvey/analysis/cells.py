"""The country in hexagons of H3: what is not a highway nor a village, and the territory of cities.

Cells at resolution 9 measure 0.1 km². Coarser ones are made of their children, as in HQ's archive,
so that every cell lies in one parent only.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.analysis.h3_index import FINEST, cells, parents
from fieldsurvey.analysis.judging import counted_tests, evidence, verdicts
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.targets import JudgedBy

JUDGED_RESOLUTION = 8  # of H3: 0.7 km², what a window and a report show

CELL_COLUMNS: dict[str, pl.DataType] = {"cell": pl.UInt64()}


def judge_cells(
    m: Measurements,
    targets: JudgedBy,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    *,
    now_utc_us: int,
    resolution: int = FINEST,
    by: Sequence[str] = ("operator",),
) -> pl.DataFrame:
    """Return ``CELL_COLUMNS``, ``by`` and ``VERDICT_COLUMNS`` of every cell with evidence.

    ``resolution``: of H3, at most ``FINEST``. A test belongs to the cell it began in.
    """
    chosen = evidence(m, scope)
    tests = counted_tests(chosen, targets, now_utc_us)
    return verdicts(
        chosen,
        tests.with_columns(cell=cells_of(tests, "start_", resolution)),
        chosen.samples.with_columns(cell=cells_of(chosen.samples, "", resolution)),
        ["cell"],
        by,
        targets,
        now_utc_us,
    )


def cells_of(rows: pl.DataFrame, prefix: str, resolution: int = FINEST) -> pl.Series:
    """Return the cell of each row's position; null where that is not known."""
    latitude_deg = rows[f"{prefix}latitude_deg"].to_numpy()
    longitude_deg = rows[f"{prefix}longitude_deg"].to_numpy()
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    found: npt.NDArray[np.int64] = np.zeros(len(rows), np.int64)
    finest = cells(latitude_deg[known], longitude_deg[known])
    found[known] = finest if resolution == FINEST else parents(finest, resolution)
    return pl.Series("cell", found.astype(np.uint64)).set(pl.Series(~known), None)
