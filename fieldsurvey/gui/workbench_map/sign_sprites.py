"""The signs of verdicts: small pictures at places, chosen in steps and drawn in every frame.

Which of them have room depends on the view and takes longer than a frame has to spare; the few
chosen are drawn where they belong now, as big as ever, however the map is moved meanwhile.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPixmap

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.in_steps import InSteps, Wanted


@dataclass(frozen=True, eq=False, slots=True)
class Sprite:
    """A picture whose middle, ``half`` its side from its corner, stands at a place in world
    units."""

    x: float
    y: float
    picture: QPixmap
    half: float


class SignSprites:
    """``find`` gives the sprites of a view, for a device ratio; the last given lies on top."""

    def __init__(self, find: Callable[[MapView, Look, float], Iterator[Sprite]]) -> None:
        self._find = find
        self._found = InSteps(self._collect)
        self.changed = self._found.changed
        self.step = self._found.step
        self.stop = self._found.stop

    @property
    def is_busy(self) -> bool:
        return self._found.is_busy

    def paint(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw those found last; if they are not the right ones, ask for those."""
        newest = self._found.want(view, look, painter.device().devicePixelRatioF())
        if newest is not None:
            _paint(painter, newest[1], view)

    def paint_all(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Find and draw all at once, for paper."""
        _paint(painter, list(self._find(view, look, painter.device().devicePixelRatioF())), view)

    def _collect(self, wanted: Wanted) -> Generator[None, None, list[Sprite]]:
        found = []
        for sprite in self._find(wanted.view, wanted.look, wanted.ratio):
            found.append(sprite)
            yield
        return found


def _paint(painter: QPainter, sprites: list[Sprite], view: MapView) -> None:
    px, py = view.to_screen(
        np.array([sprite.x for sprite in sprites]), np.array([sprite.y for sprite in sprites])
    )
    for sprite, x, y in zip(sprites, px.tolist(), py.tolist(), strict=True):
        painter.drawPixmap(QPointF(x - sprite.half, y - sprite.half), sprite.picture)
