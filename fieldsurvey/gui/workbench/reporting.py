"""What a report on the selection is about: by which measurements, and chosen how, in words.

A report judges, so it is made of the evidence, as the verdicts in the window are: no filter by
result narrows it, and a place that was chosen or marked in part is taken whole, if by hand of the
operators marked there. Whoever reads it is told what was chosen and what was left out. Must not
import Qt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.facts import Bools
from fieldsurvey.gui.workbench.filters import EXCLUDED, OF_TESTS_ONLY, REPLAYED
from fieldsurvey.gui.workbench.selection import Brush, SelectionModel, among, rows_of
from fieldsurvey.gui.workbench.words import words_of

if TYPE_CHECKING:
    from fieldsurvey.analysis.measurements import Measurements


@dataclass(frozen=True)
class ReportSubject:
    """``tests``, ``samples``: the evidence that the filters leave; ``marked``: the places that were
    chosen of it, None for all; ``brush``: by hand, None where they were not. ``chosen``: how, in
    words. ``left_out``: why tests were left out by hand that the filters leave, by their ids."""

    tables: Measurements
    tests: Bools
    samples: Bools
    marked: Brush | None
    brush: Brush | None
    chosen: tuple[str, ...]
    left_out: Mapping[str, str]
    texts: Texts

    def measurements(self) -> Measurements:
        """Return the rows to report on. In a worker: it takes a moment."""
        return self._whole(self.tests)

    def said(self) -> tuple[str, ...]:
        """Return how all of that was chosen, and what was left out there; nothing where it is
        everything. In a worker as well."""
        texts, test_ids = self.texts, self.tables.tests["test_id"]
        there = self._whole(self.tests | among(test_ids, self.left_out)) if self.left_out else None
        ids = [] if there is None else there.tests["test_id"].to_list()
        reasons = Counter(self.left_out[test_id] for test_id in ids if test_id in self.left_out)
        return (
            *self.chosen,
            *(
                texts.tr("wb_report_left_out", count=texts.number(count), reason=reason)
                for reason, count in sorted(reasons.items())
            ),
        )

    def _whole(self, tests: Bools) -> Measurements:
        import polars as pl

        from fieldsurvey.analysis.whole_places import whole_places

        rows = rows_of(self.tables, tests, self.samples)
        if self.marked is None:
            return rows
        marked = pl.Series(self.marked.tests[tests]), pl.Series(self.marked.samples[self.samples])
        by = () if self.brush is None else ("operator",)
        of_tests = self.brush is not None and self.brush.of_tests
        return whole_places(rows, *marked, by, of_tests=of_tests)


def report_subject(model: SelectionModel, texts: Texts) -> ReportSubject:
    """Return what a report on what is selected now is about."""
    chosen = [
        f"{texts.tr(f'wb_field_{kept.name}')}: "
        + words_of(texts, model.filters, kept.name, model.facts.settlement_names)
        for kept in model.kept
        if kept.name not in (*OF_TESTS_ONLY, EXCLUDED, REPLAYED)
    ]
    if model.brush is not None:
        marked = texts.number(int(np.count_nonzero(model.compared()[0])))
        chosen.append(texts.tr("wb_report_marked", count=marked))
    return ReportSubject(
        model.measurements,
        model.evidence_tests,
        model.evidence_samples,
        model.marked,
        model.brush,
        tuple(chosen),
        {key: model.notes.of(key).excluded for key in model.test_keys(model.left_out_tests)},
        texts,
    )
