"""A sheet of lines over the map: the keys, or past notices. Any key closes it."""

import time
from collections.abc import Iterable

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from fieldsurvey.drive.snapshot import Health
from fieldsurvey.gui.actions import ACTIONS
from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.messages import Message

_LINE_PX = 18
_TITLE_PX = 26
_MAX_ROWS = 14
_WRAPPED = int(Qt.TextFlag.TextWordWrap)
_LEGEND = (
    ("▲", "above"),
    ("▼", "below"),
    ("◆", "undecided"),
    ("✕", "no_service"),
    ("○", "self_limited"),
)


class Sheet(QFrame):
    """A title and rows of two columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._title = self._foot = ""
        self._rows: list[tuple[str, str]] = []
        self.hide()

    def set_look(self, look: Look) -> None:
        self._look = look
        self.update()

    def show_rows(self, title: str, rows: list[tuple[str, str]], foot: str) -> None:
        self._title, self._rows, self._foot = title, rows, foot
        spoken = "; ".join(f"{left}: {right}" for left, right in rows)
        self.setAccessibleName(title)
        self.setAccessibleDescription(spoken)
        self.raise_()
        self.show()
        self.update()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.hide()

    def _place_rows(self) -> tuple[int, int, list[QRectF]]:
        """Return font size, left edge and the room of the right column of every row that fits."""
        scale = 1.0 if self._look is None else self._look.scale
        top, bottom = 62 * scale, self.height() - 40 * scale
        row_px = min(_LINE_PX * 1.7 * scale, (bottom - top) / max(1, len(self._rows)))
        font_px = max(6, min(round(_LINE_PX * scale), round(row_px / 1.35)))
        bold = QFontMetrics(screen_font(font_px, bold=True))
        plain = QFontMetrics(screen_font(font_px, bold=False))
        edge = round(24 * scale)
        left = edge + round(24 * scale)
        left += max((bold.horizontalAdvance(row[0]) for row in self._rows), default=0)
        width = self.width() - edge - left
        rooms = []
        for _, right in self._rows:
            wanted = plain.boundingRect(QRect(0, 0, width, 10_000), _WRAPPED, right)
            lines = max(1, round(wanted.height() / plain.lineSpacing()))
            height = row_px + (lines - 1) * plain.lineSpacing()
            if top + height > bottom + 1 or wanted.width() > width:
                break
            rooms.append(QRectF(left, top, width, height))
            top += height
        return font_px, edge, rooms

    def hidden_rows(self) -> list[str]:
        """Return the rows there was no room for."""
        return [right for _, right in self._rows[len(self._place_rows()[2]) :]]

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        look, theme = self._look, self._look.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.background))
        painter.setPen(QColor(theme.ink))
        painter.setBrush(QColor(theme.panel))
        frame = self.rect().adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(frame, look.px(10), look.px(10))
        font_px, edge, rooms = self._place_rows()
        painter.setFont(screen_font(look.px(_TITLE_PX), bold=True))
        painter.drawText(edge, look.px(44), self._title)
        for (left, right), room in zip(self._rows, rooms, strict=False):
            painter.setFont(screen_font(font_px, bold=True))
            painter.drawText(room.translated(edge - room.left(), 0), left)
            painter.setFont(screen_font(font_px, bold=False))
            painter.drawText(room, _WRAPPED, right)
        painter.setPen(QColor(theme.soft_ink))
        painter.setFont(screen_font(look.px(16), bold=False))
        painter.drawText(edge, self.height() - look.px(14), self._foot)
        painter.end()


def key_rows(texts: Texts) -> list[tuple[str, str]]:
    """Return what every key does, and what every shape means."""
    keys = [(action.keys[0], texts.tr(action.help_id)) for action in ACTIONS]
    keys.append(("Y / N", texts.tr("help_answer")))
    return keys + [(sign, texts.tr(f"legend_{name}")) for sign, name in _LEGEND]


def history_rows(
    texts: Texts, history: Iterable[tuple[int, Health, Message]]
) -> list[tuple[str, str]]:
    """Return past notices with their time in UTC, newest first."""
    rows = [
        (time.strftime("%H:%M:%S", time.gmtime(utc_us // 1_000_000)) + "Z", texts.say(told))
        for utc_us, _health, told in history
    ]
    return rows[:_MAX_ROWS] or [("–", texts.tr("no_notices"))]
