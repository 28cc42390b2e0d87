"""Parts of the map kept as a picture, which is painted anew in small steps.

Roads, tiles and names take longer than a frame may. So every frame shows the newest finished
picture, moved or scaled to where it belongs, and between frames the next one is painted layer by
layer. It is a margin bigger than the view, so that panning seldom runs off its edge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look

_MARGIN_PX = 128

_PART_PX = 64

_Parts = list[tuple[QPointF, QPixmap]]
Layer = Callable[[QPainter, MapView, Look], None]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a picture is of; ``number`` counts changes of content."""

    view: MapView
    look: Look
    number: int
    ratio: float


class Ground:
    """``layers`` paint upon each other, the first at the bottom, each within a frame's time. What
    is ``is_clear`` can be seen through where they paint nothing."""

    def __init__(self, layers: tuple[Layer, ...], *, is_clear: bool = False) -> None:
        self._layers = layers
        self._is_clear = is_clear
        self._number = 0
        self._shown: tuple[_Wanted, _Parts] | None = None
        self._wanted: _Wanted | None = None
        self._steps: Iterator[_Parts | None] | None = None

    def changed(self) -> None:
        """Paint anew from now on: the content is not what it was."""
        self._number += 1

    def paint(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw the newest picture there is; if it is not the right one, ask for that."""
        wanted = _Wanted(view, look, self._number, painter.device().devicePixelRatioF())
        if self._shown is None or self._shown[0].look != look:
            self._start(wanted)
            while self.step():  # nothing to be shown meanwhile
                pass
        elif not _is_right(self._shown[0], wanted, 0.5):
            self._start(wanted)
        assert self._shown is not None
        of, parts = self._shown
        factor = view.scale / of.view.scale
        left, top = view.one_to_screen(*of.view.one_to_world(0, 0))
        room = QRectF(left, top, of.view.width * factor, of.view.height * factor)
        if not self._is_clear and not room.contains(QRectF(0, 0, view.width, view.height)):
            painter.fillRect(0, 0, view.width, view.height, QColor(look.theme.map_ground))
        painter.save()
        # Whole device pixels: anything else would be smoothed, and take five times as long.
        at = room.topLeft() * of.ratio
        painter.translate(QPointF(round(at.x()), round(at.y())) / of.ratio)
        painter.scale(factor, factor)
        for corner, picture in parts:
            painter.drawPixmap(corner, picture)
        painter.restore()

    def paint_all(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw every layer at once and as it is, for paper."""
        for layer in self._layers:
            layer(painter, view, look)

    @property
    def is_busy(self) -> bool:
        return self._steps is not None

    def step(self) -> bool:
        """Paint one layer; return whether there is more to do."""
        if self._steps is None or self._wanted is None:
            return False
        parts = next(self._steps)
        if parts is not None:
            self._shown = (self._wanted, parts)
            self._steps = None
        return self.is_busy

    def _start(self, wanted: _Wanted) -> None:
        """Begin a picture of ``wanted``, unless the one begun will do."""
        begun = self._wanted if self._steps is not None else None
        if begun is not None and _is_right(begun, wanted, 1.0):
            return
        bigger = replace(
            wanted.view,
            width=wanted.view.width + 2 * _MARGIN_PX,
            height=wanted.view.height + 2 * _MARGIN_PX,
        )
        self._wanted = replace(wanted, view=bigger)
        self._steps = self._painted(self._wanted)

    def _painted(self, wanted: _Wanted) -> Iterator[_Parts | None]:
        view, look = wanted.view, wanted.look
        size = (round(view.width * wanted.ratio), round(view.height * wanted.ratio))
        picture = QPixmap(*size)
        picture.setDevicePixelRatio(wanted.ratio)
        clear = QColor(Qt.GlobalColor.transparent)
        picture.fill(clear if self._is_clear else QColor(look.theme.map_ground))
        for layer in self._layers:
            painter = QPainter(picture)
            layer(painter, view, look)
            painter.end()
            yield None
        yield _parts_of(picture) if self._is_clear else [(QPointF(0, 0), picture)]


def _is_right(has: _Wanted, wanted: _Wanted, share: float) -> bool:
    """Return whether a picture shows all of ``wanted``, with no more than ``share`` of its margin
    used up."""
    if replace(has, view=wanted.view) != wanted or has.view.zoom != wanted.view.zoom:
        return False
    x, y = wanted.view.one_to_screen(has.view.x, has.view.y)
    off_x, off_y = x - wanted.view.width / 2, y - wanted.view.height / 2
    spare_x = (has.view.width - wanted.view.width) / 2
    spare_y = (has.view.height - wanted.view.height) / 2
    return abs(off_x) <= spare_x * share and abs(off_y) <= spare_y * share


def _parts_of(picture: QPixmap) -> _Parts:
    """Cut a picture up and keep the parts with anything on them: a few names, and else air that
    would take as long to draw as the ground."""
    ratio = picture.devicePixelRatio()
    image = picture.toImage().convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    pixels = np.frombuffer(image.constBits(), dtype=np.uint32).reshape(image.height(), -1)
    side = round(_PART_PX * ratio)
    parts = []
    for top in range(0, image.height(), side):
        for left in range(0, image.width(), side):
            if pixels[top : top + side, left : left + side].any():
                corner = QPointF(left / ratio, top / ratio)
                parts.append((corner, picture.copy(left, top, side, side)))
    return parts
