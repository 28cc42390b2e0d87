"""The supervisor's map without its hands: what the window may give it and show on it.

What takes long happens in threads of its own: ``close_workers`` ends them, and the end of the
widget does. Must not know of mouse and keys.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_furniture import paint_notice
from fieldsurvey.gui.map_view import MapView, degrees_of, project, project_one
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.tile_source import TileSource
from fieldsurvey.gui.workbench_map.cloud_maker import CloudMaker
from fieldsurvey.gui.workbench_map.hexagon_layer import HexagonLayer
from fieldsurvey.gui.workbench_map.legend import legend_end_px
from fieldsurvey.gui.workbench_map.map_data import (
    ClassPalette,
    MapHexagon,
    MapPoints,
    MapStretch,
)
from fieldsurvey.gui.workbench_map.map_picture import MapPicture
from fieldsurvey.gui.workbench_map.point_layer import cell_level
from fieldsurvey.gui.workbench_map.route_layer import Leg, RouteSigns
from fieldsurvey.gui.workbench_map.settlement_signs import SettlementSigns
from fieldsurvey.gui.workbench_map.stretch_layer import StretchLines
from fieldsurvey.model.messages import Message
from fieldsurvey.model.verdict import Verdict

_COLLECT_MS = 40
_REACH_PX = 8.0
_CLICK_PX = 4
_BUTTON_PX = 32
_MARGIN_PX = 24
_STEP = 1 / 8  # of the map's side, per arrow key
_WHEEL_STEP = 240  # two notches of a common wheel double the scale


class MapSurface(QWidget):
    """Attributes:
    trouble: why there is no base map though one was given; it is told on the map as well.
    """

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.trouble: Message | None = None
        self._look: Look | None = None
        self._view = MapView()
        self._picture = MapPicture()
        self._verdicts: Mapping[str, Verdict] = {}
        self._palette: ClassPalette | None = None
        self._show_all_when_ready = False
        self._maker = CloudMaker(self)
        self._maker.changed.connect(self._take_cloud)
        self._collect_timer = QTimer(self)
        self._collect_timer.setInterval(_COLLECT_MS)
        self._collect_timer.timeout.connect(self._collect)
        self._ground_timer = QTimer(self)  # whenever there is nothing else to do
        self._ground_timer.timeout.connect(self._paint_ground)
        self.destroyed.connect(functools.partial(_end_workers, self._picture, self._maker))
        self.setMinimumSize(120, 80)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # What the window asks

    @property
    def view(self) -> MapView:
        return self._view

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setAccessibleName(look.texts.tr("map_name"))
        self.setAccessibleDescription(look.texts.tr("map_help"))
        self.update()

    def set_features(self, features: MapFeatures) -> None:
        """Draw these highways and settlements from now on."""
        self._picture.features = features
        self._judge_settlements()

    def set_basemap(self, path: Path | None) -> None:
        """Draw this file of tiles beneath everything, or none. A broken one is told."""
        self._close_tiles()
        self.trouble = None
        if path is not None:
            self._picture.tiles = TileSource(path)
            self._collect_timer.start()
        self._ground_changed()

    def set_points(self, points: MapPoints) -> None:
        """Draw these points as soon as they are sorted; nothing is selected. Their classes are of
        the palette given last; where it has not so many they wait for ``set_point_classes``."""
        self._maker.set_points(points, self._palette)
        self._picture.points_are_coming = True
        self.update()

    def set_point_classes(self, classes: NDArray[np.uint8], palette: ClassPalette) -> None:
        """Colour the points anew, one class per point. Raises ValueError for another length."""
        self._maker.set_classes(classes, palette)
        self._palette = palette

    def set_selection(self, selected: NDArray[np.bool_] | None) -> None:
        """Dim all other points; None dims none. Raises ValueError for another length."""
        self._maker.set_selection(selected)

    def set_stretches(self, stretches: Sequence[MapStretch]) -> None:
        self._picture.stretches = StretchLines(stretches)
        self._ground_changed()

    def set_hexagons(self, hexagons: Sequence[MapHexagon]) -> None:
        self._picture.hexagons = HexagonLayer(hexagons)
        self._ground_changed()

    def set_settlement_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """Show verdicts by settlement id."""
        self._verdicts = verdicts
        self._judge_settlements()

    def set_marker(self, latitude_deg: float | None, longitude_deg: float | None) -> None:
        if latitude_deg is None or longitude_deg is None:
            self._picture.marker = None
        else:
            self._picture.marker = project_one(latitude_deg, longitude_deg)
        self.update()

    def set_start(self, point: tuple[float, float] | None) -> None:
        """Mark where a car starts: latitude and longitude in degrees, or nowhere."""
        self._picture.start.at = None if point is None else project_one(*point)
        self.update()

    def set_route(self, legs: Sequence[Leg]) -> None:
        """Number the places of a route, each by its points in degrees; none: there is no route."""
        self._picture.route = RouteSigns(legs)
        self._ground_changed()

    def show_all(self) -> None:
        """Show all points; without any, all stretches of highway there are."""
        box = None if self._picture.cloud is None else self._picture.cloud.pyramid.extent()
        features = self._picture.features
        if box is None and features is not None and len(features.highway_x):
            x, y = features.highway_x, features.highway_y
            box = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        if box is not None:
            # Beside the legend, unless this takes half the map.
            legend_px = 0.0 if self._look is None else legend_end_px(self._look)
            covered_px = legend_px if legend_px < self._view.width / 2 else 0.0
            self._show(self._view.fitted(box, _MARGIN_PX, covered_px))
        self._show_all_when_ready = self._maker.is_busy

    def show_box(self, south: float, west: float, north: float, east: float) -> None:
        """Show this rectangle of degrees whole."""
        x, y = project(np.array([north, south]), np.array([west, east]))
        box = float(x[0]), float(y[0]), float(x[1]), float(y[1])
        self._show(self._view.fitted(box, _MARGIN_PX))

    def box(self) -> tuple[float, float, float, float]:
        """Return south, west, north and east of what is shown, in degrees."""
        left, top, right, bottom = self._view.bounds()
        (north, west), (south, east) = degrees_of(left, top), degrees_of(right, bottom)
        return south, west, north, east

    def render_to(self, painter: QPainter, size: QSize) -> None:
        """Draw what is on screen into a room of ``size``: nothing less is shown, more where the
        room has another shape. Lines and letters stay such; waits for tiles that are missing."""
        if self._look is None or size.isEmpty():
            return
        stretch = min(size.width() / self._view.width, size.height() / self._view.height)
        view = replace(
            self._view,
            width=round(size.width() / stretch),
            height=round(size.height() / stretch),
        )
        self._picture.wait_for_tiles(view, self._look)
        painter.save()
        painter.scale(stretch, stretch)
        painter.setClipRect(0, 0, view.width, view.height)
        self._picture.print(painter, view, self._look)
        painter.restore()

    def close_workers(self) -> None:
        """Wait for the threads that sort points and read tiles, and end them."""
        self._ground_timer.stop()
        self._collect_timer.stop()
        _end_workers(self._picture, self._maker)

    # What comes back from the workers

    def _take_cloud(self) -> None:
        before, now = self._picture.cloud, self._maker.cloud
        if before is None or now is None or before.pyramid is not now.pyramid:
            self._picture.singles = None  # their places are along the curve before
        self._picture.cloud = now
        self._picture.points_are_coming = self._maker.has_other_points
        if self._show_all_when_ready and not self._maker.is_busy:
            self.show_all()
        self.update()

    def _collect(self) -> None:
        tiles = self._picture.tiles
        if tiles is None:
            return
        if tiles.collect():
            self._picture.ground.changed()
            self.update()
        if tiles.trouble is not None:
            self.trouble = tiles.trouble
            self._close_tiles()
        elif not tiles.is_busy():
            self._collect_timer.stop()

    def _paint_ground(self) -> None:
        if not self._picture.step():
            self._ground_timer.stop()
            self.update()

    def _close_tiles(self) -> None:
        self._collect_timer.stop()
        self._picture.close_tiles()

    def _judge_settlements(self) -> None:
        features = self._picture.features
        if features is not None:
            self._picture.settlements = SettlementSigns(features, self._verdicts)
        self._ground_changed()

    def _ground_changed(self) -> None:
        self._picture.changed()
        self.update()

    def _show(self, view: MapView) -> None:
        self._show_all_when_ready = False
        if view == self._view:
            return
        self._view = view
        self._maker.level_in_view = cell_level(view)
        if self._picture.tiles is not None:
            self._picture.tiles.forget_requests()
        self.update()
        self.view_changed.emit()

    # Pictures

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        painter = QPainter(self)
        self._picture.paint(painter, self._view, self._look)
        if self.trouble is not None:
            paint_notice(painter, self._view, self._look.texts.say(self.trouble), self._look)
        self._paint_over(painter, self._look)
        painter.end()
        tiles = self._picture.tiles
        for timer, wanted in (
            (self._collect_timer, tiles is not None and tiles.is_busy()),
            (self._ground_timer, self._picture.is_busy),
        ):
            if wanted and not timer.isActive():  # starting it again would put it off
                timer.start()

    def _paint_over(self, painter: QPainter, look: Look) -> None:
        """Draw what is on screen only, over everything else."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view = replace(self._view, width=max(1, self.width()), height=max(1, self.height()))


def _end_workers(picture: MapPicture, maker: CloudMaker, *_: object) -> None:
    picture.stop()
    picture.close_tiles()
    maker.close()
