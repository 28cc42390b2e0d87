"""The supervisor's map as a widget: what mouse and keys do, and what the window may ask of it.

Selections made elsewhere come in by ``set_selection``, those made here go out by ``brushed``; the
map itself selects nothing. What takes long happens in threads of its own: ``close_workers`` ends
them, and the end of the widget does.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from fieldsurvey.gui.fitting import BigButton
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_furniture import paint_notice, text_on_veil
from fieldsurvey.gui.map_view import MapView, degrees_of, project, project_one
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.tile_source import TileSource
from fieldsurvey.gui.workbench_map.brushing import Brush, points_inside
from fieldsurvey.gui.workbench_map.cloud_maker import CloudMaker
from fieldsurvey.gui.workbench_map.map_data import ClassPalette, MapPoints, MapStretch
from fieldsurvey.gui.workbench_map.map_picture import MapPicture
from fieldsurvey.gui.workbench_map.point_layer import cell_level, nearest_point
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


class WorkbenchMap(QWidget):
    """Attributes:
    trouble: why there is no base map though one was given; it is told on the map as well.

    Signals: ``hovered`` and ``clicked`` give the index of a point or None, ``stretch_clicked`` the
    key of a stretch, ``brushed`` a bool per point or None where the selection was given up.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    stretch_clicked = Signal(object)
    brushed = Signal(object)
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
        self._hovered: int | None = None
        self._mouse: QPointF | None = None
        self._pressed: QPointF | None = None
        self._panned_from: QPointF | None = None
        self._brush: Brush | None = None
        self._buttons = [BigButton(20, parent=self) for _ in range(3)]
        for button, press in zip(
            self._buttons, (self._zoom_in, self._zoom_out, self.show_all), strict=True
        ):
            button.clicked.connect(press)
        self._collect_timer = QTimer(self)
        self._collect_timer.setInterval(_COLLECT_MS)
        self._collect_timer.timeout.connect(self._collect)
        self._ground_timer = QTimer(self)  # whenever there is nothing else to do
        self._ground_timer.timeout.connect(self._paint_ground)
        self.destroyed.connect(functools.partial(_end_workers, self._picture, self._maker))
        self.setMinimumSize(120, 80)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # What the window asks

    @property
    def view(self) -> MapView:
        return self._view

    def set_look(self, look: Look) -> None:
        self._look = look
        texts, theme = look.texts, look.theme
        self.setAccessibleName(texts.tr("map_name"))
        self.setAccessibleDescription(texts.tr("map_help"))
        for button, face, name in zip(
            self._buttons,
            ("+", "−", "⤢"),
            ("do_zoom_in", "do_zoom_out", "map_show_all"),
            strict=True,
        ):
            button.set_look(look, theme.button, theme.on_button, _BUTTON_PX)
            button.show_text(face, texts.tr(name))
            button.setToolTip(texts.tr(name))
        self._arrange()
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
        self._hover_over(None)
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

    def show_all(self) -> None:
        """Show all points; without any, all stretches of highway there are."""
        self._show_all_when_ready = self._maker.is_busy
        box = None if self._picture.cloud is None else self._picture.cloud.pyramid.extent()
        features = self._picture.features
        if box is None and features is not None and len(features.highway_x):
            x, y = features.highway_x, features.highway_y
            box = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        if box is not None:
            self._show(self._view.fitted(box, _MARGIN_PX))

    def show_box(self, south: float, west: float, north: float, east: float) -> None:
        """Show this rectangle of degrees whole."""
        x, y = project(np.array([north, south]), np.array([west, east]))
        box = float(x[0]), float(y[0]), float(x[1]), float(y[1])
        self._show_all_when_ready = False
        self._show(self._view.fitted(box, _MARGIN_PX))

    def box(self) -> tuple[float, float, float, float]:
        """Return south, west, north and east of what is shown, in degrees."""
        left, top, right, bottom = self._view.bounds()
        (north, west), (south, east) = degrees_of(left, top), degrees_of(right, bottom)
        return south, west, north, east

    def zoom_by(self, steps: float) -> None:
        """Nearer (positive) or further, around the mouse where it is on the map."""
        at = None if self._mouse is None else (self._mouse.x(), self._mouse.y())
        self._show(self._view.zoomed(steps, at))

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
        self._picture.cloud = self._maker.cloud
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
        self._paint_hovered(painter, self._look)
        if self._brush is not None:
            self._brush.paint(painter, self._look)
        self._paint_words(painter, self._look)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._look.theme.ink), self._look.px(2)))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()
        tiles = self._picture.tiles
        for timer, wanted in (
            (self._collect_timer, tiles is not None and tiles.is_busy()),
            (self._ground_timer, self._picture.is_busy),
        ):
            if wanted and not timer.isActive():  # starting it again would put it off
                timer.start()

    def _paint_hovered(self, painter: QPainter, look: Look) -> None:
        singles = self._picture.singles
        if self._hovered is None or singles is None:
            return
        for place in np.flatnonzero(singles.along == self._hovered):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.theme.ink), look.px(2)))
            at = QPointF(singles.x[place], singles.y[place])
            painter.drawEllipse(at, look.px(9), look.px(9))

    def _paint_words(self, painter: QPainter, look: Look) -> None:
        """Coordinates and stretch under the mouse; why there is no base map."""
        if self._mouse is not None:
            words = [self._coordinates(look)]
            stretch = self._stretch_at(self._mouse)
            if stretch is not None:
                words.insert(0, stretch.label)
            at = QPointF(look.px(12), self.height() - look.px(64))
            text_on_veil(painter, at, " · ".join(words), look, 13, 0, 0)
        if self.trouble is not None:
            paint_notice(painter, self._view, look.texts.say(self.trouble), look)

    def _coordinates(self, look: Look) -> str:
        assert self._mouse is not None
        at = self._view.one_to_world(self._mouse.x(), self._mouse.y())
        latitude, longitude = (look.texts.number(degrees, 5) for degrees in degrees_of(*at))
        return look.texts.tr("map_coordinates", latitude=latitude, longitude=longitude)

    # Mouse and keys

    def _stretch_at(self, at: QPointF) -> MapStretch | None:
        return self._picture.stretches.nearest(self._view, at.x(), at.y(), _REACH_PX)

    def _point_at(self, at: QPointF) -> int | None:
        """Return the place along the curve of the single point at a pixel."""
        singles = None if self._maker.has_other_points else self._picture.singles
        return None if singles is None else nearest_point(singles, at.x(), at.y(), _REACH_PX)

    def _index_of(self, along: int | None) -> int | None:
        cloud = self._picture.cloud
        return None if along is None or cloud is None else int(cloud.pyramid.order[along])

    def _hover_over(self, along: int | None) -> None:
        if along != self._hovered:
            self._hovered = along
            self.hovered.emit(self._index_of(along))

    def _click(self, at: QPointF) -> None:
        along = self._point_at(at)
        self.clicked.emit(self._index_of(along))
        stretch = self._stretch_at(at) if along is None else None
        if stretch is not None:
            self.stretch_clicked.emit(stretch.key)

    def _finish_brush(self) -> None:
        brush, self._brush = self._brush, None
        self.update()
        if brush is None:
            return
        if brush.is_a_click:
            self.brushed.emit(None)
            return
        view = self._view
        self._maker.later(
            lambda cloud: points_inside(cloud.pyramid, brush, view), self.brushed.emit
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at, held = event.position(), event.modifiers()
        if held & Qt.KeyboardModifier.ShiftModifier:
            corner = (at.x(), at.y())
            is_lasso = bool(held & Qt.KeyboardModifier.ControlModifier)
            self._brush = Brush((corner, corner), is_lasso)
        else:
            self._pressed = self._panned_from = at

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._mouse = event.position()
        if self._brush is not None:
            self._brush = self._brush.drawn_to(at.x(), at.y())
        elif self._panned_from is not None:
            if self._pressed is not None:
                if (at - self._pressed).manhattanLength() < _CLICK_PX:
                    return
                self._pressed = None  # no click any more
            moved = at - self._panned_from
            self._panned_from = at
            self._show(self._view.panned(moved.x(), moved.y()))
        else:
            self._hover_over(self._point_at(at))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self._finish_brush()
        if self._pressed is not None:
            self._click(event.position())
        self._pressed = self._panned_from = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        at = event.position()
        steps = event.angleDelta().y() / _WHEEL_STEP
        self._show(self._view.zoomed(steps, (at.x(), at.y())))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._mouse = None
        self._hover_over(None)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in _ARROWS:
            right, down = _ARROWS[Qt.Key(key)]
            self._show(
                self._view.panned(-right * _STEP * self.width(), -down * _STEP * self.height())
            )
        elif event.text() in ("+", "="):
            self.zoom_by(0.5)
        elif event.text() in ("-", "−"):
            self.zoom_by(-0.5)
        elif key == Qt.Key.Key_Home:
            self.show_all()
        elif key == Qt.Key.Key_Escape:
            self._brush = None
            self.brushed.emit(None)
            self.update()
        else:
            super().keyPressEvent(event)

    def _zoom_in(self) -> None:
        self._show(self._view.zoomed(0.5))

    def _zoom_out(self) -> None:
        self._show(self._view.zoomed(-0.5))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view = replace(self._view, width=max(1, self.width()), height=max(1, self.height()))
        self._arrange()

    def _arrange(self) -> None:
        """Put the buttons over the upper right of the picture."""
        if self._look is None:
            return
        side, gap = self._look.px(_BUTTON_PX), self._look.px(6)
        for number, button in enumerate(self._buttons):
            button.setGeometry(self.width() - side - gap, gap + number * (side + gap), side, side)


_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


def _end_workers(picture: MapPicture, maker: CloudMaker, *_: object) -> None:
    picture.close_tiles()
    maker.close()
