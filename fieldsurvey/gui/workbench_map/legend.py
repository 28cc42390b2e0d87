"""What the signs on the map mean, and what was put together to draw them. Always visible.

Must say when a sign stands for many results, and by which rule: a map that hides this flatters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPixmap

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.shapes import VERDICT_SHAPES, draw_shape
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look, verdict_colour
from fieldsurvey.gui.workbench_map.map_data import ClassPalette
from fieldsurvey.gui.workbench_map.point_layer import cell_side_m
from fieldsurvey.gui.workbench_map.point_signs import draw_sign
from fieldsurvey.gui.workbench_map.stretch_layer import verdict_pen
from fieldsurvey.model.verdict import Verdict

_WIDTH_PX = 210
_SIGN_ROOM_PX = 34
_MARGIN_PX = 8
_LINE_PX = 17
_TEXT_PX = 12
_MOST_PICTURES = 64


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A sign and what it means: that of a class of the palette, or that of a verdict. Without a
    sign, a sentence over the whole width."""

    text: str
    sign: tuple[ClassPalette, int] | Verdict | None = None


def point_rows(palette: ClassPalette) -> list[LegendRow]:
    """Return a row per class, the best first and what is not known last."""
    known = [number for number in range(len(palette)) if number not in palette.unknown]
    return [
        LegendRow(palette.labels[number], (palette, number))
        for number in (*known, *sorted(palette.unknown))
    ]


def verdict_rows(verdicts: Sequence[Verdict], texts: Texts) -> list[LegendRow]:
    """Return a row per verdict."""
    return [LegendRow(texts.tr(f"map_{verdict.value}"), verdict) for verdict in verdicts]


def aggregation_row(texts: Texts, view: MapView) -> LegendRow:
    """Return what a square stands for: the side is rounded, as nobody measures it."""
    side_m = cell_side_m(view)
    unit, side = ("m", side_m) if side_m < 1000 else ("km", side_m / 1000)
    shown = texts.number(side, 0 if side >= 10 else 1)
    return LegendRow(texts.tr("map_worst_of_cell", side=texts.tr(f"length_{unit}", n=shown)))


class Legend:
    """The legend with a picture of every row: one of them says something else whenever the map is
    zoomed, and letters take longer to draw than a frame has to spare.

    Attributes:
    room: what it covered of the map when it was painted last.
    """

    def __init__(self) -> None:
        self.room = QRectF()
        self._made_for: object = None
        self._pictures: dict[LegendRow, QPixmap] = {}

    def paint(
        self, painter: QPainter, rows: Sequence[LegendRow], look: Look, room_px: float
    ) -> None:
        """Draw the legend at the upper left, smaller where it would be higher than ``room_px``."""
        self.room = QRectF()
        if not rows:
            return
        ratio = painter.device().devicePixelRatioF()
        if self._made_for != (look, ratio) or len(self._pictures) > _MOST_PICTURES:
            self._made_for = (look, ratio)
            self._pictures = {}
        pictures = [self._picture(row, look, ratio) for row in rows]
        heights = [picture.deviceIndependentSize().height() for picture in pictures]
        size = QSizeF(look.px(_WIDTH_PX), _veil_height(heights, look))
        shrunk = min(1.0, room_px / (size.height() + 1))
        self.room = QRectF(legend_corner(look), size * shrunk)
        painter.save()
        painter.translate(legend_corner(look))
        if shrunk < 1:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.scale(shrunk, shrunk)
        _draw_veil(painter, QPointF(0, 0), heights, look)
        top = look.px(_MARGIN_PX) / 2
        for picture, height in zip(pictures, heights, strict=True):
            painter.drawPixmap(QPointF(0, top), picture)
            top += height
        painter.restore()

    def _picture(self, row: LegendRow, look: Look, ratio: float) -> QPixmap:
        if row not in self._pictures:
            size = QSizeF(look.px(_WIDTH_PX), _height(row, look))
            picture = QPixmap((size * ratio).toSize())
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            on_picture = QPainter(picture)
            on_picture.setRenderHint(QPainter.RenderHint.Antialiasing)
            _draw_row(on_picture, QPointF(0, 0), row, look)
            on_picture.end()
            self._pictures[row] = picture
        return self._pictures[row]


def legend_corner(look: Look) -> QPointF:
    """Return where the legend begins."""
    return QPointF(look.px(_MARGIN_PX), look.px(_MARGIN_PX))


def legend_end_px(look: Look) -> float:
    """Return how far from the map's left side the legend ends."""
    return legend_corner(look).x() + look.px(_WIDTH_PX)


def draw_legend(painter: QPainter, at: QPointF, rows: Sequence[LegendRow], look: Look) -> None:
    """Draw the rows below each other, ``at`` being the upper left corner."""
    heights = [_height(row, look) for row in rows]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _draw_veil(painter, at, heights, look)
    top = at.y() + look.px(_MARGIN_PX) / 2
    for row, height in zip(rows, heights, strict=True):
        _draw_row(painter, QPointF(at.x(), top), row, look)
        top += height
    painter.restore()


def _veil_height(heights: Sequence[float], look: Look) -> float:
    return sum(heights) + look.px(_MARGIN_PX) - 2


def _draw_veil(painter: QPainter, at: QPointF, heights: Sequence[float], look: Look) -> None:
    """Draw what the rows stand on."""
    veil = QColor(look.theme.panel)
    veil.setAlphaF(0.9)
    painter.setPen(QColor(look.theme.line))
    painter.setBrush(veil)
    room = QRectF(at, QSizeF(look.px(_WIDTH_PX), _veil_height(heights, look)))
    painter.drawRoundedRect(room, look.px(4), look.px(4))


def _draw_row(painter: QPainter, at: QPointF, row: LegendRow, look: Look) -> None:
    height = _height(row, look)
    _draw_sign_of(painter, row, at + QPointF(look.px(_SIGN_ROOM_PX), height) / 2, look)
    painter.setFont(screen_font(look.px(_TEXT_PX), bold=False))
    painter.setPen(QColor(look.theme.ink if row.sign else look.theme.soft_ink))
    text_room = _text_room(row, at.x(), at.y(), look)
    text_room.setHeight(height)
    painter.drawText(text_room, _FLAGS, row.text)


def _draw_sign_of(painter: QPainter, row: LegendRow, at: QPointF, look: Look) -> None:
    if isinstance(row.sign, Verdict):
        half = QPointF(look.px(14), 0)
        painter.setPen(verdict_pen(row.sign, look, look.px(5)))
        painter.drawLine(at - half, at + half)
        colour, halo = verdict_colour(look.theme, row.sign), look.theme.panel
        shape = VERDICT_SHAPES[row.sign]
        draw_shape(painter, shape, at, look.px(6), QColor(colour), QColor(halo))
    elif row.sign is not None:
        draw_sign(painter, *row.sign, at, look.px(5))


_FLAGS = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)


def _text_room(row: LegendRow, left: float, top: float, look: Look) -> QRectF:
    before = look.px(_SIGN_ROOM_PX if row.sign else _MARGIN_PX)
    width = look.px(_WIDTH_PX) - before - look.px(_MARGIN_PX)
    return QRectF(left + before, top, width, 10_000)


def _height(row: LegendRow, look: Look) -> float:
    metrics = QFontMetricsF(screen_font(look.px(_TEXT_PX), bold=False))
    needed = metrics.boundingRect(_text_room(row, 0, 0, look), _FLAGS, row.text)
    return max(float(look.px(_LINE_PX)), math.ceil(needed.height()) + look.px(2))
