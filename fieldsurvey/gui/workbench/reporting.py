"""What a report on the selection is about: by which measurements, and chosen how, in words.

A report judges, so it is made of the evidence, as the verdicts in the window are: no filter by
result narrows it, and a place that was marked in part is taken whole, of the operators marked
there. Whoever reads it is told what was chosen and what was left out. Must not import Qt.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.facts import Bools
from fieldsurvey.gui.workbench.filters import EXCLUDED, OF_TESTS_ONLY, REPLAYED
from fieldsurvey.gui.workbench.selection import Brush, SelectionModel, rows_of
from fieldsurvey.gui.workbench.words import words_of

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements

_PLACES = (["highway_ref", "stretch"], ["settlement_id"])


@dataclass(frozen=True)
class ReportSubject:
    """``tests``, ``samples``: the evidence that the filters leave; ``brush``: what of it was marked
    by hand. ``said``: how all of that was chosen; nothing where it is everything."""

    tables: Measurements
    tests: Bools
    samples: Bools
    brush: Brush | None
    said: tuple[str, ...]

    def measurements(self) -> Measurements:
        """Return the rows to report on. In a worker: it takes a moment."""
        if self.brush is None:
            return rows_of(self.tables, self.tests, self.samples)
        tests, samples = self.tests & self.brush.tests, self.samples & self.brush.samples
        both = (
            _placed(self.tables, self.tables.tests, self.tests, tests),
            _placed(self.tables, self.tables.samples, self.samples, samples),
        )
        return rows_of(self.tables, *(_whole_places(part, both) for part in both))


def report_subject(model: SelectionModel, texts: Texts) -> ReportSubject:
    """Return what a report on what is selected now is about."""
    said = [
        f"{texts.tr(f'wb_field_{kept.name}')}: "
        + words_of(texts, model.filters, kept.name, model.facts.settlement_names)
        for kept in model.kept
        if kept.name not in (*OF_TESTS_ONLY, EXCLUDED, REPLAYED)
    ]
    if model.brush is not None:
        marked = texts.number(int(np.count_nonzero(model.compared()[0])))
        said.append(texts.tr("wb_report_marked", count=marked))
    said += [
        texts.tr("wb_report_left_out", count=texts.number(count), reason=reason)
        for reason, count in sorted(_reasons(model).items())
    ]
    evidence = model.evidence_tests, model.evidence_samples
    return ReportSubject(model.measurements, *evidence, model.brush, tuple(said))


def _reasons(model: SelectionModel) -> Counter[str]:
    """Return why tests were left out by hand, with how many each time."""
    keys = model.test_keys(model.excluded_tests)
    return Counter(model.notes.of(key).excluded for key in keys)


def _placed(
    tables: Measurements, rows: pl.DataFrame, evidence: Bools, marked: Bools
) -> pl.DataFrame:
    """Return where and whose each row is, and whether it is evidence and marked."""
    import polars as pl

    from fieldsurvey.analysis.scope import with_drive
    from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M

    return with_drive(tables, rows, ["operator"]).select(
        pl.col("highway_ref", "settlement_id", "operator").cast(pl.String),
        stretch=(pl.col("chainage_m") / JUDGED_LENGTH_M).floor(),
        evidence=pl.Series(evidence),
        marked=pl.Series(marked),
    )


def _whole_places(rows: pl.DataFrame, both: tuple[pl.DataFrame, ...]) -> Bools:
    """Return which rows are marked, or evidence of a place and operator of which any is."""
    import polars as pl

    chosen = rows["marked"].to_numpy().copy()
    numbered = rows.with_row_index("row").filter("evidence")
    for place in _PLACES:
        known = pl.concat(
            [part.filter("marked").select(*place, "operator").drop_nulls(place) for part in both]
        ).unique()
        there = numbered.join(known, on=[*place, "operator"], how="semi", nulls_equal=True)
        chosen[there["row"].to_numpy()] = True
    return chosen
