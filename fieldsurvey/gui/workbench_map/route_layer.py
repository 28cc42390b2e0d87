"""The route of a plan on the map: its places numbered in their order, and thin lines between.

The lines are as straight as the route is planned; they are no roads. Must not know how it is made.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_view import MapView, project
from fieldsurvey.gui.polyline import screen_polylines
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.sign_sprites import Sprite

_TEXT_PX = 11
_SIDE_PX = 4  # around a number
_APART_PX = 36  # one number in a square of these
_LINE_PX = 2
_HALO_PX = 5
_MOST_PICTURES = 500

Leg = Sequence[tuple[float, float]]  # latitude and longitude in degrees, as they are met


class RouteSigns:
    """``legs``: the places of a route in their order."""

    def __init__(self, legs: Sequence[Leg] = ()) -> None:
        points = np.array([point for leg in legs for point in leg], float).reshape(-1, 2)
        self._x, self._y = project(points[:, 0], points[:, 1])
        self._joined = np.ones(len(points), bool)
        self._joined[-1:] = False
        middles = np.array([np.mean(leg, axis=0) for leg in legs], float).reshape(-1, 2)
        self._middle_x, self._middle_y = project(middles[:, 0], middles[:, 1])
        self._pictures: dict[str, QPixmap] = {}
        self._made_for: object = None

    def paint(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        """Draw the way from place to place."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((look.theme.map_ground, _HALO_PX), (look.theme.ink, _LINE_PX)):
            painter.setPen(QPen(QColor(colour), look.px(width)))
            for piece in screen_polylines(self._x, self._y, self._joined, view):
                painter.drawPolyline(piece)
                yield

    def signs(self, view: MapView, look: Look, ratio: float) -> Iterator[Sprite]:
        """Return the numbers in view; of those that lie close together the first."""
        if self._made_for != (look, ratio) or len(self._pictures) > _MOST_PICTURES:
            self._made_for, self._pictures = (look, ratio), {}
        px, py = view.to_screen(self._middle_x, self._middle_y)
        seen = (px >= 0) & (px <= view.width) & (py >= 0) & (py <= view.height)
        rows = np.flatnonzero(seen)
        squares = np.column_stack((px[rows], py[rows])) // look.px(_APART_PX)
        for row in rows[np.sort(np.unique(squares, axis=0, return_index=True)[1])].tolist():
            picture = self._picture(look.texts.number(row + 1), look, ratio)
            half = picture.width() / ratio / 2
            yield Sprite(float(self._middle_x[row]), float(self._middle_y[row]), picture, half)

    def _picture(self, text: str, look: Look, ratio: float) -> QPixmap:
        if text not in self._pictures:
            font = screen_font(look.px(_TEXT_PX), bold=True)
            letters = QFontMetricsF(font)
            side = max(letters.horizontalAdvance(text), letters.height()) + look.px(_SIDE_PX)
            picture = QPixmap(round(side * ratio), round(side * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            room = QRectF(QPointF(0, 0), picture.deviceIndependentSize())
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(look.theme.map_ground), look.px(1)))
            painter.setBrush(QColor(look.theme.ink))
            painter.drawEllipse(room.adjusted(1, 1, -1, -1))
            painter.setFont(font)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)
            painter.end()
            self._pictures[text] = picture
        return self._pictures[text]
