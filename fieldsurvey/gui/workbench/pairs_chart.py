"""Two operators, or before and after, on the same kilometres: a pair of marks on each, and the
sentence that follows from all of them.

Compared is what is selected. Where one side has no service on a kilometre, its mark stands in the
band below the axis.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy

from fieldsurvey.analysis.pairs import Paired, compare, pairs_sentence
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.along import Axis, along_road
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.chart_axes import AlongAxis, NumberAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud
from fieldsurvey.gui.workbench.chart_parts import (
    BEHIND_ALL,
    TEXT_PX,
    Sign,
    TargetLine,
    limit_x,
    round_top,
    span_of,
    target_entry,
)
from fieldsurvey.gui.workbench.facts import Floats
from fieldsurvey.gui.workbench.hues import hue_of, place_of
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.saying import spoken
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel, rows_of
from fieldsurvey.gui.workbench.words import word_of
from fieldsurvey.model.messages import Message

_FIELDS = ("operator", "campaign", "technology", "access_type")
_BAND = 0.13
_HALF_KM = 0.5
_SHAPES = (Shape.DIAMOND, Shape.SQUARE)  # of either side


@dataclass(frozen=True)
class _Sides:
    """What is compared: a field and two of its words."""

    field: str
    a: str
    b: str

    def scope(self, word: str) -> Scope:
        return replace(Scope(), **{self.field: (word,)})  # type: ignore[arg-type]  # one of _FIELDS


class PairsChart(Chart):
    name_id = "wb_chart_pairs"

    def __init__(self, model: SelectionModel, jobs: Jobs) -> None:
        super().__init__(model)
        self._jobs = jobs
        self._paired: Paired | None = None
        self.field, self.side_a, self.side_b = QComboBox(), QComboBox(), QComboBox()
        row = QHBoxLayout()
        # The first has the longest words.
        for choice, share in ((self.field, 4), (self.side_a, 3), (self.side_b, 3)):
            choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(choice, share)
        self._layout.insertLayout(1, row)
        self.left, self.bottom = NumberAxis("left", lowest=0.0), AlongAxis()
        self.box = self.add_box(0, self.left, self.bottom)
        self.box.setMouseEnabled(x=True, y=False)
        self._links = pg.PlotCurveItem(connect="pairs")
        self._points = PointCloud(self.box)
        self._floor = pg.InfiniteLine(pos=0.0, angle=0)
        self._words = [pg.TextItem(anchor=(0, 0)), pg.TextItem(anchor=(0, 0.5))]
        for item in (self._floor, self._links, self._points, *self._words):
            self.box.addItem(item, ignoreBounds=True)
        for words in self._words:
            words.setZValue(BEHIND_ALL)
        self._target = TargetLine(self.box, 0)
        self.box.sigRangeChanged.connect(self._place_words)
        self.box.picked.connect(lambda _x, _y: self.model.set_brush(None))
        self.field.currentIndexChanged.connect(self._offer_words)
        for side in (self.side_a, self.side_b):
            side.currentIndexChanged.connect(lambda _index: self._compare())
        self._top, self._highway_ref = 1.0, ""

    def dress(self, look: Look) -> None:
        theme, texts = look.theme, look.texts
        self.style_axes(look, [self.left, self.bottom])
        self.left.texts = texts
        self.bottom.choose(Axis.ROAD, texts)
        self._colour_sides(look)
        self._links.setPen(pg.mkPen(theme.line, width=look.px(2)))
        self._floor.setPen(pg.mkPen(theme.line, width=look.px(1)))
        self._target.dress(look)
        for words, text_id in zip(self._words, ("mbps", "wb_no_rate"), strict=True):
            words.setColor(QColor(theme.soft_ink))
            words.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
            words.setText(texts.tr(text_id))
        chosen = max(0, self.field.currentIndex())
        self.field.blockSignals(True)
        self.field.clear()
        self.field.addItems(
            [texts.tr("wb_by", field=texts.tr(f"wb_field_{name}")) for name in _FIELDS]
        )
        self.field.setCurrentIndex(chosen)
        self.field.blockSignals(False)
        for choice, text_id in (
            (self.field, "wb_compare_by"), (self.side_a, "wb_compare_a"),
            (self.side_b, "wb_compare_b"),
        ):  # fmt: skip
            choice.setAccessibleName(texts.tr(text_id))

    def _colour_sides(self, look: Look) -> list[str]:
        """Give either side the colour that its word has in every chart, and return them."""
        name = _FIELDS[max(0, self.field.currentIndex())]
        field = self.model.facts.tests.fields[name]
        colours = [
            hue_of(look, place_of(field, side.currentData() or "")).name()
            for side in (self.side_a, self.side_b)
        ]
        self._points.set_signs(colours, _SHAPES, look.theme.panel, look.px(5))
        return colours

    def draw(self, look: Look, changed: Changed) -> None:
        if changed & Changed.DATA:
            self._offer_words()
        elif changed & Changed.SELECTION:
            self._compare()

    # What is compared

    def _offer_words(self) -> None:
        """Offer the words of the field; the two with most tests at first."""
        if self._look is None:
            return
        name = _FIELDS[max(0, self.field.currentIndex())]
        counts = self.model.facts.tests.fields[name].counts()
        words = [word for word in sorted(counts, key=lambda word: -counts[word]) if word]
        before = [self.side_a.currentData(), self.side_b.currentData()]
        wanted = before if set(before) <= set(words) else words[:2]
        for side, word in zip((self.side_a, self.side_b), [*wanted, None, None], strict=False):
            side.blockSignals(True)
            side.clear()
            for offered in words:
                side.addItem(word_of(self._look.texts, name, offered), offered)
            side.setCurrentIndex(words.index(word) if word in words else -1)
            side.blockSignals(False)
        self._compare()

    def sides(self) -> _Sides | None:
        """Return what is compared, None while there are not two different words."""
        a, b = self.side_a.currentData(), self.side_b.currentData()
        name = _FIELDS[max(0, self.field.currentIndex())]
        return None if a is None or b is None or a == b else _Sides(name, a, b)

    def _compare(self) -> None:
        if self._look is None:
            return
        sides = self.sides()
        if sides is None:
            self._paired = None
            self.sentence.setText(self._look.texts.tr("wb_no_sides"))
            self._highway_ref = ""
            self._draw_pairs(np.zeros(0), np.zeros(0), np.zeros(0))
            self.legend.show_entries(self._look, [target_entry(self._look, self.model)])
            return
        model = self.model
        tables, (tests, samples) = model.measurements, model.compared()
        self._jobs.run(
            "pairs",
            lambda _progress, _cancelled: compare(
                rows_of(tables, tests, samples), sides.scope(sides.a), sides.scope(sides.b)
            ),
            lambda paired: self._show(sides, paired),
            failed=self._fail,
        )

    def _fail(self, told: Message) -> None:
        if self._look is not None:
            self.sentence.setText(self._look.texts.say(told))

    # What came of it

    def _show(self, sides: _Sides, paired: Paired) -> None:
        if self._look is None or sides != self.sides():
            return  # something else was asked for meanwhile
        self._paired = paired
        look, texts = self._look, self._look.texts
        names = [word_of(texts, sides.field, word) for word in (sides.a, sides.b)]
        if not len(paired.pairs):
            said = "wb_no_pairs" if self.model.brush is None else "wb_no_pairs_marked"
            self.sentence.setText(texts.tr(said, a=names[0], b=names[1]))
        else:
            self.sentence.setText(spoken(texts, pairs_sentence(paired, *names)))
        self.setAccessibleDescription(self.sentence.text())
        highways = paired.pairs["highway_ref"]
        self._highway_ref = str(highways.mode().sort()[0]) if len(highways) else ""
        shown = paired.pairs.filter(highways == self._highway_ref)
        km = shown["from_m"].to_numpy() / 1000 + _HALF_KM
        rates = [
            shown[f"bps_{side}"].cast(float).fill_null(float("nan")).to_numpy() / 1e6
            for side in "ab"
        ]
        self._draw_pairs(km, *rates)
        self.legend.show_entries(
            look,
            [
                *zip(_SHAPES, self._colour_sides(look), names, strict=True),
                *self._highway_entry(look),
                target_entry(look, self.model),
            ],
        )

    def _highway_entry(self, look: Look) -> list[tuple[Sign, str, str]]:
        """Return what the legend says of the axis: whose kilometres these are."""
        if not self._highway_ref:
            return []
        return [(Qt.PenStyle.NoPen, look.theme.ink, self._highway_ref)]

    def _draw_pairs(self, km: Floats, mbps_a: Floats, mbps_b: Floats) -> None:
        assert self._look is not None
        target_mbps = self.model.facts.target_bps / 1e6
        both = np.concatenate([mbps_a, mbps_b])
        known = both[np.isfinite(both)]
        self._top = round_top(max(target_mbps * 1.3, float(known.max()) if len(known) else 0.0))
        y = np.where(np.isnan(both), -_BAND / 2 * self._top, both)
        ranks = np.repeat(np.array([0, 1], np.uint8), len(km))
        self._points.set_points(np.tile(km, 2), y, ranks, np.ones(len(both), bool))
        ends = np.column_stack((y[: len(km)], y[len(km) :])).ravel()
        self._links.setData(np.repeat(km, 2), ends)
        self.box.setYRange(-_BAND * self._top, self._top * 1.04, padding=0)
        self._target.show(target_mbps)
        limit_x(self.box, (km,), 1.0)
        self.box.setXRange(*span_of(km), padding=0.03)

    def _place_words(self) -> None:
        (left, _right), (_bottom, top) = self.box.viewRange()
        self._words[0].setPos(left, top)
        self._words[1].setPos(left, -_BAND / 2 * self._top)

    def show_all(self) -> None:
        if self._paired is not None:
            km = self._paired.pairs["from_m"].to_numpy() / 1000 + _HALF_KM
            self.box.setXRange(*span_of(km), padding=0.03)

    def zoom(self, factor: float) -> None:
        low, high = self.box.viewRange()[0]
        middle, half = (low + high) / 2, (high - low) / 2 * factor
        self.box.setXRange(middle - half, middle + half, padding=0)

    def brush(self, low: float, high: float) -> None:
        if self._highway_ref:
            along = along_road(self.model.facts, self._highway_ref)
            self.model.set_brush(Brush(*along.between(low, high)))
