"""What has to be told without stopping anybody: one line, newest first, gone by itself.

Nothing here ever asks to be dismissed. What is gone from the line is still in ``history``.
"""

from collections import deque

from PySide6.QtCore import QElapsedTimer, QPointF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot, Health, Notice, StripItem
from fieldsurvey.gui.fitting import FittedLabel
from fieldsurvey.gui.shapes import HEALTH_SHAPES, draw_shape
from fieldsurvey.gui.status_strip import health_colour
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.messages import Message

SHOWN_MS = 20_000
_KEPT = 50
HEIGHT_PX = 48
_WORST_FIRST = (Health.FAILED, Health.DEGRADED)


class NoticeLine(QFrame):
    """The newest notice while it is fresh; else advice on the worst thing in the strip.

    Attributes:
        history: the newest notices of this run, newest first.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._newest_serial = -1
        self._shown: tuple[Health, Message] | None = None
        self._since = QElapsedTimer()
        self._health = Health.OFF
        self.history: deque[tuple[int, Health, Message]] = deque(maxlen=_KEPT)
        self.label = FittedLabel(19, lines=2)
        self._layout = QHBoxLayout(self)
        self._layout.addWidget(self.label)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setFixedHeight(look.px(HEIGHT_PX))
        self._layout.setContentsMargins(look.px(40), 0, look.px(8), 0)
        self.label.set_look(look, look.theme.ink)
        self.update()

    def tell(self, utc_us: int, health: Health, message: Message) -> None:
        """Show a notice of the window's own."""
        self.history.appendleft((utc_us, health, message))
        self._shown = (health, message)
        self._since.start()

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        if self._look is None:
            return
        for notice in snapshot.notices:
            self._take(notice)
        if self._since.isValid() and self._since.elapsed() > SHOWN_MS:
            self._shown = None
        health, message = self._shown or _advice(snapshot) or (Health.OFF, None)
        text = "" if message is None else self._look.texts.say(message)
        self.label.show_text(text)
        name = self._look.texts.tr("notices") + (f": {text}" if text else "")
        if name != self.accessibleName():
            self.setAccessibleName(name)
        if health is not self._health:
            self._health = health
            self.update()

    def _take(self, notice: Notice) -> None:
        if notice.serial > self._newest_serial:
            self._newest_serial = notice.serial
            self.tell(notice.utc_us, notice.health, notice.message)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None or not self.label.text():
            return
        painter = QPainter(self)
        colour = QColor(health_colour(self._look.theme, self._health))
        centre = QPointF(self._look.px(20), self.height() / 2)
        draw_shape(painter, HEALTH_SHAPES[self._health], centre, self._look.px(11), colour)
        painter.end()


def _advice(snapshot: DriveSnapshot) -> tuple[Health, Message] | None:
    """Return what to do about the worst thing in the strip."""

    def advice_of(items: list[StripItem], health: Health) -> Message | None:
        return next((i.advice for i in items if i.health is health and i.advice), None)

    items = list(snapshot.strip.values())
    for health in _WORST_FIRST:
        advice = advice_of(items, health)
        if advice is not None:
            return health, advice
    return None
