"""How throughput is spread: the share of tests below each rate, and a box, by operator or campaign.

Tests without service are in every curve: they are where it begins on the left, because a rate below
any is what they have. Where there are fewer than five tests, nothing is drawn, and that is said.
Names stand in the legend; where there is no room for curves and boxes, the curves come first.
"""

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QComboBox

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.chart_axes import NumberAxis
from fieldsurvey.gui.workbench.chart_parts import (
    TEXT_PX,
    TargetLine,
    limit_x,
    round_top,
    target_entry,
)
from fieldsurvey.gui.workbench.facts import Coded, Floats
from fieldsurvey.gui.workbench.hues import hue_of, line_of
from fieldsurvey.gui.workbench.pixel_item import PixelItem
from fieldsurvey.gui.workbench.results import FEWEST, about_the_place, drawn_rates_mbps
from fieldsurvey.gui.workbench.saying import percent, share_sentence
from fieldsurvey.gui.workbench.selection import Changed, SelectionModel

BY = ("operator", "campaign", "technology", "access_type")
_MOST_CURVES = 6
_MOST_STEPS = 800
_NO_SERVICE_AT = -0.06  # of the axis: left of 0, where no rate lies
_RANKS = (0.10, 0.25, 0.50, 0.75, 0.90)
_BOX_PX, _AIR_PX = 15, 8  # a box, and around all of them
_LOWEST_CURVES_PX, _AXIS_PX = 100, 22


@dataclass(frozen=True)
class Group:
    """``rates_mbps`` ascending, -inf for tests without service. ``place``: of its word among all,
    see :mod:`fieldsurvey.gui.workbench.hues`."""

    name: str
    place: int
    rates_mbps: Floats

    def quantile(self, share: float) -> float:
        """Return the smallest rate that at least ``share`` of the tests do not exceed."""
        rank = int(np.ceil(share * len(self.rates_mbps) - 1e-9)) - 1
        return float(self.rates_mbps[max(0, rank)])


def groups_of(model: SelectionModel, by: str, unknown: str) -> list[Group]:
    """Return the selected tests that say something of the place, by the words of a field; those
    with most tests first."""
    facts = model.facts
    telling = model.tests & about_the_place(facts)
    rates = np.where(np.isnan(drawn_rates_mbps(facts)), -np.inf, drawn_rates_mbps(facts))
    field: Coded = facts.tests.fields[by]
    groups = []
    for code, word in enumerate((*field.words, unknown)):
        mine = np.sort(rates[telling & (field.codes == code)])
        if len(mine):
            groups.append(Group(word, code, mine))
    return sorted(groups, key=lambda group: -len(group.rates_mbps))


_BoxRow = tuple[tuple[float, ...], QColor, Qt.PenStyle]  # ranks, colour and line


class Boxes(PixelItem):
    """One box a group: 10, 25, 50, 75 and 90 in a hundred, by rank."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__(box)
        self._rows: list[_BoxRow] = []
        self._width_px = 1.0

    def show_rows(self, rows: list[_BoxRow], width_px: float) -> None:
        self._rows, self._width_px = rows, width_px
        self.refresh()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, _area: QRect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = min(0.32 * abs(to_pixels.m22()), 11 * self._width_px)
        for number, (ranks, colour, line) in enumerate(self._rows):
            y = to_pixels.map(QPointF(0, number)).y()
            low, lower, middle, upper, high = (to_pixels.map(QPointF(x, 0)).x() for x in ranks)
            painter.setPen(QPen(colour, 1.5 * self._width_px, line))
            painter.drawLine(QPointF(low, y), QPointF(high, y))
            painter.setPen(QPen(colour, 1.5 * self._width_px))
            for end in (low, high):
                painter.drawLine(QPointF(end, y - half / 2), QPointF(end, y + half / 2))
            veil = QColor(colour)
            veil.setAlphaF(0.3)
            painter.setBrush(veil)
            painter.drawRect(QRectF(lower, y - half, max(1.0, upper - lower), 2 * half))
            painter.setPen(QPen(colour, 3 * self._width_px))
            painter.drawLine(QPointF(middle, y - half), QPointF(middle, y + half))


class DistributionChart(Chart):
    name_id = "wb_chart_distribution"

    def __init__(self, model: SelectionModel) -> None:
        super().__init__(model)
        self.choice = QComboBox()
        self._layout.insertWidget(1, self.choice)
        self.choice.currentIndexChanged.connect(self._choose)
        self.left = NumberAxis("left", lowest=0.0)
        self.box = self.add_box(0, self.left, None)
        self.bottom = NumberAxis("bottom", lowest=0.0)
        self._blank = pg.AxisItem("left")
        self._blank.setTicks([[]])
        self.boxes = self.add_box(1, self._blank, self.bottom)
        self.boxes.setXLink(self.box)
        for box in (self.box, self.boxes):
            box.setMouseEnabled(x=True, y=False)
        self.boxes.invertY(True)
        self.bottom.linkToView(self.box)  # the boxes may be hidden
        self._curves = [pg.PlotCurveItem() for _ in range(_MOST_CURVES)]
        for curve in self._curves:
            self.box.addItem(curve, ignoreBounds=True)
        self._drawn = Boxes(self.boxes)
        self.boxes.addItem(self._drawn, ignoreBounds=True)
        self._unit = pg.TextItem(anchor=(0, 0))
        self.box.addItem(self._unit, ignoreBounds=True)
        self._targets = [TargetLine(self.box, 90), TargetLine(self.boxes, 90)]
        self._top = 1.0
        self._boxes_drawn = 0
        self.box.sigResized.connect(self._share_height)  # the legend takes of it as well
        self.box.picked.connect(lambda _x, _y: self.model.set_brush(None))

    def _choose(self) -> None:
        self._stale |= Changed.DATA
        self.refresh()

    def dress(self, look: Look) -> None:
        self.style_axes(look, [self.left, self.bottom, self._blank])
        self.left.texts = self.bottom.texts = look.texts
        for target in self._targets:
            target.dress(look)
        self._unit.setColor(QColor(look.theme.soft_ink))
        self._unit.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
        self._unit.setText(look.texts.tr("wb_share_axis"))
        chosen = max(0, self.choice.currentIndex())
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(
            [look.texts.tr("wb_by", field=look.texts.tr(f"wb_field_{name}")) for name in BY]
        )
        self.choice.setCurrentIndex(chosen)
        self.choice.blockSignals(False)
        self.choice.setAccessibleName(look.texts.tr("wb_by_choice"))

    def draw(self, look: Look, changed: Changed) -> None:
        if not changed & (Changed.DATA | Changed.FILTER | Changed.SELECTION):
            return
        target_mbps = self.model.facts.target_bps / 1e6
        by = BY[max(0, self.choice.currentIndex())]
        groups = groups_of(self.model, by, look.texts.tr("wb_not_known"))
        drawn = [g for g in groups if len(g.rates_mbps) >= FEWEST][:_MOST_CURVES]
        highest = max([float(g.rates_mbps[-1]) for g in drawn], default=0.0)
        self._top = round_top(max(target_mbps * 1.3, highest))
        limit_x(self.box, (np.array([2 * _NO_SERVICE_AT * self._top, self._top]),), 1.0)
        if changed & (Changed.DATA | Changed.FILTER):
            self.show_all()
        self.box.setYRange(0, 104, padding=0)
        self.boxes.setYRange(-0.6, max(1.0, len(drawn) - 0.4), padding=0)
        for line in self._targets:
            line.show(target_mbps)
        self._draw_groups(look, drawn, target_mbps)
        words = [share_sentence(look.texts, self.model)]
        if len(groups) > len(drawn):
            left_out = ", ".join(g.name for g in groups if g not in drawn)
            words.append(look.texts.tr("wb_groups_left_out", groups=left_out, fewest=FEWEST))
        self.sentence.setText(". ".join(words))
        (left, _right), (_low, top) = self.box.viewRange()
        self._unit.setPos(left, top)

    def _draw_groups(self, look: Look, drawn: list[Group], target_mbps: float) -> None:
        nowhere = _NO_SERVICE_AT * self._top
        rows, entries = [], []
        for curve in self._curves[len(drawn) :]:
            curve.setVisible(False)
        for curve, group in zip(self._curves, drawn, strict=False):
            colour, line = hue_of(look, group.place), line_of(group.place)
            curve.setVisible(True)
            x, y = _curve(np.maximum(group.rates_mbps, nowhere))
            curve.setData(x, y)
            curve.setPen(pg.mkPen(colour, width=look.px(2), style=line))
            ranks = tuple(max(nowhere, group.quantile(share)) for share in _RANKS)
            rows.append((ranks, colour, line))
            reaching = int(np.count_nonzero(group.rates_mbps >= target_mbps))
            words = look.texts.tr(
                "wb_group_picked" if self.model.is_of_some_results else "wb_group",
                group=group.name,
                percent=percent(look.texts, reaching / len(group.rates_mbps)),
                count=look.texts.number(len(group.rates_mbps)),
            ).replace(" %", "\u00a0%")
            entries.append((line, colour.name(), words))
        self._drawn.show_rows(rows, look.px(1))
        self.legend.show_entries(look, [*entries, target_entry(look, self.model)])
        self._boxes_drawn = len(rows)
        self._share_height()

    def _share_height(self) -> None:
        """Give the boxes what they need, and nothing where the curves need it."""
        if self._look is None:
            return
        px = self._look.px
        boxes = px(_BOX_PX) * self._boxes_drawn + px(_AIR_PX)
        left = self.view.height() - px(_AXIS_PX) - boxes
        shown = self._boxes_drawn > 0 and left >= px(_LOWEST_CURVES_PX)
        for part in (self.boxes, self._blank):
            part.setVisible(shown)
            part.setMinimumHeight(boxes if shown else 0)
            part.setMaximumHeight(boxes if shown else 0)

    def show_all(self) -> None:
        self.box.setXRange(_NO_SERVICE_AT * self._top * 1.3, self._top, padding=0)

    def zoom(self, factor: float) -> None:
        low, high = self.box.viewRange()[0]
        self.box.setXRange(low, low + (high - low) * factor, padding=0)

    def brush(self, low: float, high: float) -> None:
        rates = drawn_rates_mbps(self.model.facts)
        chosen = (rates >= low) & (rates <= high)
        if low < 0:
            chosen |= self.model.facts.tests.fields["result"].is_word("no_service")
        self.model.brush_tests(chosen)


def _curve(rates_mbps: Floats) -> tuple[Floats, Floats]:
    """Return the steps of the share of tests at or below each rate, in per cent."""
    count = len(rates_mbps)
    ranks = np.unique(np.linspace(0, count - 1, min(count, _MOST_STEPS)).astype(int))
    y = 100.0 * (ranks + 1) / count
    x = rates_mbps[ranks]
    return np.repeat(x, 2), np.concatenate([[0.0], np.repeat(y, 2)[:-1]])
