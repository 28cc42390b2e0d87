"""What charts along time or a highway share: the axis, the slider, brushing, going test by test."""

import numpy as np
import pyqtgraph as pg

from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.along import Along, Axis, along_road, along_time, main_highway
from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench.chart_axes import AlongAxis, NumberAxis
from fieldsurvey.gui.workbench.chart_items import PointCloud
from fieldsurvey.gui.workbench.chart_parts import span_of
from fieldsurvey.gui.workbench.facts import Bools, Floats
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel, Spot

_NEAR_PX = 14


class AlongChart(Chart):
    """Attributes:
    along: where everything lies on the axis.
    """

    def __init__(self, model: SelectionModel, left: NumberAxis) -> None:
        super().__init__(model)
        self._axis = Axis.TIME
        self.along: Along = along_time(model.facts)
        self.bottom = AlongAxis()
        self.left = left
        self.box = self.add_box(0, left, self.bottom)
        self.box.setMouseEnabled(x=True, y=False)
        self.slider = pg.InfiniteLine(angle=90, movable=True)
        self.slider.setZValue(50)
        self.slider.setVisible(False)
        self.slider.sigDragged.connect(self._slide)
        self.box.addItem(self.slider, ignoreBounds=True)
        self.box.picked.connect(self._pick)
        self._moved_by_hand = False
        self.box.sigRangeChangedManually.connect(self._note_hand)

    def cloud(self) -> PointCloud:
        """Return the points that are clicked."""
        raise NotImplementedError

    def set_axis(self, axis: Axis) -> None:
        if axis is not self._axis:
            self._axis = axis
            self._moved_by_hand = False
            self._stale |= Changed.DATA
            self.refresh()

    def dress(self, look: Look) -> None:
        self.style_axes(look, [self.left, self.bottom])
        self.left.texts = look.texts
        self.slider.setPen(pg.mkPen(look.theme.ink, width=look.px(1.5)))
        self.slider.setHoverPen(pg.mkPen(look.theme.above, width=look.px(3)))

    def draw(self, look: Look, changed: Changed) -> None:
        if changed & Changed.DATA or (changed & Changed.FILTER and self._axis is Axis.ROAD):
            self._find_axis(look, anew=bool(changed & Changed.DATA))
        if changed & (Changed.DATA | Changed.FILTER | Changed.SELECTION):
            self.draw_values(look, anew=bool(changed & Changed.DATA) or self._axis is Axis.ROAD)
        if changed & (Changed.DATA | Changed.FILTER) and not self._moved_by_hand:
            self.show_all()
        self._show_slider()

    def draw_values(self, look: Look, *, anew: bool) -> None:
        """Show what is selected; ``anew``: the values or the axis are others."""
        raise NotImplementedError

    def _find_axis(self, look: Look, *, anew: bool) -> None:
        facts = self.model.facts
        if self._axis is Axis.TIME:
            self.along = along_time(facts)
        else:
            highways = facts.tests.fields["highway_ref"]
            highway_ref = main_highway(highways, self.model.filtered_tests)
            if anew or self.along.highway_ref != highway_ref:
                self.along = along_road(facts, highway_ref)
        self.bottom.choose(self._axis, look.texts)

    def where(self) -> str:
        """Return the highway for the sentence, "" along time."""
        return self.along.highway_ref

    # Range

    def _note_hand(self, *_: object) -> None:
        self._moved_by_hand = True

    def show_all(self) -> None:
        self.catch_up()  # in a small window it may be out of sight, and still of what was open
        self._moved_by_hand = False
        shown = self.along.tests[self.model.filtered_tests]
        if not len(shown):
            shown = self.along.samples[self.model.filtered_samples]
        low, high = span_of(shown)
        self.box.setXRange(low, high, padding=0.02)

    def show_selected(self) -> None:
        """Show the range of what is selected."""
        self.catch_up()
        low, high = span_of(self.along.tests[self.model.tests])
        self._moved_by_hand = True
        self.box.setXRange(low, high, padding=0.05)

    def zoom(self, factor: float) -> None:
        self._moved_by_hand = True
        centre = self.slider.value() if self.slider.isVisible() else None
        low, high = self.box.viewRange()[0]
        if centre is None or not low < centre < high:
            centre = (low + high) / 2
        self.box.setXRange(
            centre - (centre - low) * factor, centre + (high - centre) * factor, padding=0
        )

    # The slider and the marker on the map are one

    def _show_slider(self) -> None:
        spot = self.model.marked_spot
        at = np.nan
        if spot is not None:
            at = (self.along.tests if spot.is_test else self.along.samples)[spot.row]
        self.slider.setVisible(bool(np.isfinite(at)))
        if np.isfinite(at) and self.slider.value() != at:
            self.slider.setValue(float(at))
            low, high = self.box.viewRange()[0]
            if not low <= at <= high:
                half = (high - low) / 2
                self.box.setXRange(at - half, at + half, padding=0)

    def _slide(self) -> None:
        far = np.abs(self.along.tests - self.slider.value())
        far[~self.model.tests] = np.nan
        if not np.isnan(far).all():
            self.model.look_at(Spot(True, int(np.nanargmin(far))))

    def _pick(self, x: float, y: float) -> None:
        x_unit, y_unit = (abs(size) for size in self.box.viewPixelSize())
        row = self.cloud().nearest(x, y, x_unit, y_unit)
        if row is not None and self._is_near(row, x, y, x_unit, y_unit):
            self.model.look_at(Spot(True, self.test_of(row)))
        else:
            self.model.set_brush(None)

    def _is_near(self, row: int, x: float, y: float, x_unit: float, y_unit: float) -> bool:
        at_x, at_y = self.cloud().place(row)
        return bool(np.hypot((at_x - x) / x_unit, (at_y - y) / y_unit) < _NEAR_PX)

    def test_of(self, point: int) -> int:
        """Return the test that a point of the cloud belongs to."""
        return point

    # Selecting

    def brush(self, low: float, high: float) -> None:
        self.model.set_brush(Brush(*self.along.between(low, high)))

    def step(self, forward: bool, extend: bool) -> None:
        x = self.along.tests
        among: Bools = (self.model.filtered_tests if extend else self.model.tests) & np.isfinite(x)
        if not among.any():
            return
        rows = np.flatnonzero(among)
        rows = rows[np.argsort(x[rows], kind="stable")]
        spot = self.model.spot
        if spot is None or not spot.is_test:
            target = rows[0] if forward else rows[-1]
        else:
            here = int(np.searchsorted(x[rows], x[spot.row]))
            matches = np.flatnonzero(rows == spot.row)
            if len(matches):
                here = int(matches[0])
            elif forward:  # it was left out: the next one has moved up to its place
                here -= 1
            target = rows[int(np.clip(here + (1 if forward else -1), 0, len(rows) - 1))]
        if extend:
            self._extend_to(x, spot, int(target))
        self.model.look_at(Spot(True, int(target)))

    def _extend_to(self, x: Floats, spot: Spot | None, target: int) -> None:
        anchor = x[target] if spot is None or not spot.is_test else x[spot.row]
        if self._marked is not None and self.model.brush is not None:
            low, high = self._marked
            anchor = low if abs(anchor - high) <= abs(anchor - low) else high
        self._marked = (float(min(anchor, x[target])), float(max(anchor, x[target])))
        self.brush(*self._marked)
