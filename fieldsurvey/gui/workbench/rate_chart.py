"""Throughput along time or a highway, against the target; below it the tests without a rate.

A test without service is a cross in the band under the axis: it has no rate, and 0 would be one.
"""

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.gui.workbench.along import Axis
from fieldsurvey.gui.workbench.along_chart import AlongChart
from fieldsurvey.gui.workbench.chart_axes import NumberAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud, Spans
from fieldsurvey.gui.workbench.chart_parts import (
    BEHIND_ALL,
    TEXT_PX,
    TargetLine,
    clock_entry,
    limit_along,
    outlook_entries,
    round_top,
    target_entry,
)
from fieldsurvey.gui.workbench.facts import Ints
from fieldsurvey.gui.workbench.results import DRAWN, drawn_rates_mbps, outlook_ranks
from fieldsurvey.gui.workbench.saying import empty_road, share_sentence
from fieldsurvey.gui.workbench.selection import SelectionModel

_BAND = 0.13  # of the height, for what has no rate


class RateChart(AlongChart):
    name_id = "wb_chart_rate"

    def __init__(self, model: SelectionModel) -> None:
        super().__init__(model, NumberAxis("left", lowest=0.0))
        self._spans = Spans(self.box)
        self._points = PointCloud(self.box)
        self._floor = pg.InfiniteLine(pos=0.0, angle=0)
        self._unit = pg.TextItem(anchor=(0, 0))
        self._no_rate = pg.TextItem(anchor=(0, 0.5))
        for item in (self._spans, self._floor, self._points, self._unit, self._no_rate):
            self.box.addItem(item, ignoreBounds=True)
        for words in (self._unit, self._no_rate):
            words.setZValue(BEHIND_ALL)
        self._target = TargetLine(self.box, 0)
        self.box.sigRangeChanged.connect(self._place_words)
        self._top = 1.0
        self._silent: Ints = np.zeros(0, np.int64)  # the seconds without service

    def cloud(self) -> PointCloud:
        return self._points

    def dress(self, look: Look) -> None:
        super().dress(look)
        theme = look.theme
        colours = [outlook_colours(theme, outlook)[0] for outlook in DRAWN]
        shapes = [OUTLOOK_SHAPES[outlook] for outlook in DRAWN]
        self._points.set_signs(colours, shapes, theme.panel, look.px(5.5))
        self._spans.set_colour(theme.no_service)
        self._floor.setPen(pg.mkPen(theme.line, width=look.px(1)))
        for words in (self._unit, self._no_rate):
            words.setColor(QColor(theme.soft_ink))
            words.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
        self._unit.setText(look.texts.tr("mbps"))
        self._no_rate.setText(look.texts.tr("wb_no_rate"))
        self._target.dress(look)

    def draw_values(self, look: Look, *, anew: bool) -> None:
        model, facts = self.model, self.model.facts
        if anew:
            rates = drawn_rates_mbps(facts)
            target_mbps = facts.target_bps / 1e6
            known = rates[np.isfinite(rates)]
            highest = float(known.max()) if len(known) else 0.0
            self._top = round_top(max(target_mbps * 1.3, highest))
            y = np.where(np.isnan(rates), -_BAND / 2 * self._top, rates)
            ranks = outlook_ranks(facts.tests.fields["result"])
            self._points.set_points(self.along.tests, y, ranks, model.tests)
            self.box.setYRange(-_BAND * self._top, self._top * 1.04, padding=0)
            self._target.show(target_mbps)
            self._silent = np.flatnonzero(~facts.reachable)
            limit_along(self.box, self.along)
        self._points.set_selected(model.tests)
        starts = self.along.samples[self._silent[model.samples[self._silent]]]
        self._spans.set_spans(starts, starts + self.along.lasting)
        self.sentence.setText(
            empty_road(look.texts, self.along) or share_sentence(look.texts, model, self._there())
        )
        self.legend.show_entries(
            look,
            [
                *outlook_entries(look, model),
                target_entry(look, model),
                *clock_entry(look, self.along),
            ],
        )

    def _there(self) -> str:
        return self.where() if self.along.axis is Axis.ROAD else ""

    def _place_words(self) -> None:
        (left, _right), (_bottom, top) = self.box.viewRange()
        self._unit.setPos(left, top)
        self._no_rate.setPos(left, -_BAND / 2 * self._top)
