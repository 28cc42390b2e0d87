"""What a report on the selection is about: by which measurements, and chosen how, in words.

A report judges, so it is made of the evidence, as the verdicts in the window are: no filter by
result narrows it, and a place that was chosen or marked in part is taken whole, if by hand of the
operators marked there. Whoever reads it is told what was chosen and what was left out. Must not
import Qt.
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
    from fieldsurvey.analysis.measurements import Measurements


@dataclass(frozen=True)
class ReportSubject:
    """``tests``, ``samples``: the evidence that the filters leave; ``marked``: the places that were
    chosen of it, None for all; ``brush``: by hand, None where they were not. ``said``: how all of
    that was chosen; nothing where it is everything."""

    tables: Measurements
    tests: Bools
    samples: Bools
    marked: Brush | None
    brush: Brush | None
    said: tuple[str, ...]

    def measurements(self) -> Measurements:
        """Return the rows to report on. In a worker: it takes a moment."""
        import polars as pl

        from fieldsurvey.analysis.whole_places import whole_places

        evidence = rows_of(self.tables, self.tests, self.samples)
        if self.marked is None:
            return evidence
        tests, samples = self.marked.tests[self.tests], self.marked.samples[self.samples]
        by = () if self.brush is None else ("operator",)
        of_tests = self.brush is not None and self.brush.of_tests
        return whole_places(evidence, pl.Series(tests), pl.Series(samples), by, of_tests=of_tests)


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
    return ReportSubject(model.measurements, *evidence, model.marked, model.brush, tuple(said))


def _reasons(model: SelectionModel) -> Counter[str]:
    """Return why tests were left out by hand, with how many each time."""
    keys = model.test_keys(model.excluded_tests)
    return Counter(model.notes.of(key).excluded for key in keys)
