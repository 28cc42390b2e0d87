"""A chart of the workbench: axes, the target line, the slider, brushing with mouse and keyboard.

Dragging with the left button selects a range of x everywhere, the wheel zooms, the middle button
moves; with the keyboard, arrows go from test to test and with Shift select up to there. What is
drawn is up to the kinds of chart built upon this.
"""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.chart_parts import TEXT_PX, BrushBox, Legend, Sentence
from fieldsurvey.gui.workbench.selection import Changed, SelectionModel

_BRUSH_MS = 15
_ZOOM = 0.8
_LOWEST_VIEW_PX = 36


class Chart(QWidget):
    """Attributes:
    name_id: text id of its name.
    """

    name_id = ""

    def __init__(self, model: SelectionModel) -> None:
        super().__init__()
        self.model = model
        self._look: Look | None = None
        self._stale = Changed.DATA
        self._marked: tuple[float, float] | None = None
        self.sentence = Sentence()
        self.legend = Legend()
        self.view = pg.GraphicsView()
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setMinimumHeight(_LOWEST_VIEW_PX)  # the words come first
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self.sentence)
        self._layout.addWidget(self.view, 1)
        self._layout.addWidget(self.legend)
        self._cells = pg.GraphicsLayout()
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setSpacing(0)
        self.view.setCentralItem(self._cells)
        # A drag tells of every pixel; the views follow as fast as they can and no faster.
        self._brush_timer = QTimer(self)
        self._brush_timer.setSingleShot(True)
        self._brush_timer.setInterval(_BRUSH_MS)
        self._brush_timer.timeout.connect(self._pass_brush_on)
        model.listen(self.note_change)

    # Building

    def add_box(self, row: int, left: pg.AxisItem, bottom: pg.AxisItem | None) -> BrushBox:
        """Add a box with its axes in a row of the chart."""
        box = BrushBox()
        left.linkToView(box)
        self._cells.addItem(left, row, 0)
        self._cells.addItem(box, row, 1)
        if bottom is not None:
            bottom.linkToView(box)
            self._cells.addItem(bottom, row + 1, 1)
        box.brushed.connect(self._brush_soon)
        return box

    def style_axes(self, look: Look, axes: Sequence[pg.AxisItem]) -> None:
        font = screen_font(look.px(TEXT_PX - 1), bold=False)
        for axis in axes:
            axis.setPen(QColor(look.theme.line))
            axis.setTextPen(QColor(look.theme.soft_ink))
            axis.setStyle(tickFont=font, tickTextOffset=look.px(4), tickLength=-look.px(4))
            if axis.orientation == "left":
                axis.setWidth(look.px(46))
            else:
                axis.setHeight(look.px(22))

    # Looks

    def set_look(self, look: Look) -> None:
        self._look = look
        theme = look.theme
        self.view.setBackground(theme.panel)
        edge = look.px(6)
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self._layout.setSpacing(look.px(4))
        self.sentence.set_look(look, theme.ink)
        self.setAccessibleName(look.texts.tr(self.name_id))
        self.view.setAccessibleName(look.texts.tr(self.name_id))
        self.dress(look)
        self._stale |= Changed.DATA
        self.refresh()

    def dress(self, look: Look) -> None:
        """Take colours and fonts."""

    # Following the model

    def note_change(self, changed: Changed) -> None:
        self._stale |= changed
        self.refresh()

    def refresh(self) -> None:
        """Draw what is new, if anybody sees it."""
        if self.isVisible():
            self.catch_up()

    def catch_up(self) -> None:
        """Draw what is new, seen or not."""
        if self._look is None or not self._stale:
            return
        stale, self._stale = self._stale, Changed(0)
        if self.model.brush is None:
            self._marked = None
        self.draw(self._look, stale)
        self.setAccessibleDescription(self.sentence.text())

    def draw(self, look: Look, changed: Changed) -> None:
        """Show what is different."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    # Marking

    def _brush_soon(self, low: float, high: float) -> None:
        self._marked = (low, high)
        if not self._brush_timer.isActive():
            self._brush_timer.start()

    def _pass_brush_on(self) -> None:
        if self._marked is not None:
            self.brush(*self._marked)

    def brush(self, low: float, high: float) -> None:
        """Select what lies from ``low`` to ``high`` on the x axis, everywhere."""
        raise NotImplementedError

    def step(self, forward: bool, extend: bool) -> None:
        """Go to the next test, or select up to there."""

    def zoom(self, factor: float) -> None:
        """Show less (below 1) or more of x."""

    def show_all(self) -> None:
        """Show everything there is."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Right | Qt.Key.Key_Left:
                self.step(event.key() == Qt.Key.Key_Right, extend)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom(_ZOOM)
            case Qt.Key.Key_Minus | Qt.Key.Key_Underscore:
                self.zoom(1 / _ZOOM)
            case Qt.Key.Key_Home:
                self.show_all()
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus() and self._look is not None:
            painter = QPainter(self)
            painter.setPen(QColor(self._look.theme.above))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.end()
