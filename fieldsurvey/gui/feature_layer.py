"""Paints highways with their numbers, and settlements with their names as far as there is room."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QStaticText

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.polyline import screen_polylines, visible_segments
from fieldsurvey.gui.theme import Look

_MAX_NAMES = 40
_NAME_PX = 15
_REF_PX = 14
_MAX_DOTS = 600
_ALL_NAMES_ZOOM = 9.0  # nearer than this, villages are named too
_TOWN_POPULATION = 20_000
_ANCHORS_TRIED = 24


@dataclass(frozen=True, eq=False, slots=True)
class Label:
    """The name of a settlement, or the number of a highway on its plate, beside the place ``x``
    and ``y`` in world units; ``room`` is in pixels from there."""

    x: float
    y: float
    room: QRectF
    text: str
    is_highway: bool


def paint_names(
    painter: QPainter,
    features: MapFeatures,
    view: MapView,
    look: Look,
    covered: Sequence[QRectF] = (),
) -> None:
    """Draw the numbers of highways, and settlements with their names."""
    paint_settlements(painter, features, view, look)
    for label in labels_of(features, view, look, covered):
        if label is not None:
            draw_label(painter, label, QPointF(*view.one_to_screen(label.x, label.y)), look)


def paint_highways(painter: QPainter, features: MapFeatures, view: MapView, look: Look) -> None:
    """Draw the lines alone; others may draw upon them before the names come."""
    for _ in highways_in_steps(painter, features, view, look):
        pass


def highways_in_steps(
    painter: QPainter, features: MapFeatures, view: MapView, look: Look
) -> Iterator[None]:
    """Draw the same, and yield wherever something else may be done meanwhile."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width = look.px(2 if view.zoom < 8 else 4)
    painter.setPen(QPen(QColor(look.theme.highway), width))
    for piece in screen_polylines(features.highway_x, features.highway_y, features.joined, view):
        painter.drawPolyline(piece)
        yield


def paint_settlements(painter: QPainter, features: MapFeatures, view: MapView, look: Look) -> None:
    """Draw a dot for each of the bigger settlements, nearer for all."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    index = _shown_settlements(features, view)
    px, py = view.to_screen(features.settlement_x[index], features.settlement_y[index])
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.theme.settlement))
    radius = look.px(3)
    for dot_x, dot_y in zip(px.tolist(), py.tolist(), strict=True):
        painter.drawEllipse(QPointF(dot_x, dot_y), radius, radius)


def labels_of(
    features: MapFeatures, view: MapView, look: Look, covered: Sequence[QRectF] = ()
) -> Iterator[Label | None]:
    """Return what has room within ``view`` beside what is ``covered``, whole or not at all, the
    weightiest first; None, after a bit of searching, wherever something else may be done meanwhile.
    """
    inside = QRectF(0, 0, view.width, view.height)
    taken = list(covered)
    for found in (_highway_labels(features, view, look), _settlement_labels(features, view, look)):
        named = 0
        for label in found:
            if label is not None:
                room = label.room.translated(*view.one_to_screen(label.x, label.y))
                if inside.contains(room) and not any(room.intersects(other) for other in taken):
                    taken.append(room)
                    named += 1
                    yield label
                    if named >= _MAX_NAMES and not label.is_highway:
                        break
            yield None


def draw_label(painter: QPainter, label: Label, place: QPointF, look: Look) -> None:
    """Draw a label whose place lies at a pixel."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    room = label.room.translated(place)
    if not label.is_highway:
        painter.setFont(screen_font(look.px(_NAME_PX), bold=False))
        _paint_with_halo(painter, room, laid_out(label.text, look.px(_NAME_PX), False), look)
        return
    painter.setFont(screen_font(look.px(_REF_PX), bold=True))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#1d5c3f"))  # the green of Kazakh highway signs
    painter.drawRoundedRect(room, look.px(4), look.px(4))
    painter.setPen(QColor(look.theme.on_highway))
    ref = laid_out(label.text, look.px(_REF_PX), True)
    half = QPointF(ref.size().width(), ref.size().height()) / 2
    painter.drawStaticText(room.center() - half, ref)


def _highway_labels(features: MapFeatures, view: MapView, look: Look) -> Iterator[Label | None]:
    segment = np.flatnonzero(
        visible_segments(features.highway_x, features.highway_y, features.joined, view)
    )
    yield None
    highway_of = features.highway_of[segment]
    for highway in np.unique(highway_of)[:60]:
        anchor = _label_anchor(features, segment[highway_of == highway], view)
        if anchor is None:
            yield None
            continue
        ref = features.refs[highway]
        width = laid_out(ref, look.px(_REF_PX), True).size().width()
        plate = QRectF(0, 0, width + look.px(10), look.px(20))
        plate.moveCenter(QPointF(0, -look.px(22)))  # beside the road, where we drive
        yield Label(*view.one_to_world(anchor.x(), anchor.y()), plate, ref, True)


def _label_anchor(features: MapFeatures, index: NDArray[np.intp], view: MapView) -> QPointF | None:
    """Return a point about halfway along the segments of a highway that can be seen."""
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


def _shown_settlements(features: MapFeatures, view: MapView) -> NDArray[np.intp]:
    """Return which settlements are shown, the biggest first."""
    left, top, right, bottom = view.bounds()
    x, y, people = features.settlement_x, features.settlement_y, features.population
    shown = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    if view.zoom < _ALL_NAMES_ZOOM:
        with np.errstate(invalid="ignore"):
            shown &= people >= _TOWN_POPULATION
    index = np.flatnonzero(shown)
    order = np.argsort(-np.nan_to_num(people[index], nan=0.0), kind="stable")
    return index[order][:_MAX_DOTS]


def _settlement_labels(features: MapFeatures, view: MapView, look: Look) -> Iterator[Label | None]:
    names = features.names.get(look.texts.language, features.names["en"])
    for number in _shown_settlements(features, view).tolist():
        name = names[number]
        if not name:
            continue
        size = laid_out(name, look.px(_NAME_PX), False).size()
        room = QRectF(QPointF(look.px(6), -size.height() / 2), size)
        x, y = float(features.settlement_x[number]), float(features.settlement_y[number])
        yield Label(x, y, room, name, False)


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
