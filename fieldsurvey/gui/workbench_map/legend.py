"""What the signs on the map mean, and what was put together to draw them. Always visible.

Must say when a sign stands for many results, and by which rule: a map that hides this flatters.
"""

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
    """The legend as a picture, painted anew when there is something else to say."""

    def __init__(self) -> None:
        self._shown: tuple[object, QPixmap] | None = None

    def paint(
        self, painter: QPainter, rows: Sequence[LegendRow], look: Look, room_px: float
    ) -> None:
        """Draw the legend at the upper left, smaller where it would be higher than ``room_px``."""
        if not rows:
            return
        ratio = painter.device().devicePixelRatioF()
        key = (tuple(rows), look, ratio)
        if self._shown is None or self._shown[0] != key:
            size = QSizeF(look.px(_WIDTH_PX + 2), sum(_heights(rows, look)) + look.px(_MARGIN_PX))
            picture = QPixmap((size * ratio).toSize())
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            on_picture = QPainter(picture)
            draw_legend(on_picture, QPointF(1, 1), rows, look)
            on_picture.end()
            self._shown = (key, picture)
        picture = self._shown[1]
        size = picture.deviceIndependentSize()
        if size.height() <= room_px:
            painter.drawPixmap(legend_corner(look), picture)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        smaller = QRectF(legend_corner(look), size * (room_px / size.height()))
        painter.drawPixmap(smaller, picture, QRectF(picture.rect()))


def legend_corner(look: Look) -> QPointF:
    """Return where the legend begins."""
    return QPointF(look.px(_MARGIN_PX), look.px(_MARGIN_PX))


def draw_legend(painter: QPainter, at: QPointF, rows: Sequence[LegendRow], look: Look) -> None:
    """Draw the rows below each other, ``at`` being the upper left corner."""
    heights = _heights(rows, look)
    margin, width = look.px(_MARGIN_PX), look.px(_WIDTH_PX)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    veil = QColor(look.theme.panel)
    veil.setAlphaF(0.9)
    painter.setPen(QColor(look.theme.line))
    painter.setBrush(veil)
    room = QRectF(at, QSizeF(width, sum(heights) + margin - 2))
    painter.drawRoundedRect(room, look.px(4), look.px(4))
    painter.setFont(screen_font(look.px(_TEXT_PX), bold=False))
    top = room.top() + margin / 2
    for row, height in zip(rows, heights, strict=True):
        centre = QPointF(room.left() + look.px(_SIGN_ROOM_PX) / 2, top + height / 2)
        _draw_sign_of(painter, row, centre, look)
        painter.setPen(QColor(look.theme.ink if row.sign else look.theme.soft_ink))
        text_room = _text_room(row, room.left(), top, look)
        text_room.setHeight(height)
        painter.drawText(text_room, _FLAGS, row.text)
        top += height
    painter.restore()


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


def _heights(rows: Sequence[LegendRow], look: Look) -> list[float]:
    metrics = QFontMetricsF(screen_font(look.px(_TEXT_PX), bold=False))
    needed = (metrics.boundingRect(_text_room(row, 0, 0, look), _FLAGS, row.text) for row in rows)
    return [max(float(look.px(_LINE_PX)), room.height() + look.px(2)) for room in needed]
