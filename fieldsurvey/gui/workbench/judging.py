"""Keeps the verdicts of places up to date with the filters, and says what is selected.

Judging is a job; what was judged stays on screen until something newer is there.
"""

from collections.abc import Callable

from fieldsurvey.analysis.sentence import settlement_sentence, stretch_sentence
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench import desk
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.judged import LENGTHS_M, Judged, judge
from fieldsurvey.gui.workbench.saying import share_sentence, spoken
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel, rows_of
from fieldsurvey.gui.workbench.table_model import Row
from fieldsurvey.places.places_file import Places

_VERDICTS = {"above": Outlook.ABOVE, "below": Outlook.BELOW, "undecided": Outlook.UNDECIDED}
_SENTENCES = {"stretch": stretch_sentence, "settlement": settlement_sentence}


class Judging:
    """Attributes:
    judged: the newest verdicts, None before there are any.
    place: kind and row of the stretch or settlement that is looked at.
    on_judged: called with every new ``judged``.
    """

    def __init__(
        self,
        model: SelectionModel,
        jobs: Jobs,
        now_utc_us: Callable[[], int],
        places: Callable[[], Places | None],
    ) -> None:
        self._model, self._jobs = model, jobs
        self._now_utc_us, self._places = now_utc_us, places
        self._length_m = LENGTHS_M[0]
        self.judged: Judged | None = None
        self.place: tuple[str, Row] | None = None
        self._place_brush: Brush | None = None
        self.on_judged: Callable[[Judged], None] = lambda _judged: None
        model.listen(self._note_change)

    def choose_length(self, length_m: int) -> None:
        """Judge stretches of this length."""
        self._length_m = length_m
        self._judge()

    def look_at(self, kind: str, row: Row, brush: Brush) -> None:
        """Select a stretch or settlement; it is looked at until something else is selected."""
        self.place, self._place_brush = (kind, row), brush
        self._model.set_brush(brush)

    def _note_change(self, changed: Changed) -> None:
        if changed & (Changed.DATA | Changed.FILTER):
            self.place = None
            self._judge()
        elif changed & Changed.SELECTION and self._model.brush is not self._place_brush:
            self.place = None

    def _judge(self) -> None:
        model, length_m, now_utc_us = self._model, self._length_m, self._now_utc_us()
        tables, tests, samples = model.measurements, model.evidence_tests, model.evidence_samples
        places, chosen = self._places(), model.places

        def work(_progress: desk.Progress, _cancelled: desk.Cancelled) -> Judged:
            evidence = rows_of(tables, tests, samples)
            there = None
            if chosen is not None:
                there = rows_of(tables, tests & chosen.tests, samples & chosen.samples)
            return judge(evidence, length_m, places, now_utc_us, there)

        self._jobs.run("judge", work, self._take)

    def _take(self, judged: Judged) -> None:
        self.judged = judged
        self.on_judged(judged)

    def sentence(self, texts: Texts) -> tuple[Outlook | None, str]:
        """Return the verdict of the place looked at, else what all that is selected comes to."""
        if not self._model.is_open:
            sources = self._model.measurements.sources
            if not sources:
                return None, texts.tr("wb_empty_title")
            return None, texts.tr("wb_nothing_measured", name=", ".join(sources))
        if self.place is not None and self.judged is not None:
            kind, row = self.place
            said = _SENTENCES[kind](row, self.judged.by.rate_bps)
            return _VERDICTS[row["verdict"]], spoken(texts, said)
        sentence = share_sentence(texts, self._model)
        if self._model.brush is None and self.judged is not None and len(self.judged.stretches):
            sentence = sentence.removesuffix(".") + " · " + _stretches_said(texts, self.judged)
        return None, sentence

    def foot(self, texts: Texts, time: str) -> str:
        """Return by what was judged, for the foot of a print."""
        by = None if self.judged is None else self.judged.by
        return texts.tr(
            "wb_print_foot",
            target="–" if by is None else f"{by.target_id}, {by.rule}",
            version="–" if by is None else by.target_version,
            places=self._model.measurements.places_version or "–",
            time=time,
        )


def _stretches_said(texts: Texts, judged: Judged) -> str:
    counts = {word.value: texts.number(count) for word, count in judged.decided().items()}
    decimals = 0 if judged.length_m >= 1000 else 1
    length = texts.number(judged.length_m / 1000, decimals)
    return texts.tr("wb_stretches_said", length=length, **counts)
