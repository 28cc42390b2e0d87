"""Throughput against the signal it was measured with: is it the radio, or what lies behind it?"""

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.chart_axes import NumberAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud
from fieldsurvey.gui.workbench.chart_parts import (
    BEHIND_ALL,
    TEXT_PX,
    TargetLine,
    limit_x,
    outlook_entries,
    round_top,
    span_of,
    target_entry,
)
from fieldsurvey.gui.workbench.facts import Bools, Floats
from fieldsurvey.gui.workbench.results import DRAWN, FEWEST, drawn_rates_mbps, outlook_ranks
from fieldsurvey.gui.workbench.saying import percent
from fieldsurvey.gui.workbench.selection import Changed, SelectionModel, Spot

_BAND = 0.13
_SIGNALS = ("rsrp_dbm", "sinr_db")
_NEAR_PX = 14


class SignalChart(Chart):
    name_id = "wb_chart_signal"

    def __init__(self, model: SelectionModel) -> None:
        super().__init__(model)
        self.choice = QComboBox()
        self._layout.insertWidget(1, self.choice)
        self.bottom = NumberAxis("bottom")
        self.left = NumberAxis("left", lowest=0.0)
        self.box = self.add_box(0, self.left, self.bottom)
        self.box.setMouseEnabled(x=True, y=False)
        self.box.picked.connect(self._pick)
        self._points = PointCloud(self.box)
        self._floor = pg.InfiniteLine(pos=0.0, angle=0)
        self._no_rate = pg.TextItem(anchor=(0, 0.5))
        for item in (self._floor, self._points, self._no_rate):
            self.box.addItem(item, ignoreBounds=True)
        self._no_rate.setZValue(BEHIND_ALL)
        self._target = TargetLine(self.box, 0)
        self.box.sigRangeChanged.connect(self._place_words)
        self.choice.currentIndexChanged.connect(self._choose)
        self._top = 1.0

    def _choose(self) -> None:
        self._stale |= Changed.DATA
        self.refresh()

    def _signal(self) -> Floats:
        values: Floats = getattr(
            self.model.facts.tests, _SIGNALS[max(0, self.choice.currentIndex())]
        )
        return values

    def dress(self, look: Look) -> None:
        theme = look.theme
        self.style_axes(look, [self.left, self.bottom])
        self.left.texts = self.bottom.texts = look.texts
        colours = [outlook_colours(theme, outlook)[0] for outlook in DRAWN]
        self._points.set_signs(
            colours, [OUTLOOK_SHAPES[outlook] for outlook in DRAWN], theme.panel, look.px(5)
        )
        self._floor.setPen(pg.mkPen(theme.line, width=look.px(1)))
        self._no_rate.setColor(QColor(theme.soft_ink))
        self._no_rate.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
        self._no_rate.setText(look.texts.tr("wb_no_rate"))
        self._target.dress(look)
        chosen = max(0, self.choice.currentIndex())
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([look.texts.tr(f"wb_signal_{name}") for name in _SIGNALS])
        self.choice.setCurrentIndex(chosen)
        self.choice.blockSignals(False)
        self.choice.setAccessibleName(look.texts.tr("wb_signal_choice"))

    def draw(self, look: Look, changed: Changed) -> None:
        model, facts = self.model, self.model.facts
        signal = self._signal()
        if changed & Changed.DATA:
            rates = drawn_rates_mbps(facts)
            target_mbps = facts.target_bps / 1e6
            known = rates[np.isfinite(rates)]
            self._top = round_top(max(target_mbps * 1.3, float(known.max()) if len(known) else 0))
            y = np.where(np.isnan(rates), -_BAND / 2 * self._top, rates)
            ranks = outlook_ranks(facts.tests.fields["result"])
            self._points.set_points(signal, y, ranks, model.tests)
            self.box.setYRange(-_BAND * self._top, self._top * 1.04, padding=0)
            self._target.show(target_mbps)
            limit_x(self.box, (signal,), 1.0)
            self.show_all()
        if changed & (Changed.DATA | Changed.SELECTION):
            self._points.set_selected(model.tests)
            self.sentence.setText(self._say(look, signal))
            self.legend.show_entries(
                look, [*outlook_entries(look, model), target_entry(look, model)]
            )

    def _say(self, look: Look, signal: Floats) -> str:
        texts = look.texts
        selected = self.model.tests
        known = selected & np.isfinite(signal)
        missing = texts.number(int(np.count_nonzero(selected & ~known)))
        words = [texts.tr("wb_without_signal", count=missing, all=texts.number(selected.sum()))]
        rates = drawn_rates_mbps(self.model.facts)
        strong = self._share(known & (signal >= self._middle(signal, known)), rates)
        weak = self._share(known & (signal < self._middle(signal, known)), rates)
        if strong is not None and weak is not None:
            middle = texts.number(self._middle(signal, known))
            words.insert(
                0,
                texts.tr(
                    "wb_signal_sentence",
                    middle=middle,
                    unit=self.choice.currentText().rpartition(", ")[2],  # "RSRP, dBm"
                    strong=percent(texts, strong),
                    weak=percent(texts, weak),
                ),
            )
        return " ".join(words).replace(" %", "\u00a0%")

    @staticmethod
    def _middle(signal: Floats, known: Bools) -> float:
        ordered = np.sort(signal[known])
        return float(np.round(ordered[len(ordered) // 2])) if len(ordered) else 0.0

    def _share(self, tests: Bools, rates: Floats) -> float | None:
        """Return the share of tests that reach the target; None of fewer than five, or of those
        picked by their results."""
        if self.model.is_of_some_results:
            return None
        tests = tests & (
            np.isfinite(rates) | self.model.facts.tests.fields["result"].is_word("no_service")
        )
        count = int(np.count_nonzero(tests))
        if count < FEWEST:
            return None
        reaching = np.count_nonzero(tests & (rates >= self.model.facts.target_bps / 1e6))
        return float(reaching / count)

    def show_all(self) -> None:
        signal = self._signal()
        low, high = span_of(signal[self.model.filtered_tests])
        self.box.setXRange(low, high, padding=0.03)

    def zoom(self, factor: float) -> None:
        low, high = self.box.viewRange()[0]
        middle, half = (low + high) / 2, (high - low) / 2 * factor
        self.box.setXRange(middle - half, middle + half, padding=0)

    def brush(self, low: float, high: float) -> None:
        signal = self._signal()
        self.model.brush_tests((signal >= low) & (signal <= high))

    def _pick(self, x: float, y: float) -> None:
        x_unit, y_unit = (abs(size) for size in self.box.viewPixelSize())
        row = self._points.nearest(x, y, x_unit, y_unit)
        at = (np.inf, np.inf) if row is None else self._points.place(row)
        if row is not None and np.hypot((at[0] - x) / x_unit, (at[1] - y) / y_unit) < _NEAR_PX:
            self.model.look_at(Spot(True, row))
        else:
            self.model.set_brush(None)

    def _place_words(self) -> None:
        (left, _right), _ = self.box.viewRange()
        self._no_rate.setPos(left, -_BAND / 2 * self._top)
