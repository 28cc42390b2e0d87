"""The names on the supervisor's map: each a small picture of its own, kept whole or left out.

Choosing names takes longer than a frame may, so it is done in steps between frames. Every frame
draws those chosen last where they belong now: none cut by the map's edge or by what stands upon
the map, none over another.
"""

from collections.abc import Generator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap, QRegion

from fieldsurvey.gui.feature_layer import Label, draw_label, labels_of
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.in_steps import InSteps, Wanted

_EDGE_PX = 1  # of the halo around letters
_MOST_PICTURES = 500


class PlaceLabels:
    """Attributes:
    features: whose names are shown; say ``changed`` when they are others.
    """

    def __init__(self) -> None:
        self.features: MapFeatures | None = None
        self._chosen = InSteps(self._choose)
        self._made_for: object = None
        self._pictures: dict[tuple[str, bool], QPixmap] = {}
        self.changed = self._chosen.changed
        self.step = self._chosen.step
        self.stop = self._chosen.stop

    @property
    def is_busy(self) -> bool:
        return self._chosen.is_busy

    def paint(
        self, painter: QPainter, view: MapView, look: Look, covered: Sequence[QRectF]
    ) -> None:
        """Draw the names chosen last, that of the weightiest place where there is room for one
        only, and none where the map is ``covered``; if they are not the right ones, ask for
        those."""
        newest = self._chosen.want(view, look, painter.device().devicePixelRatioF())
        if newest is None:
            return
        inside = QRectF(0, 0, view.width, view.height)
        taken = QRegion()
        for room in covered:
            taken += room.toAlignedRect()
        is_zoomed = newest[0].view.zoom != view.zoom  # else the choice keeps them apart already
        px, py = view.to_screen(
            np.array([label.x for label, _ in newest[1]]),
            np.array([label.y for label, _ in newest[1]]),
        )
        places = zip(newest[1], px.round().tolist(), py.round().tolist(), strict=True)
        for (label, picture), x, y in places:
            room = label.room.translated(x, y)
            if not inside.contains(room) or taken.intersects(room.toAlignedRect()):
                continue
            if is_zoomed:
                taken += room.toAlignedRect()
            painter.drawPixmap(room.topLeft() - QPointF(_EDGE_PX, _EDGE_PX), picture)

    def paint_all(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw the names of a view as letters, for paper."""
        if self.features is None:
            return
        painter.save()
        for label in labels_of(self.features, view, look):
            if label is not None:
                draw_label(painter, label, QPointF(*view.one_to_screen(label.x, label.y)), look)
        painter.restore()

    def _choose(self, wanted: Wanted) -> Generator[None, None, list[tuple[Label, QPixmap]]]:
        chosen = []
        if self.features is not None:
            for label in labels_of(self.features, wanted.view, wanted.look):
                if label is not None:
                    chosen.append((label, self._picture(label, wanted)))
                yield
        return chosen

    def _picture(self, label: Label, wanted: Wanted) -> QPixmap:
        """Return the letters of a label, which are the same wherever it stands."""
        made_for = (wanted.look, wanted.ratio)
        if made_for != self._made_for or len(self._pictures) > _MOST_PICTURES:
            self._made_for, self._pictures = made_for, {}
        key = (label.text, label.is_highway)
        if key not in self._pictures:
            room = label.room.adjusted(-_EDGE_PX, -_EDGE_PX, _EDGE_PX, _EDGE_PX)
            picture = QPixmap((room.size() * wanted.ratio).toSize())
            picture.setDevicePixelRatio(wanted.ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            draw_label(painter, label, -room.topLeft(), wanted.look)
            painter.end()
            self._pictures[key] = picture
        return self._pictures[key]
