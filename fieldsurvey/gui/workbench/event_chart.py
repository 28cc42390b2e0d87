"""An event against a usual day: how throughput was spread in every hour, and how many tests say so.

A block reaches from the 10th to the 90th of a hundred tests by rank, the stroke in it is the
median; the usual day is drawn in outline. Where a rank had no service its sign stands below the
axis, never at 0. An hour without tests has nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy

from fieldsurvey.analysis.gaps import day_name
from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.chart_axes import NumberAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud
from fieldsurvey.gui.workbench.chart_parts import TEXT_PX, Sign, TargetLine, round_top, target_entry
from fieldsurvey.gui.workbench.event_days import DAY_US, EventHours, event_hours
from fieldsurvey.gui.workbench.facts import Bools, Floats
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.results import FEWEST
from fieldsurvey.gui.workbench.saying import spoken
from fieldsurvey.gui.workbench.selection import Changed, SelectionModel
from fieldsurvey.model.messages import Message

if TYPE_CHECKING:
    import polars as pl

_BAND = 0.13
_COUNTS_TOP = 1.6  # of the highest bar: above it stands what is counted
_HOUR_US = 3_600_000_000
_EVENT, _USUAL = (0.12, 0.62), (0.38, 0.88)  # from and to, within the hour


class EventChart(Chart):
    name_id = "wb_chart_event"

    def __init__(self, model: SelectionModel, jobs: Jobs) -> None:
        super().__init__(model)
        self._jobs = jobs
        self.found: EventHours | None = None
        self.event_day, self.usual_day = QComboBox(), QComboBox()
        row = QHBoxLayout()
        for choice in (self.event_day, self.usual_day):
            choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            choice.currentIndexChanged.connect(lambda _index: self._compare())
            row.addWidget(choice, 1)
        self._layout.insertLayout(1, row)
        self.left = NumberAxis("left", lowest=0.0)
        self.box = self.add_box(0, self.left, None)
        self.counted = NumberAxis("left", lowest=0.0, whole=True)
        self.bottom = NumberAxis("bottom", whole=True)
        self.counts = self.add_box(1, self.counted, self.bottom)
        self.counts.setXLink(self.box)
        for box in (self.box, self.counts):
            box.setMouseEnabled(x=False, y=False)
            box.picked.connect(lambda _x, _y: self.model.set_brush(None))
        self._cells.layout.setRowStretchFactor(0, 3)
        self._cells.layout.setRowStretchFactor(1, 1)
        self._blocks = [_block() for _ in range(2)]
        self._medians = [pg.PlotCurveItem(connect="pairs") for _ in range(2)]
        self._bars = [_block() for _ in range(3)]  # tests, of them without service; the usual day's
        self._silent = PointCloud(self.box)
        self._floor = pg.InfiniteLine(pos=0.0, angle=0)
        self._busy = [pg.InfiniteLine(angle=90) for _ in range(2)]
        self._words = [pg.TextItem(anchor=(0, 0)) for _ in range(2)]
        self._no_rate = pg.TextItem(anchor=(0, 0.5))
        for item in (
            *self._busy, self._floor, *self._blocks, *self._medians, self._silent, self._words[0],
            self._no_rate,
        ):  # fmt: skip
            self.box.addItem(item, ignoreBounds=True)
        for item in (*self._bars, self._words[1]):
            self.counts.addItem(item, ignoreBounds=True)
        self._target = TargetLine(self.box, 0)

    def dress(self, look: Look) -> None:
        theme, texts = look.theme, look.texts
        self.style_axes(look, [self.left, self.counted, self.bottom])
        for axis in (self.left, self.counted, self.bottom):
            axis.texts = texts
        event, usual = QColor(theme.above), QColor(theme.soft_ink)
        veil = QColor(event)
        veil.setAlphaF(0.35)
        outline = pg.mkPen(usual, width=look.px(1.5))
        self._blocks[0].setOpts(brush=QBrush(veil), pen=pg.mkPen(event, width=look.px(1)))
        self._blocks[1].setOpts(brush=QBrush(Qt.BrushStyle.NoBrush), pen=outline)
        self._medians[0].setPen(pg.mkPen(event, width=look.px(3)))
        self._medians[1].setPen(pg.mkPen(usual, width=look.px(3)))
        self._bars[0].setOpts(brush=QBrush(veil), pen=pg.mkPen(event, width=look.px(1)))
        hatched = QBrush(QColor(theme.no_service), Qt.BrushStyle.BDiagPattern)
        self._bars[1].setOpts(brush=hatched, pen=pg.mkPen(theme.no_service, width=look.px(1)))
        self._bars[2].setOpts(brush=QBrush(Qt.BrushStyle.NoBrush), pen=outline)
        self._silent.set_signs([theme.no_service], [Shape.CROSS], theme.panel, look.px(5))
        self._floor.setPen(pg.mkPen(theme.line, width=look.px(1)))
        for line in self._busy:
            line.setPen(pg.mkPen(theme.ink, width=look.px(1), style=Qt.PenStyle.DotLine))
        self._target.dress(look)
        for words, text_id in (
            (self._words[0], "mbps"),
            (self._words[1], "wb_event_counts"),
            (self._no_rate, "wb_no_rate"),
        ):
            words.setColor(QColor(theme.soft_ink))
            words.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
            words.setText(texts.tr(text_id))
        for choice, text_id in (
            (self.event_day, "wb_event_day"),
            (self.usual_day, "wb_event_usual"),
        ):
            choice.setAccessibleName(texts.tr(text_id))
            choice.setToolTip(texts.tr(text_id))

    def draw(self, look: Look, changed: Changed) -> None:
        if changed & (Changed.DATA | Changed.FILTER | Changed.SELECTION):
            self._compare()

    # What is compared

    def _compare(self) -> None:
        model = self.model
        if self._look is None or not model.is_open:
            return
        tables, offered, (selected, _) = (
            model.measurements,
            model.offered_tests(),
            model.compared(),
        )
        event, baseline = self.event_day.currentData(), self.usual_day.currentData()
        self._jobs.run(
            "event",
            lambda _progress, _cancelled: event_hours(tables, offered, selected, event, baseline),
            self._show,
            failed=self._fail,
        )

    def _fail(self, told: Message) -> None:
        if self._look is not None:
            self.sentence.setText(self._look.texts.say(told))

    # What came of it

    def _show(self, found: EventHours) -> None:
        if self._look is None:
            return
        self.found = found
        self._offer(self._look, found)
        hours = found.hours
        self.sentence.setText(self._said(self._look, found))
        self.setAccessibleDescription(self.sentence.text())
        self._draw_rates(self._look, hours)
        self._draw_counts(hours)
        self._tell_legend(self._look, found)

    def _offer(self, look: Look, found: EventHours) -> None:
        days = sorted(found.days)
        for choice, chosen, text_id in (
            (self.event_day, found.event, "wb_event_is"),
            (self.usual_day, found.baseline, "wb_event_usually"),
        ):
            choice.blockSignals(True)
            choice.clear()
            for day in days:
                choice.addItem(look.texts.tr(text_id, day=day_name(day)), day)
            choice.setCurrentIndex(days.index(chosen) if chosen in days else -1)
            choice.blockSignals(False)
            choice.setVisible(bool(days))

    def _said(self, look: Look, found: EventHours) -> str:
        from fieldsurvey.analysis.event_sentence import busy_sentence

        texts = look.texts
        if found.hours is None:
            words = [texts.tr("wb_event_nobody_stood")]
        else:
            busy = busy_sentence(found.hours)
            words = [texts.tr("wb_event_too_few") if busy is None else spoken(texts, busy)]
        if found.driving_tests:
            words[0] = words[0].removesuffix(".") + "."  # another sentence follows
            number = texts.number(found.driving_tests)
            words.append(texts.tr("wb_event_driving", tests=number))
        return " ".join(words)

    def _draw_rates(self, look: Look, hours: "pl.DataFrame | None") -> None:
        target_mbps = self.model.facts.target_bps / 1e6
        sides = [_ranks(hours, side) for side in ("event", "baseline")]
        highest = max(float(np.nan_to_num(ranks.high).max(initial=0.0)) for ranks in sides)
        top = round_top(max(target_mbps * 1.3, highest))
        nowhere = -_BAND / 2 * top  # where no rate lies
        silent: list[float] = []
        for number, (ranks, (begin, end)) in enumerate(zip(sides, (_EVENT, _USUAL), strict=True)):
            spread = ranks.of(~np.isnan(ranks.high))
            self._blocks[number].setOpts(
                x0=spread.hour + begin,
                x1=spread.hour + end,
                y0=np.where(np.isnan(spread.low), nowhere, spread.low),
                y1=spread.high,
            )
            known = ranks.of(~np.isnan(ranks.middle))
            x = np.column_stack((known.hour + begin, known.hour + end)).ravel()
            self._medians[number].setData(x, np.repeat(known.middle, 2))
            silent += (ranks.of(np.isnan(ranks.middle)).hour + (begin + end) / 2).tolist()
        self._silent.set_points(
            np.array(silent),
            np.full(len(silent), nowhere),
            np.zeros(len(silent), np.uint8),
            np.ones(len(silent), bool),
        )
        self.box.setYRange(-_BAND * top, top * 1.04, padding=0)
        self._target.show(target_mbps)
        first, last = _span(hours)
        self.box.setXRange(first, last, padding=0.02)
        self._mark_busy(hours)
        self._words[0].setPos(first, top * 1.04)
        self._no_rate.setPos(first, nowhere)
        self._no_rate.setVisible(hours is not None)

    def _mark_busy(self, hours: "pl.DataFrame | None") -> None:
        """Draw a line where the busy hours begin and end, if a time stands out."""
        from fieldsurvey.analysis.event_sentence import busy_span

        span = None if hours is None else busy_span(hours)
        for number, line in enumerate(self._busy):
            line.setVisible(span is not None)
            if span is not None:
                line.setPos(span[number])

    def _draw_counts(self, hours: "pl.DataFrame | None") -> None:
        most = 1.0
        for item, name, (begin, end) in (
            (self._bars[0], "event_tests", _EVENT),
            (self._bars[1], "event_no_service", _EVENT),
            (self._bars[2], "baseline_tests", _USUAL),
        ):
            hour, count = _column(hours, "hour"), _column(hours, name)
            item.setOpts(x0=hour + begin, x1=hour + end, y0=np.zeros(len(hour)), y1=count)
            most = max(most, float(count.max(initial=0.0)))
        self.counts.setYRange(0, most * _COUNTS_TOP, padding=0)
        self._words[1].setPos(_span(hours)[0], most * _COUNTS_TOP)

    def _tell_legend(self, look: Look, found: EventHours) -> None:
        theme = look.theme
        entries: list[tuple[Sign, str, str]] = []
        if found.event is not None:
            event = look.texts.tr("wb_event_is", day=day_name(found.event))
            entries.append((Shape.SQUARE, theme.above, event))
        if found.baseline is not None:
            usual = look.texts.tr("wb_event_usually", day=day_name(found.baseline))
            entries.append((Shape.FRAME, theme.soft_ink, usual))
        entries.append(target_entry(look, self.model))
        entries.append((Shape.CROSS, theme.no_service, look.texts.tr("wb_word_no_service")))
        entries.append((Qt.PenStyle.NoPen, theme.ink, look.texts.tr("wb_event_clock")))
        self.legend.show_entries(look, entries)

    def brush(self, low: float, high: float) -> None:
        """Select the event's tests of some hours."""
        if self.found is None or self.found.event is None:
            return
        since_us = self.model.facts.tests.utc_us - self.found.event
        hour = since_us / _HOUR_US
        self.model.brush_tests((hour >= low) & (hour < high) & (since_us < DAY_US))


def _block() -> pg.BarGraphItem:
    nothing = np.zeros(0)
    return pg.BarGraphItem(x0=nothing, x1=nothing, y0=nothing, y1=nothing)


def _column(hours: "pl.DataFrame | None", name: str) -> Floats:
    return np.zeros(0) if hours is None else hours[name].to_numpy().astype(float)


@dataclass(frozen=True)
class _Ranks:
    """The hours with tests enough to rank: the 10th, 50th and 90th of a hundred in Mbps, NaN where
    that had no service."""

    hour: Floats
    low: Floats
    middle: Floats
    high: Floats

    def of(self, chosen: Bools) -> "_Ranks":
        columns = (self.hour, self.low, self.middle, self.high)
        return _Ranks(*(column[chosen] for column in columns))


def _ranks(hours: "pl.DataFrame | None", side: str) -> _Ranks:
    low, middle, high = (_column(hours, f"{side}_p{percent}_bps") / 1e6 for percent in (10, 50, 90))
    enough = _column(hours, f"{side}_tests") >= FEWEST
    return _Ranks(_column(hours, "hour"), low, middle, high).of(enough)


def _span(hours: "pl.DataFrame | None") -> tuple[float, float]:
    hour = _column(hours, "hour")
    return (0.0, 24.0) if not len(hour) else (float(hour.min()), float(hour.max()) + 1.0)
