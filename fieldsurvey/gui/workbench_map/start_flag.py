"""Where the car starts, on the map: a flag with the word in it, its pole standing on the spot.

Must not know why the car starts there, nor from where it is known.
"""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look

_TEXT_PX = 12
_POLE_PX = 34
_FOOT_PX = 3
_SIDE_PX = 5  # around the word
_EDGE_PX = 7  # of foot and halo around everything


class StartFlag:
    """Attributes:
    at: world position of the spot; None for no flag.
    """

    def __init__(self) -> None:
        self.at: tuple[float, float] | None = None
        self._flag: _Flag | None = None
        self._made_for: object = None
        self._pictures: dict[tuple[int, int], QPixmap] = {}

    def paint(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw its picture: letters take longer to draw than a frame has to spare."""
        ratio = painter.device().devicePixelRatioF()
        if self._flag is None or self._made_for != (look, ratio):
            self._flag, self._made_for, self._pictures = _Flag.of(look), (look, ratio), {}
        spot = self._spot(view)
        if spot is None:
            return
        way = self._flag.way(spot, view)
        if way not in self._pictures:
            self._pictures[way] = self._flag.picture(*way, ratio)
        painter.drawPixmap(spot + self._flag.room(*way).topLeft(), self._pictures[way])

    def paint_all(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw it as lines and letters, for paper."""
        spot = self._spot(view)
        if spot is not None:
            flag = _Flag.of(look)
            flag.draw(painter, spot, *flag.way(spot, view))

    def _spot(self, view: MapView) -> QPointF | None:
        """Return where it stands on the view, if it does."""
        if self.at is None:
            return None
        x, y = map(round, view.one_to_screen(*self.at))
        return QPointF(x, y) if 0 <= x <= view.width and 0 <= y <= view.height else None


@dataclass(frozen=True, slots=True)
class _Flag:
    """``cloth``: its size. Where it flies is said by two signs: 1 to the right and -1 to the left
    of its pole, -1 above and 1 below the spot."""

    look: Look
    cloth: QSizeF

    @classmethod
    def of(cls, look: Look) -> "_Flag":
        letters, side = QFontMetricsF(_font(look)), look.px(_SIDE_PX)
        width = letters.horizontalAdvance(_word(look)) + 3 * side  # a third one for the tail
        return cls(look, QSizeF(math.ceil(width), math.ceil(letters.height() + side / 2)))

    def way(self, spot: QPointF, view: MapView) -> tuple[int, int]:
        """Return where it flies: to the right and above, unless the map ends there."""
        room = self.room(1, -1).translated(spot)
        return -1 if room.right() > view.width else 1, 1 if room.top() < 0 else -1

    def room(self, right: int, down: int) -> QRectF:
        """Return what it covers around its spot."""
        edge, pole = self.look.px(_EDGE_PX), self.look.px(_POLE_PX)
        covered = QRectF(0, 0, right * self.cloth.width(), down * pole).normalized()
        return covered.adjusted(-edge, -edge, edge, edge)

    def picture(self, right: int, down: int, ratio: float) -> QPixmap:
        room = self.room(right, down)
        picture = QPixmap((room.size() * ratio).toSize())
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.draw(painter, -room.topLeft(), right, down)
        painter.end()
        return picture

    def draw(self, painter: QPainter, spot: QPointF, right: int, down: int) -> None:
        look, side = self.look, self.look.px(_SIDE_PX)
        top = spot + QPointF(0, down * look.px(_POLE_PX))
        wide = QPointF(right * self.cloth.width(), 0)
        high = QPointF(0, -down * self.cloth.height())
        tail = QPointF(right * side, 0)
        cloth = QPolygonF(
            [top, top + wide, top + wide - tail + high / 2, top + wide + high, top + high]
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        halo, ink = QColor(look.theme.map_ground), QColor(look.theme.ink)
        for colour, thickness in ((halo, 6), (ink, 2)):  # apart from any map beneath
            painter.setPen(QPen(colour, look.px(thickness)))
            painter.setBrush(colour)
            painter.drawLine(spot, top)
            painter.drawEllipse(spot, look.px(_FOOT_PX), look.px(_FOOT_PX))
            painter.drawPolygon(cloth)
        painter.setFont(_font(look))
        painter.setPen(halo)
        room = QRectF(top, top + wide - tail + high).normalized()
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), _word(look))
        painter.restore()


def _font(look: Look) -> QFont:
    return screen_font(look.px(_TEXT_PX), bold=True)


def _word(look: Look) -> str:
    return look.texts.tr("map_start")
