"""What lies beneath the points, kept as a picture, which is painted anew in small steps.

Roads and tiles take longer than a frame may. So every frame shows the newest finished picture,
moved or scaled to where it belongs, and between frames the next one is painted bit by bit. What
stands still is always shown by a picture of its own.
"""

from collections.abc import Callable, Generator, Iterator

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPixmap

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.in_steps import InSteps, Wanted

# Paints and yields wherever it may be interrupted.
Layer = Callable[[QPainter, MapView, Look], Iterator[None]]


class Ground:
    """``layers`` paint upon each other, the first at the bottom."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        self._pictures = InSteps(self._painted)
        self.changed = self._pictures.changed
        self.step = self._pictures.step
        self.stop = self._pictures.stop

    @property
    def is_busy(self) -> bool:
        return self._pictures.is_busy

    def paint(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw the newest picture there is; if it is not the right one, ask for that."""
        newest = self._pictures.want(view, look, painter.device().devicePixelRatioF())
        whole = QRectF(0, 0, view.width, view.height)
        if newest is None:
            painter.fillRect(whole, QColor(look.theme.map_ground))
            return
        of, picture = newest
        factor = view.scale / of.view.scale
        left, top = view.one_to_screen(*of.view.one_to_world(0, 0))
        room = QRectF(left, top, of.view.width * factor, of.view.height * factor)
        if not room.contains(whole):
            painter.fillRect(whole, QColor(look.theme.map_ground))
        painter.save()
        # Whole device pixels: anything else would be smoothed, and take five times as long.
        at = room.topLeft() * of.ratio
        painter.translate(QPointF(round(at.x()), round(at.y())) / of.ratio)
        painter.scale(factor, factor)
        painter.drawPixmap(QPointF(0, 0), picture)
        painter.restore()

    def paint_all(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw every layer at once and as it is, for paper."""
        for layer in self._layers:
            painter.save()
            for _ in layer(painter, view, look):
                pass
            painter.restore()

    def _painted(self, wanted: Wanted) -> Generator[None, None, QPixmap]:
        view, look = wanted.view, wanted.look
        size = (round(view.width * wanted.ratio), round(view.height * wanted.ratio))
        picture = QPixmap(*size)
        picture.setDevicePixelRatio(wanted.ratio)
        picture.fill(QColor(look.theme.map_ground))
        for layer in self._layers:
            painter = QPainter(picture)
            try:
                yield from layer(painter, view, look)
            finally:  # given up half-way as well: no picture may end before its painter
                painter.end()
            yield
        return picture
