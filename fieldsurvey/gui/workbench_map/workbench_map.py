"""The supervisor's map as a widget: what mouse and keys do, and what is told of it.

Selections made elsewhere come in by ``set_selection``, those made here go out by ``brushed``; the
map itself selects nothing. What it shows is ``map_surface``'s.
"""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from fieldsurvey.gui.fitting import BigButton
from fieldsurvey.gui.map_furniture import text_on_veil
from fieldsurvey.gui.map_view import degrees_of
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.brushing import Brush, points_inside
from fieldsurvey.gui.workbench_map.map_data import MapPoints, MapStretch
from fieldsurvey.gui.workbench_map.map_surface import MapSurface
from fieldsurvey.gui.workbench_map.point_layer import nearest_point

_REACH_PX = 8.0
_CLICK_PX = 4
_BUTTON_PX = 32
_STEP = 1 / 8  # of the map's side, per arrow key
_BRUSH_STEP = 1 / 32  # of it, on either side of the brush
_WHEEL_STEP = 240  # two notches of a common wheel double the scale
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class WorkbenchMap(MapSurface):
    """Signals: ``hovered`` and ``clicked`` give the index of a point or None, ``stretch_clicked``
    the key of a stretch, ``brushed`` a bool per point or None where the selection was given up."""

    hovered = Signal(object)
    clicked = Signal(object)
    stretch_clicked = Signal(object)
    brushed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered: int | None = None
        self._mouse: QPointF | None = None
        self._pressed: QPointF | None = None
        self._panned_from: QPointF | None = None
        self._brush: Brush | None = None
        self._brushes_by_keys = False
        self._buttons = [BigButton(20, parent=self) for _ in range(3)]
        presses = (lambda: self._zoom(0.5), lambda: self._zoom(-0.5), self.show_all)
        for button, press in zip(self._buttons, presses, strict=True):
            button.clicked.connect(press)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_look(self, look: Look) -> None:
        super().set_look(look)
        for button, face, name in zip(
            self._buttons,
            ("+", "−", "⤢"),
            ("do_zoom_in", "do_zoom_out", "map_show_all"),
            strict=True,
        ):
            button.set_look(look, look.theme.button, look.theme.on_button, _BUTTON_PX)
            button.show_text(face, look.texts.tr(name))
            button.setToolTip(look.texts.tr(name))
        self._arrange()

    def set_points(self, points: MapPoints) -> None:
        super().set_points(points)
        self._hover_over(None)

    def zoom_by(self, steps: float) -> None:
        """Nearer (positive) or further, around the mouse where it is on the map."""
        at = None if self._mouse is None else (self._mouse.x(), self._mouse.y())
        self._show(self._view.zoomed(steps, at))

    def _zoom(self, steps: float) -> None:
        """Nearer or further around the middle."""
        self._show(self._view.zoomed(steps))

    # Pictures

    def _paint_over(self, painter: QPainter, look: Look) -> None:
        self._paint_hovered(painter, look)
        if self._brush is not None:
            self._brush.paint(painter, look)
        self._paint_words(painter, look)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.theme.ink), look.px(2)))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

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
        """Coordinates and the judged place under the mouse."""
        if self._mouse is not None:
            words = [self._coordinates(look)]
            x, y = self._mouse.x(), self._mouse.y()
            place = self._stretch_at(self._mouse) or self._picture.hexagons.at(self._view, x, y)
            if place is not None:
                words.insert(0, place.label)
            at = QPointF(look.px(12), self.height() - look.px(64))
            text_on_veil(painter, at, " · ".join(words), look, 13, 0, 0)

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
        brush = self._brush
        self._give_up_brush()
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
            self._brush, self._brushes_by_keys = Brush((corner, corner), is_lasso), False
        else:
            self._pressed = self._panned_from = at

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._mouse = event.position()
        if self._brush is not None and not self._brushes_by_keys:
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
        if key in _ARROWS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._widen_brush(*_ARROWS[Qt.Key(key)])
        elif key in _ARROWS:
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
            self._give_up_brush()
            self.brushed.emit(None)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Shift and self._brushes_by_keys:
            self._finish_brush()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._brushes_by_keys:  # nobody would tell us that Shift is let go
            self._give_up_brush()

    def _widen_brush(self, right: int, down: int) -> None:
        """Draw a rectangle around the middle, wider to the right and higher upwards."""
        if self._brush is None:
            self._brush, self._brushes_by_keys = Brush.around_middle(self._view, 2 * _STEP), True
        elif self._brushes_by_keys:
            x, y = right * self.width() * _BRUSH_STEP, -down * self.height() * _BRUSH_STEP
            self._brush = self._brush.widened(x, y, self._view)
        self.update()

    def _give_up_brush(self) -> None:
        self._brush, self._brushes_by_keys = None, False
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the buttons over the upper right of the picture, side by side where it is low."""
        if self._look is None:
            return
        side, gap = self._look.px(_BUTTON_PX), self._look.px(6)
        step, last = side + gap, len(self._buttons) - 1
        is_low = self.height() < gap + len(self._buttons) * step
        for number, button in enumerate(self._buttons):
            across, down = (last - number, 0) if is_low else (0, number)
            button.setGeometry(self.width() - step - across * step, gap + down * step, side, side)
        self._picture.covered = tuple(QRectF(button.geometry()) for button in self._buttons)
