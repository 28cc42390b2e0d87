"""Round trips along time or a highway: every second's, each test's while idle and under load.

A link that is fast and answers a second late under load is no good for a call; hence both dots of a
test stand on the same line. Logarithmic, because what matters reaches from 20 ms to seconds.
"""

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.along_chart import AlongChart
from fieldsurvey.gui.workbench.chart_axes import LogAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud, Trace
from fieldsurvey.gui.workbench.chart_parts import TEXT_PX, clock_entry, limit_along
from fieldsurvey.gui.workbench.facts import Bools, Floats, Ints
from fieldsurvey.gui.workbench.results import FEWEST
from fieldsurvey.gui.workbench.saying import empty_road
from fieldsurvey.gui.workbench.selection import SelectionModel

_US_PER_MS = 1000.0
_LOWEST_MS, _HIGHEST_MS = 5.0, 5_000.0


class LatencyChart(AlongChart):
    name_id = "wb_chart_latency"

    def __init__(self, model: SelectionModel) -> None:
        super().__init__(model, LogAxis("left"))
        self._seconds = Trace(self.box)
        self._points = PointCloud(self.box)
        self._unit = pg.TextItem(anchor=(0, 0))
        for item in (self._seconds, self._points, self._unit):
            self.box.addItem(item, ignoreBounds=True)
        self.box.sigRangeChanged.connect(self._place_unit)
        # Seconds with a round trip in the order of the axis.
        self._order: Ints | None = None
        self._x = self._y = np.zeros(0)

    def cloud(self) -> PointCloud:
        return self._points

    def test_of(self, point: int) -> int:
        return point % len(self.model.tests)

    def dress(self, look: Look) -> None:
        super().dress(look)
        theme = look.theme
        self._seconds.set_colour(theme.line)
        colours, shapes = [theme.above, theme.below], [Shape.DIAMOND, Shape.SQUARE]
        self._points.set_signs(colours, shapes, theme.panel, look.px(4))
        self._unit.setColor(QColor(theme.soft_ink))
        self._unit.setFont(screen_font(look.px(TEXT_PX - 1), bold=False))
        self._unit.setText(look.texts.tr("wb_ms_unit"))

    def draw_values(self, look: Look, *, anew: bool) -> None:
        facts, tests = self.model.facts, self.model.tests
        if anew:
            both = np.concatenate([facts.idle_latency_us, facts.loaded_latency_us])
            ranks = np.repeat(np.array([0, 1], np.uint8), len(tests))
            x = np.tile(self.along.tests, 2)
            self._points.set_points(x, _log_ms(both), ranks, np.tile(tests, 2))
            self.box.setYRange(np.log10(_LOWEST_MS), np.log10(_HIGHEST_MS) + 0.08, padding=0)
            known = np.isfinite(facts.round_trip_us) & np.isfinite(self.along.samples)
            rows = np.flatnonzero(known)
            self._order = rows[np.argsort(self.along.samples[rows], kind="stable")]
            self._x = self.along.samples[self._order]
            self._y = _log_ms(facts.round_trip_us[self._order])
            limit_along(self.box, self.along)
        self._points.set_selected(np.tile(tests, 2))
        if self._order is not None:
            # Numbers of rows: a mask of a million would be gone through for either column.
            shown = np.flatnonzero(self.model.samples.take(self._order))
            self._seconds.set_values(self._x[shown], self._y[shown])
        self.sentence.setText(empty_road(look.texts, self.along) or self._say(look, tests))
        self.legend.show_entries(
            look,
            [
                (Shape.DIAMOND, look.theme.above, look.texts.tr("wb_idle")),
                (Shape.SQUARE, look.theme.below, look.texts.tr("wb_loaded")),
                (Shape.BAR, look.theme.line, look.texts.tr("wb_each_second")),
                *clock_entry(look, self.along),
            ],
        )

    def _say(self, look: Look, tests: Bools) -> str:
        facts, texts = self.model.facts, look.texts
        idle, loaded = (
            np.sort(values[tests & np.isfinite(values)])
            for values in (facts.idle_latency_us, facts.loaded_latency_us)
        )
        if min(len(idle), len(loaded)) < FEWEST:
            return texts.tr("wb_too_few_latencies", fewest=FEWEST)
        return texts.tr(
            "wb_latency_sentence",
            idle=texts.number(_median(idle) / _US_PER_MS),
            loaded=texts.number(_median(loaded) / _US_PER_MS),
            count=texts.number(len(loaded)),
        )

    def _place_unit(self) -> None:
        (left, _right), (_bottom, top) = self.box.viewRange()
        self._unit.setPos(left, top)


def _median(ordered: Floats) -> float:
    """Return the middle by rank: one that was measured, of two the greater, which flatters less."""
    return float(ordered[len(ordered) // 2])


def _log_ms(latency_us: Floats) -> Floats:
    return np.log10(np.clip(latency_us / _US_PER_MS, _LOWEST_MS, _HIGHEST_MS))
