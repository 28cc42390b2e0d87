"""The last minutes of throughput against the target line, with the stretches without service.

A strip, not an analysis: time runs to the right edge, nothing can be dragged, and it is drawn once
a second. Imports pyqtgraph, which takes a quarter of a second: only ``throughput_strip`` may import
this module, and does so after the window is on screen.
"""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QTransform
from PySide6.QtWidgets import (
    QGraphicsItem,
    QStyleOptionGraphicsItem,
    QVBoxLayout,
    QWidget,
)

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.reading import Outlook, Reading, reading_of
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, shape_path
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.gui.trail import Trail, no_service_bands
from fieldsurvey.model.throughput import ThroughputTest

_US_PER_S = 1e6
SHOWN_S = 15 * 60
_MINUTE_TICKS = (-12, -8, -4, 0)


class ServiceBands(QGraphicsItem):
    """Hatched stretches without service, over the full height of the chart.

    Attributes:
        spans: start and end in minutes before now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[float, float]] = []
        self.top = 1.0
        self.colour = QColor("purple")

    def show_spans(self, spans: list[tuple[float, float]], top: float) -> None:
        if (spans, top) != (self.spans, self.top):
            self.prepareGeometryChange()
            self.spans, self.top = spans, top
            self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(-SHOWN_S / 60, 0, SHOWN_S / 60, self.top)

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        # Hatched in pixels: under the chart's own transform the pattern would be stretched.
        to_pixels = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        veil = QColor(self.colour)
        veil.setAlphaF(0.16)
        for start, end in self.spans:
            area = to_pixels.mapRect(QRectF(start, 0, end - start, self.top))
            area.setWidth(max(2.0, area.width()))
            painter.fillRect(area, veil)
            painter.fillRect(area, QBrush(self.colour, Qt.BrushStyle.BDiagPattern))
        painter.restore()


class ThroughputPlot(QWidget):
    """Bars with a shape on top, one per test, and the target as a labelled line."""

    def __init__(self, trail: Trail, target_mbps: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trail = trail
        self._target_mbps = target_mbps
        self._look: Look | None = None
        self._results: list[tuple[float, Reading]] = []  # end in UTC seconds
        self._drawn_second: int | None = None
        self.view = pg.GraphicsView(self)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # Not a PlotWidget: its menus cost twice as much to build as all the rest, and are unused.
        self._box = pg.ViewBox(enableMouse=False, enableMenu=False)
        self._box.sigResized.connect(self._redraw_soon)  # the gutter is in pixels
        self._axes = {side: pg.AxisItem(side, linkView=self._box) for side in ("left", "bottom")}
        cells = pg.GraphicsLayout()
        cells.setContentsMargins(0, 0, 0, 0)
        cells.setSpacing(0)
        cells.addItem(self._axes["left"], 0, 0)
        cells.addItem(self._box, 0, 1)
        cells.addItem(self._axes["bottom"], 1, 1)
        self.view.setCentralItem(cells)
        self._bands = ServiceBands()
        self._box.addItem(self._bands, ignoreBounds=True)
        self._bars = {outlook: pg.PlotCurveItem(connect="pairs") for outlook in Outlook}
        self._points = {outlook: pg.ScatterPlotItem() for outlook in Outlook}
        for outlook in Outlook:
            self._box.addItem(self._bars[outlook], ignoreBounds=True)
            self._box.addItem(self._points[outlook], ignoreBounds=True)
            symbol = QTransform.fromScale(0.5, 0.5).map(shape_path(OUTLOOK_SHAPES[outlook]))
            self._points[outlook].setSymbol(symbol)
        self._target = pg.InfiniteLine(pos=target_mbps, angle=0)
        self._target_label = pg.TextItem(anchor=(0, 0.5))
        self._box.addItem(self._target, ignoreBounds=True)
        self._box.addItem(self._target_label, ignoreBounds=True)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.view)

    def set_look(self, look: Look) -> None:
        self._look = look
        theme, texts = look.theme, look.texts
        self.setAccessibleName(texts.tr("chart"))
        self.view.setAccessibleName(texts.tr("chart"))
        self.view.setBackground(theme.panel)
        self._bands.colour = QColor(theme.no_service)
        font = screen_font(look.px(14), bold=False)
        for axis in self._axes.values():
            axis.setPen(QColor(theme.line))
            axis.setTextPen(QColor(theme.soft_ink))
            axis.setStyle(tickFont=font, tickTextOffset=look.px(4), tickLength=-look.px(4))
        self._axes["left"].setWidth(look.px(44))
        self._axes["bottom"].setHeight(look.px(24))
        self._axes["bottom"].setTicks([self._minute_ticks(look)])
        for outlook in Outlook:
            colour = QColor(outlook_colours(theme, outlook)[0])
            self._bars[outlook].setPen(pg.mkPen(colour, width=look.px(3)))
            self._points[outlook].setBrush(colour)
            self._points[outlook].setPen(pg.mkPen(theme.panel))
            self._points[outlook].setSize(look.px(15))
        self._target.setPen(pg.mkPen(theme.target_line, width=look.px(2), style=_dashed()))
        self._target_label.fill = pg.mkBrush(theme.panel)
        self._target_label.setColor(QColor(theme.ink))
        self._target_label.setFont(screen_font(look.px(14), bold=True))
        target = texts.number(self._target_mbps)
        self._target_label.setText(texts.tr("target_label", target=target))
        self._drawn_second = None

    @staticmethod
    def _minute_ticks(look: Look) -> list[tuple[int, str]]:
        texts = look.texts
        return [
            (minute, texts.tr("now") if minute == 0 else texts.tr("minutes", n=f"−{-minute}"))
            for minute in _MINUTE_TICKS
        ]

    def _redraw_soon(self) -> None:
        self._drawn_second = None

    def clear(self) -> None:
        """A new drive begins."""
        self._results.clear()
        self._drawn_second = None

    def append(self, tests: list[ThroughputTest]) -> None:
        self._results += [(test.ended_utc_us / _US_PER_S, reading_of(test)) for test in tests]
        if tests:
            self._drawn_second = None

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        """Draw again if a second has passed or a test has come."""
        now_s = snapshot.utc_us / _US_PER_S
        if self._look is None or self._drawn_second == int(now_s):
            return
        self._drawn_second = int(now_s)
        recent = [(t, r) for t, r in self._results if 0 <= now_s - t <= SHOWN_S]
        top = _round_top(
            max([self._target_mbps * 1.3, *(r.mbps or 0.0 for _, r in recent)], default=1.0)
        )
        gutter_min = self._gutter_min()
        self._box.setXRange(-SHOWN_S / 60, gutter_min, padding=0)
        self._box.setYRange(0, top * 1.08, padding=0)
        self._target_label.setPos(gutter_min * 0.04, self._target_mbps)
        spans = [
            (max(-SHOWN_S, start - now_s) / 60, min(0.0, end - now_s) / 60)
            for start, end in no_service_bands(
                self._trail.utc_s, self._trail.reachable, now_s - SHOWN_S
            )
        ]
        self._bands.show_spans(spans, top * 1.08)
        for outlook in Outlook:
            self._show_results(outlook, recent, now_s, top)

    def _gutter_min(self) -> float:
        """Minutes right of now that the name of the target line needs."""
        label_px = self._target_label.boundingRect().width() * 1.06
        width_px = self._box.width()
        return float(SHOWN_S / 60 * label_px / max(1.0, width_px - label_px))

    def target_label_is_cut(self) -> bool:
        """Return whether the name of the target line leaves the chart."""
        label = self._target_label.mapRectToScene(self._target_label.boundingRect())
        shown = self._box.mapRectToScene(self._box.rect())
        return not bool(shown.adjusted(-1, -1, 1, 1).contains(label))

    def _show_results(
        self, outlook: Outlook, recent: list[tuple[float, Reading]], now_s: float, top: float
    ) -> None:
        mine = [((t - now_s) / 60, reading) for t, reading in recent if reading.outlook is outlook]
        minutes = np.array([minute for minute, _ in mine])
        # A result without a number has no height: its shape stands on the axis.
        foot = top * 0.05
        heights = np.array([foot if r.mbps is None else r.mbps for _, r in mine])
        bars = np.column_stack((np.zeros(len(mine)), heights)).ravel()
        self._bars[outlook].setData(np.repeat(minutes, 2), bars)
        self._points[outlook].setData(minutes, heights)


def _round_top(mbps: float) -> float:
    """Return the next of 1, 2, 3, 5 × 10ⁿ, so that the axis changes seldom."""
    power = 10.0 ** math.floor(math.log10(mbps))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * power >= mbps)


def _dashed() -> Qt.PenStyle:
    return Qt.PenStyle.DashLine
