"""What the signs on the map mean, and what was put together to draw them. Always visible.

Must say when a sign stands for many results, and by which rule: a map that hides this flatters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

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

PaintSign = Callable[[QPainter, QPointF], None]


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A sign and what it means; without a sign, a sentence over the whole width."""

    text: str
    sign: PaintSign | None = None


def point_rows(palette: ClassPalette, look: Look) -> list[LegendRow]:
    """Return a row per class, the best first and what is not known last."""

    def row(number: int) -> LegendRow:
        return LegendRow(
            palette.labels[number],
            lambda painter, at: draw_sign(painter, palette, number, at, look.px(5)),
        )

    known = [number for number in range(len(palette)) if number not in palette.hatched]
    return [row(number) for number in (*known, *sorted(palette.hatched))]


def verdict_rows(verdicts: Sequence[Verdict], look: Look) -> list[LegendRow]:
    """Return a row per verdict: its line and its sign."""

    def row(verdict: Verdict) -> LegendRow:
        def sign(painter: QPainter, at: QPointF) -> None:
            half = QPointF(look.px(14), 0)
            painter.setPen(verdict_pen(verdict, look, look.px(5)))
            painter.drawLine(at - half, at + half)
            colour, halo = verdict_colour(look.theme, verdict), look.theme.panel
            draw_shape(
                painter, VERDICT_SHAPES[verdict], at, look.px(6), QColor(colour), QColor(halo)
            )

        return LegendRow(look.texts.tr(f"map_{verdict.value}"), sign)

    return [row(verdict) for verdict in verdicts]


def aggregation_row(texts: Texts, view: MapView) -> LegendRow:
    """Return what a square stands for: the side is rounded, as nobody measures it."""
    side_m = cell_side_m(view)
    unit, side = ("m", side_m) if side_m < 1000 else ("km", side_m / 1000)
    shown = texts.number(side, 0 if side >= 10 else 1)
    return LegendRow(texts.tr("map_worst_of_cell", side=texts.tr(f"length_{unit}", n=shown)))


def paint_legend(painter: QPainter, rows: Sequence[LegendRow], look: Look) -> QRectF:
    """Draw the rows at the upper left and return the room they took."""
    if not rows:
        return QRectF()
    font = screen_font(look.px(_TEXT_PX), bold=False)
    margin, width = look.px(_MARGIN_PX), look.px(_WIDTH_PX)
    heights = [_height(row, font, width, look) for row in rows]
    room = QRectF(margin, margin, width, sum(heights) + margin)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    veil = QColor(look.theme.panel)
    veil.setAlphaF(0.9)
    painter.setPen(QColor(look.theme.line))
    painter.setBrush(veil)
    painter.drawRoundedRect(room, look.px(4), look.px(4))
    painter.setFont(font)
    top = room.top() + margin / 2
    for row, height in zip(rows, heights, strict=True):
        if row.sign is not None:
            row.sign(painter, QPointF(room.left() + look.px(_SIGN_ROOM_PX) / 2, top + height / 2))
        painter.setPen(QColor(look.theme.ink if row.sign else look.theme.soft_ink))
        text_room = _text_room(row, room.left(), top, width, look)
        text_room.setHeight(height)
        painter.drawText(text_room, _FLAGS, row.text)
        top += height
    painter.restore()
    return room


_FLAGS = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)


def _text_room(row: LegendRow, left: float, top: float, width: float, look: Look) -> QRectF:
    before = look.px(_SIGN_ROOM_PX if row.sign else _MARGIN_PX)
    return QRectF(left + before, top, width - before - look.px(_MARGIN_PX), 10_000)


def _height(row: LegendRow, font: QFont, width: float, look: Look) -> float:
    needed = QFontMetricsF(font).boundingRect(_text_room(row, 0, 0, width, look), _FLAGS, row.text)
    return max(float(look.px(_LINE_PX)), needed.height() + look.px(2))
