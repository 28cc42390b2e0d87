"""Six things that must be well, always visible, always in the same order.

Each tells its state by shape and by words; the colour only helps.
"""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot, Health, StripItem, StripKind
from fieldsurvey.gui.fitting import FittedLabel
from fieldsurvey.gui.shapes import HEALTH_SHAPES, draw_shape
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look, Theme

_HEIGHT_PX = 70
_SHAPE_RADIUS_PX = 12
# Share of the width; the network has causes to tell.
_WIDTHS = {
    StripKind.POSITION: 16,
    StripKind.NETWORK: 22,
    StripKind.STORAGE: 17,
    StripKind.QUEUE: 17,
    StripKind.POWER: 13,
    StripKind.CLOCK: 15,
}


def health_colour(theme: Theme, health: Health) -> str:
    """Return the colour of a state."""
    return {
        Health.OK: theme.ok,
        Health.DEGRADED: theme.degraded,
        Health.FAILED: theme.failed,
        Health.OFF: theme.off,
    }[health]


class StripCell(QFrame):
    """One thing: shape, name and short reading; the advice is its tooltip."""

    def __init__(self, kind: StripKind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = kind
        self._look: Look | None = None
        self.health = Health.OFF
        self._title = FittedLabel(16)
        self._value = FittedLabel(19, bold=True, lines=3)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self._title)
        self._layout.addWidget(self._value, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setFixedHeight(look.px(_HEIGHT_PX))
        left = look.px(_SHAPE_RADIUS_PX * 2 + 16)
        self._layout.setContentsMargins(left, look.px(5), look.px(4), look.px(4))
        self._layout.setSpacing(0)
        self._title.set_look(look, look.theme.soft_ink)
        self._value.set_look(look, look.theme.ink)
        self.update()

    def show_item(self, item: StripItem | None, texts: Texts) -> None:
        health = Health.OFF if item is None else item.health
        value = "–" if item is None else texts.say(item.value)
        title = texts.tr(f"strip_{self._kind.value}")
        self._title.show_text(title)
        self._value.show_text(value)
        name = f"{title}: {texts.tr(f'health_{health.value}')}, {value}"
        if name != self.accessibleName():
            self.setAccessibleName(name)
        advice = "" if item is None or item.advice is None else texts.say(item.advice)
        if advice != self.toolTip():
            self.setToolTip(advice)
            self.setAccessibleDescription(advice)
        if health is not self.health:
            self.health = health
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        look = self._look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(health_colour(look.theme, self.health))
        troubled = self.health in (Health.DEGRADED, Health.FAILED)
        painter.setPen(colour if troubled else QColor(look.theme.panel))
        painter.setBrush(QColor(look.theme.panel))
        frame = self.rect().adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(frame, look.px(8), look.px(8))
        centre = QPointF(look.px(_SHAPE_RADIUS_PX + 8), self.height() / 2)
        radius = look.px(_SHAPE_RADIUS_PX)
        draw_shape(painter, HEALTH_SHAPES[self.health], centre, radius, colour)
        painter.end()


class StatusStrip(QWidget):
    """Position, network, storage, queue, power and clock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts: Texts | None = None
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.cells = {kind: StripCell(kind) for kind in StripKind}
        for kind, cell in self.cells.items():
            self._layout.addWidget(cell, _WIDTHS[kind])

    def set_look(self, look: Look) -> None:
        self._texts = look.texts
        self._layout.setSpacing(look.px(6))
        self.setAccessibleName(look.texts.tr("strip"))
        for cell in self.cells.values():
            cell.set_look(look)

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        if self._texts is not None:
            for kind, cell in self.cells.items():
                cell.show_item(snapshot.strip.get(kind), self._texts)
