"""What charts are put together from: the box that is brushed, legend, sentence, target line."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from fieldsurvey.gui.fitting import FittedLabel, screen_font
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, Shape, draw_shape
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.gui.workbench.along import Along, Axis
from fieldsurvey.gui.workbench.facts import Floats
from fieldsurvey.gui.workbench.results import DRAWN, outlook_ranks
from fieldsurvey.gui.workbench.selection import SelectionModel

TEXT_PX = 12
BEHIND_ALL = -10  # z of words in a corner, which tests may lie in as well
_SENTENCE_PX = 14
_MOST_LINES = 3
_AIR = 0.25  # of all there is, on either side
_LINE_PX = 28  # of a line in the legend: every kind of dashes is seen


class BrushBox(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph ships no types
    """Signals:
    brushed(from, to): a range of x is being marked.
    picked(x, y): clicked there.
    """

    brushed = Signal(float, float)
    picked = Signal(float, float)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.limited_to: Along | None = None
        self.disableAutoRange()

    def mouseDragEvent(
        self, event: "pg.GraphicsScene.MouseDragEvent", axis: int | None = None
    ) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis=axis)
            return
        event.accept()
        ends = [self.mapToView(at).x() for at in (event.buttonDownPos(), event.pos())]
        self.brushed.emit(min(ends), max(ends))

    def mouseClickEvent(self, event: "pg.GraphicsScene.MouseClickEvent") -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            at = self.mapToView(event.pos())
            self.picked.emit(at.x(), at.y())


Sign = Shape | Qt.PenStyle  # a shape, or a piece of a line; of no pen: words alone


class Legend(QWidget):
    """A row of signs with their words."""

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._entries: list[tuple[Sign, str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def show_entries(self, look: Look, entries: Sequence[tuple[Sign, str, str]]) -> None:
        """``entries``: sign, colour, word."""
        if look is self._look and list(entries) == self._entries:
            return
        self._look, self._entries = look, list(entries)
        self.setAccessibleName(", ".join(word for _, _, word in entries))
        self.updateGeometry()
        self.update()

    def _places(self, width: int) -> tuple[list[QPointF], int]:
        """Return where each entry begins, and the height of all."""
        metrics = QFontMetrics(screen_font(self._px(TEXT_PX), bold=False))
        x, y, line = float(self._px(6)), 0.0, metrics.lineSpacing() + self._px(2)
        places: list[QPointF] = []
        for sign, _, word in self._entries:
            needed = self._sign_px(sign) + metrics.horizontalAdvance(word) + self._px(18)
            if places and x + needed > width:
                x, y = float(self._px(6)), y + line
            places.append(QPointF(x, y))
            x += needed
        return places, round(y + line)

    def _sign_px(self, sign: Sign) -> int:
        """Return the room before the word."""
        if sign is Qt.PenStyle.NoPen:
            return 0
        return self._px(16 if isinstance(sign, Shape) else _LINE_PX + 6)

    def _px(self, pixels: float) -> int:
        return round(pixels) if self._look is None else self._look.px(pixels)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._places(width)[1] if self._entries else 0

    def sizeHint(self) -> QSize:
        return QSize(120, self.heightForWidth(max(120, self.width())))

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        painter = QPainter(self)
        painter.setFont(screen_font(self._px(TEXT_PX), bold=False))
        line = painter.fontMetrics().lineSpacing() + self._px(2)
        for place, (sign, colour, word) in zip(
            self._places(self.width())[0], self._entries, strict=True
        ):
            middle = place + QPointF(0, line / 2)
            if isinstance(sign, Shape):
                centre = middle + QPointF(self._px(6), 0)
                draw_shape(painter, sign, centre, self._px(5), QColor(colour))
            else:
                painter.setPen(QPen(QColor(colour), self._px(2), sign))
                painter.drawLine(middle, middle + QPointF(self._px(_LINE_PX), 0))
            painter.setPen(QColor(self._look.theme.soft_ink))
            room = QRectF(place.x() + self._sign_px(sign), place.y(), self.width(), line)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), word)
        painter.end()


class Sentence(FittedLabel):
    """As high as its words need, three lines at most; shrinks where there is no room for that."""

    def __init__(self) -> None:
        super().__init__(_SENTENCE_PX, bold=True, lines=_MOST_LINES)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        scale = 1.0 if self._look is None else self._look.scale
        metrics = QFontMetrics(screen_font(round(_SENTENCE_PX * scale), bold=True))
        room = QRect(0, 0, width, 10_000)
        needed = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), self.text()).height()
        return min(needed, metrics.lineSpacing() * _MOST_LINES)

    def sizeHint(self) -> QSize:
        return QSize(120, self.heightForWidth(max(120, self.width())))


class TargetLine:
    """The target as a line in a box: ``angle`` 0 for a rate upwards, 90 for one across.

    Its name stands in the legend: beside the line it would hide what is near the target.
    """

    def __init__(self, box: pg.ViewBox, angle: int) -> None:
        self.line = pg.InfiniteLine(angle=angle)
        box.addItem(self.line, ignoreBounds=True)

    def dress(self, look: Look) -> None:
        self.line.setPen(
            pg.mkPen(look.theme.target_line, width=look.px(1.6), style=Qt.PenStyle.DashLine)
        )

    def show(self, target_mbps: float) -> None:
        self.line.setPos(target_mbps)


def target_entry(look: Look, model: SelectionModel) -> tuple[Sign, str, str]:
    """Return what the legend says of the target's line."""
    target = look.texts.number(model.facts.target_bps / 1e6)
    return (
        Qt.PenStyle.DashLine,
        look.theme.target_line,
        look.texts.tr("wb_target", target=target),
    )


def round_top(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 5, 7.5 × 10ⁿ, so that an axis changes seldom."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * power >= value)


def outlook_entries(look: Look, model: SelectionModel) -> list[tuple[Sign, str, str]]:
    """Return what the legend says of tests that are drawn by their outlook, the worst first."""
    ranks = outlook_ranks(model.facts.tests.fields["result"])
    present = np.unique(ranks[model.filtered_tests])
    return [
        (
            OUTLOOK_SHAPES[DRAWN[rank]],
            outlook_colours(look.theme, DRAWN[rank])[0],
            look.texts.tr(f"wb_outlook_{DRAWN[rank].value}"),
        )
        for rank in reversed(present.tolist())
    ]


def clock_entry(look: Look, along: Along) -> list[tuple[Sign, str, str]]:
    """Return what the legend says of an axis along time: whose clock it is."""
    if along.axis is not Axis.TIME:
        return []
    return [(Qt.PenStyle.NoPen, look.theme.ink, look.texts.tr("wb_event_clock"))]


def limit_along(box: BrushBox, along: Along) -> None:
    """Show no less than a second or a metre of an axis, and little more than there is."""
    if box.limited_to is not along:  # a million seconds are looked through once
        box.limited_to = along
        least = 1.0 if along.axis is Axis.TIME else 0.001
        limit_x(box, (along.tests, along.samples), least)


def limit_x(box: pg.ViewBox, parts: Sequence[Floats], least: float) -> None:
    """Let the wheel go no further than what there is, with air around it, nor nearer than
    ``least``."""
    spans = [span_of(values) for values in parts if np.isfinite(values).any()] or [(0.0, 1.0)]
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    air = _AIR * (high - low)
    box.setLimits(xMin=None, xMax=None, minXRange=None, maxXRange=None)  # those before may not fit
    box.setLimits(xMin=low - air, xMax=high + air, minXRange=least)


def span_of(values: Floats) -> tuple[float, float]:
    """Return the range of what is known of ``values`` with a little air, 0 to 1 without any."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    air = max((high - low) * 0.02, 1e-9 + abs(high) * 1e-9, 0.5)
    return low - air, high + air
