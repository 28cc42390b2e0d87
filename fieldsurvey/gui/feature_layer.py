"""Paints highways with their numbers, and settlements with their names as far as there is room."""

import functools

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QStaticText

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.polyline import screen_polylines, visible_segments
from fieldsurvey.gui.theme import Look

_MAX_NAMES = 40
_MAX_DOTS = 600
_ALL_NAMES_ZOOM = 9.0  # nearer than this, villages are named too
_TOWN_POPULATION = 20_000
_ANCHORS_TRIED = 24


def paint_features(painter: QPainter, features: MapFeatures, view: MapView, look: Look) -> None:
    """Draw all that ``view`` shows; no two labels overlap."""
    paint_highways(painter, features, view, look)
    paint_names(painter, features, view, look)


def paint_names(painter: QPainter, features: MapFeatures, view: MapView, look: Look) -> None:
    """Draw the numbers of highways, and settlements with their names."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    taken: list[QRectF] = []
    _paint_refs(painter, features, view, look, taken)
    _paint_settlements(painter, features, view, look, taken)


def paint_highways(painter: QPainter, features: MapFeatures, view: MapView, look: Look) -> None:
    """Draw the lines alone; others may draw upon them before the names come."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pieces = screen_polylines(features.highway_x, features.highway_y, features.joined, view)
    width = look.px(2 if view.zoom < 8 else 4)
    pen = QPen(QColor(look.theme.highway), width)
    painter.setPen(pen)
    for piece in pieces:
        painter.drawPolyline(piece)


def _paint_refs(
    painter: QPainter, features: MapFeatures, view: MapView, look: Look, taken: list[QRectF]
) -> None:
    seen = visible_segments(features.highway_x, features.highway_y, features.joined, view)
    highways = np.unique(features.highway_of[seen])
    painter.setFont(screen_font(look.px(14), bold=True))
    inside = QRectF(0, 0, view.width, view.height)
    for highway in highways[:60]:
        anchor = _label_anchor(features, seen & (features.highway_of == highway), view)
        if anchor is None:
            continue
        ref = laid_out(features.refs[highway], look.px(14), True)
        plate = QRectF(0, 0, ref.size().width() + look.px(10), look.px(20))
        plate.moveCenter(anchor - QPointF(0, look.px(22)))  # beside the road, where we drive
        if not inside.contains(plate) or any(plate.intersects(other) for other in taken):
            continue
        taken.append(plate)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#1d5c3f"))  # the green of Kazakh highway signs
        painter.drawRoundedRect(plate, look.px(4), look.px(4))
        painter.setPen(QColor(look.theme.on_highway))
        half = QPointF(ref.size().width(), ref.size().height()) / 2
        painter.drawStaticText(plate.center() - half, ref)


def _label_anchor(features: MapFeatures, seen: np.ndarray, view: MapView) -> QPointF | None:
    """Return a point on the highway about halfway along what can be seen of it."""
    index = np.flatnonzero(seen)
    if not len(index):
        return None
    index = index[:: max(1, len(index) // _ANCHORS_TRIED)]
    x0, y0 = view.to_screen(features.highway_x[index], features.highway_y[index])
    x1, y1 = view.to_screen(features.highway_x[index + 1], features.highway_y[index + 1])
    # A long segment may leave the view on both sides: its clipped middle is what can be seen.
    halfway = len(index) // 2
    for at in sorted(range(len(index)), key=lambda at: abs(at - halfway)):
        middle = _clipped_middle(x0[at], y0[at], x1[at], y1[at], view.width, view.height)
        if middle is not None:
            return middle
    return None


def _clipped_middle(
    x0: float, y0: float, x1: float, y1: float, width: int, height: int
) -> QPointF | None:
    """Liang-Barsky clipping against the view; the middle of what remains."""
    enter, leave = 0.0, 1.0
    for delta, to_low, to_high in ((x1 - x0, -x0, width - x0), (y1 - y0, -y0, height - y0)):
        if delta == 0:
            if to_low > 0 or to_high < 0:
                return None
            continue
        low, high = sorted((to_low / delta, to_high / delta))
        enter, leave = max(enter, low), min(leave, high)
    if enter > leave:
        return None
    at = (enter + leave) / 2
    return QPointF(x0 + (x1 - x0) * at, y0 + (y1 - y0) * at)


def _paint_settlements(
    painter: QPainter, features: MapFeatures, view: MapView, look: Look, taken: list[QRectF]
) -> None:
    left, top, right, bottom = view.bounds()
    x, y, people = features.settlement_x, features.settlement_y, features.population
    shown = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    if view.zoom < _ALL_NAMES_ZOOM:
        with np.errstate(invalid="ignore"):
            shown &= people >= _TOWN_POPULATION
    index = np.flatnonzero(shown)
    order = np.argsort(-np.nan_to_num(people[index], nan=0.0), kind="stable")
    index = index[order][:_MAX_DOTS]
    px, py = view.to_screen(x[index], y[index])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.theme.settlement))
    radius = look.px(3)
    for dot_x, dot_y in zip(px, py, strict=True):
        painter.drawEllipse(QPointF(dot_x, dot_y), radius, radius)
    names = features.names.get(look.texts.language, features.names["en"])
    painter.setFont(screen_font(look.px(15), bold=False))
    inside = QRectF(0, 0, view.width, view.height)
    named = 0
    for number, dot_x, dot_y in zip(index, px, py, strict=True):
        name = laid_out(names[number], look.px(15), False)
        room = QRectF(QPointF(dot_x + look.px(6), dot_y - name.size().height() / 2), name.size())
        if not name.text() or not inside.contains(room) or any(room.intersects(t) for t in taken):
            continue
        taken.append(room)
        _paint_with_halo(painter, room, name, look)
        named += 1
        if named >= _MAX_NAMES:
            return


def _paint_with_halo(painter: QPainter, room: QRectF, text: QStaticText, look: Look) -> None:
    painter.setPen(QColor(look.theme.map_ground))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawStaticText(room.topLeft() + QPointF(dx, dy), text)
    painter.setPen(QColor(look.theme.settlement))
    painter.drawStaticText(room.topLeft(), text)


@functools.lru_cache(maxsize=2048)
def laid_out(text: str, size_px: int, bold: bool) -> QStaticText:
    """Return ``text`` ready to be drawn: laying it out takes longer than drawing it."""
    ready = QStaticText(text)
    ready.setTextFormat(Qt.TextFormat.PlainText)
    ready.prepare(font=screen_font(size_px, bold))
    return ready
