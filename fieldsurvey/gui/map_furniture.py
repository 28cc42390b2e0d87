"""What stands over every map: scale bar, whom to thank for the tiles, text on a veil."""

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look

SCALE_BAR_ROOM_PX = 46  # at the foot of a map, in a window of 1024×600
_ROUND_LENGTHS_M = [n * 10**power for power in range(1, 7) for n in (1, 2, 5)]


def paint_scale_bar(painter: QPainter, view: MapView, look: Look) -> None:
    """Draw a bar of a round length at the lower left."""
    longest_m = view.metres_per_px * view.width * 0.25
    length_m = max(n for n in _ROUND_LENGTHS_M if n <= max(longest_m, _ROUND_LENGTHS_M[0]))
    width = length_m / view.metres_per_px
    unit = "m" if length_m < 1000 else "km"
    number = length_m if length_m < 1000 else length_m / 1000
    text = look.texts.tr(f"length_{unit}", n=look.texts.number(number))
    x, y = look.px(8), view.height - look.px(38)
    room = text_on_veil(painter, QPointF(x, y), text, look, 15, width, look.px(10))
    foot = room.bottom() - look.px(5)
    painter.setPen(QPen(QColor(look.theme.ink), look.px(3)))
    painter.drawLine(QPointF(room.left(), foot), QPointF(room.left() + width, foot))


def paint_attribution(painter: QPainter, view: MapView, text: str, look: Look) -> None:
    """Draw whom to thank at the lower right."""
    if text:
        painter.setFont(screen_font(look.px(12), bold=False))
        width = painter.fontMetrics().horizontalAdvance(text)
        at = QPointF(view.width - width - look.px(14), view.height - look.px(22))
        text_on_veil(painter, at, text, look, 12, width, 0)


def paint_notice(painter: QPainter, view: MapView, text: str, look: Look) -> None:
    """Draw some lines at the foot of the map: something is missing on it, and why."""
    side = look.px(12)
    painter.setFont(screen_font(look.px(13), bold=False))
    flags = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextWordWrap)
    width = min(view.width - 2 * side, look.px(640))
    room = painter.fontMetrics().boundingRect(0, 0, width, 10_000, flags, text)
    room.moveBottomLeft(QPoint((view.width - room.width()) // 2, view.height - look.px(84)))
    painter.setPen(QColor(look.theme.line))
    painter.setBrush(QColor(look.theme.panel))
    painter.drawRect(room.adjusted(-side, -side // 2, side, side // 2))
    painter.setPen(QColor(look.theme.ink))
    painter.drawText(room, flags, text)


def text_on_veil(
    painter: QPainter,
    at: QPointF,
    text: str,
    look: Look,
    size_px: int,
    width: float,
    below: float,
    before: float = 0.0,
) -> QRectF:
    """Draw text over the map, readable upon anything; return the room used, at least ``width``
    wide, with ``below`` pixels left under the text and ``before`` to the left of it."""
    painter.setFont(screen_font(look.px(size_px), bold=False))
    metrics = painter.fontMetrics()
    side = look.px(4)
    text_room = QRectF(at, QSizeF(max(width, metrics.horizontalAdvance(text)), metrics.height()))
    veil = QColor(look.theme.map_ground)
    veil.setAlphaF(0.8)
    painter.fillRect(text_room.adjusted(-side - before, 0, side, below), veil)
    painter.setPen(QColor(look.theme.ink))
    painter.drawText(text_room, int(Qt.AlignmentFlag.AlignLeft), text)
    return text_room.adjusted(0, 0, 0, below)
