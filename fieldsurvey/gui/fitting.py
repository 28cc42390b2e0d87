"""Text that is never cut off: it shrinks until it fits the room it has.

A translation, a long cause or a small screen must not hide half a word. Labels and buttons of the
drive window are built on this; ``fits()`` tells tests whether even the smallest size was too big.
"""

import functools

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from fieldsurvey.gui.theme import Look

_ROUND_PX = 8


def screen_font(size_px: int, bold: bool) -> QFont:
    """Return the application's font with figures of one width."""
    font = QFont()
    font.setPixelSize(max(1, size_px))
    font.setBold(bold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@functools.lru_cache(maxsize=4096)
def fitted_size_px(
    text: str, width: int, height: int, largest: int, smallest: int, bold: bool, wrap: bool
) -> tuple[int, bool]:
    """Return the largest font size at which ``text`` fits, and whether it does fit."""
    flags = int(Qt.TextFlag.TextWordWrap) if wrap else int(Qt.TextFlag.TextSingleLine)

    def fits(size_px: int) -> bool:
        metrics = QFontMetrics(screen_font(size_px, bold))
        needed = metrics.boundingRect(QRect(0, 0, width, 100_000), flags, text)
        return needed.width() <= width and needed.height() <= height

    low, high = smallest, max(smallest, largest)
    if fits(high):
        return high, True
    if not fits(low):
        return low, False
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low, True


class FittedLabel(QLabel):
    """A label whose font is at most ``size_px`` (in a 1024×600 window) and shrinks to fit.

    Attributes:
        template: where given, sized for this text instead, so that changing figures do not jump.
    """

    def __init__(
        self,
        size_px: int,
        *,
        bold: bool = False,
        lines: int = 1,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        template: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._size_px = size_px
        self._bold = bold
        self._lines = lines
        self._align = align | Qt.AlignmentFlag.AlignVCenter
        self.template = template
        self._colour = QColor("black")
        self._look: Look | None = None
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_look(self, look: Look, colour: str) -> None:
        self._look = look
        self._colour = QColor(colour)
        self.updateGeometry()
        self.update()

    def show_text(self, text: str) -> None:
        """Change the text, doing nothing where it is the same."""
        if text != self.text():
            self.setText(text)

    def _fitted(self) -> tuple[int, bool]:
        scale = 1.0 if self._look is None else self._look.scale
        room = self.contentsRect()
        largest = max(1, round(self._size_px * scale))
        smallest = max(1, min(largest, round(12 * scale)))
        text = self.template if len(self.template) > len(self.text()) else self.text()
        return fitted_size_px(
            text, room.width(), room.height(), largest, smallest, self._bold, self._lines > 1
        )

    def fits(self) -> bool:
        """Return whether all of the text is visible."""
        return not self.text() or self._fitted()[1]

    def sizeHint(self) -> QSize:
        scale = 1.0 if self._look is None else self._look.scale
        font = screen_font(max(1, round(self._size_px * scale)), self._bold)
        return QSize(40, QFontMetrics(font).lineSpacing() * self._lines)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.text():
            return
        painter = QPainter(self)
        painter.setFont(screen_font(self._fitted()[0], self._bold))
        painter.setPen(self._colour)
        wrap = Qt.TextFlag.TextWordWrap if self._lines > 1 else Qt.TextFlag.TextSingleLine
        painter.drawText(self.contentsRect(), int(self._align) | int(wrap), self.text())
        painter.end()


class BigButton(QPushButton):
    """A flat button that is hit anywhere on its face, with its key named in the corner.

    Leaves Space to the window: there Space always means start and stop.
    """

    def __init__(self, size_px: int, key_hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size_px = size_px
        self._key_hint = key_hint
        self._look: Look | None = None
        self._face = QColor("gray")
        self._ink = QColor("black")
        self._height_px = 0
        self.dims_when_disabled = True
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_look(self, look: Look, face: str, ink: str, height_px: int) -> None:
        """``height_px`` is the height in a 1024×600 window."""
        self._look = look
        self._face, self._ink = QColor(face), QColor(ink)
        self._height_px = look.px(height_px)
        self.updateGeometry()
        self.update()

    def show_text(self, text: str, accessible_name: str = "") -> None:
        if text != self.text():
            self.setText(text)
        name = accessible_name or text
        if name != self.accessibleName():
            self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(self._height_px, self._height_px)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._height_px // 2, self._height_px)

    def text_room(self) -> QRect:
        """Return the part of the face that the text may use."""
        scale = 1.0 if self._look is None else self._look.scale
        side = round(8 * scale) if len(self.text()) > 1 else 0
        room = self.rect().adjusted(side, 2, -side, -2)
        if self._key_hint:
            room.adjust(0, 0, 0, -round(self._hint_px(scale) * 1.35))
        return room

    @staticmethod
    def _hint_px(scale: float) -> int:
        return max(1, round(13 * scale))

    def _fitted(self) -> tuple[int, bool]:
        scale = 1.0 if self._look is None else self._look.scale
        room = self.text_room()
        largest = max(1, round(self._size_px * scale))
        smallest = max(1, min(largest, round(12 * scale)))
        return fitted_size_px(
            self.text(), room.width(), room.height(), largest, smallest, True, True
        )

    def fits(self) -> bool:
        """Return whether all of the text is visible."""
        return self._fitted()[1]

    def progress(self) -> float:
        """Return how much of the face is filled, 0 to 1 (press-and-hold)."""
        return 0.0

    def paintEvent(self, _event: QPaintEvent) -> None:
        scale = 1.0 if self._look is None else self._look.scale
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        face = QColor(self._face)
        if self.isDown() or (self.isEnabled() and self.underMouse()):
            face = face.darker(112) if face.lightness() > 90 else face.lighter(125)
        radius = _ROUND_PX * scale
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(face)
        painter.drawRoundedRect(self.rect(), radius, radius)
        if self.progress() > 0:
            filled = self.rect()
            filled.setWidth(round(filled.width() * min(1.0, self.progress())))
            painter.setBrush(face.lighter(190) if face.lightness() < 120 else face.darker(140))
            painter.drawRoundedRect(filled, radius, radius)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._ink, max(2.0, 2 * scale), Qt.PenStyle.DashLine))
            painter.drawRoundedRect(self.rect().adjusted(3, 3, -3, -3), radius, radius)
        self._paint_text(painter, scale)
        painter.end()

    def _paint_text(self, painter: QPainter, scale: float) -> None:
        ink = QColor(self._ink)
        if not self.isEnabled() and self.dims_when_disabled:
            ink.setAlphaF(0.45)
        painter.setPen(ink)
        painter.setFont(screen_font(self._fitted()[0], bold=True))
        flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(self.text_room(), flags, self.text())
        if self._key_hint:
            painter.setFont(screen_font(self._hint_px(scale), bold=False))
            hint_room = self.rect().adjusted(0, 0, 0, -round(3 * scale))
            at_the_foot = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(hint_room, int(at_the_foot), self._key_hint)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self.update()
