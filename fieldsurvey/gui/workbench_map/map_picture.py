"""The picture of the map, the same on screen, in a file and on paper.

Bottom to top: base map, highways, judged hexagons and stretches, settlements, the way of a route,
points, names, signs of verdicts, numbers of the route, where a car starts, marker, scale bar,
legend. Must not know of mouse and keys.
"""

from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from fieldsurvey.gui.feature_layer import highways_in_steps, paint_settlements
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_furniture import (
    SCALE_BAR_ROOM_PX,
    paint_attribution,
    paint_scale_bar,
)
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.tile_layer import attribution_text, paint_tiles
from fieldsurvey.gui.tile_source import TileSource
from fieldsurvey.gui.workbench_map.ground import Ground
from fieldsurvey.gui.workbench_map.hexagon_layer import HexagonLayer
from fieldsurvey.gui.workbench_map.legend import (
    Legend,
    LegendRow,
    aggregation_row,
    draw_legend,
    legend_corner,
    point_rows,
    verdict_rows,
)
from fieldsurvey.gui.workbench_map.place_labels import PlaceLabels
from fieldsurvey.gui.workbench_map.point_layer import (
    Cloud,
    SinglePoints,
    paint_cells,
    paint_singles,
    single_points,
)
from fieldsurvey.gui.workbench_map.point_signs import SignBook
from fieldsurvey.gui.workbench_map.route_layer import RouteSigns
from fieldsurvey.gui.workbench_map.settlement_signs import SettlementSigns
from fieldsurvey.gui.workbench_map.sign_sprites import SignSprites, Sprite
from fieldsurvey.gui.workbench_map.start_flag import StartFlag
from fieldsurvey.gui.workbench_map.stretch_layer import DRAWN_IN_ORDER, StretchLines

_MARKER_PX = 11
_PATIENCE_S = 3.0
_LONGEST_BAR = 0.25  # of the map's width


def scale_bar_room(view: MapView, look: Look) -> QRectF:
    """Return what the scale bar may take of a map."""
    high = look.px(SCALE_BAR_ROOM_PX)
    width = _LONGEST_BAR * view.width + look.px(16)
    return QRectF(0, view.height - high, width, high)


class MapPicture:
    """Attributes:
    features, hexagons, stretches, settlements, route, tiles: say ``changed`` of any other one.
    cloud: the points.
    points_are_coming: a cloud is being made.
    covered: where the window has put something upon the map.
    start: where a car starts.
    marker: world position of the chart's slider.
    singles: the single points last painted, None where cells were.
    """

    def __init__(self) -> None:
        self.hexagons = HexagonLayer()
        self.stretches = StretchLines(())
        self.settlements: SettlementSigns | None = None
        self.route = RouteSigns()
        self.tiles: TileSource | None = None
        self.cloud: Cloud | None = None
        self.points_are_coming = False
        self.covered: tuple[QRectF, ...] = ()
        self.start = StartFlag()
        self.marker: tuple[float, float] | None = None
        self.singles: SinglePoints | None = None
        beneath = (self._tiles, self._highways, self._hexagons, self._stretches, self._settlements)
        self.ground = Ground((*beneath, self._route))
        self.labels = PlaceLabels()
        self.signs = SignSprites(self._signs)
        self._book = SignBook()
        self._legend = Legend()

    def paint(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Draw everything on a device of the view's size."""
        self.ground.paint(painter, view, look)
        self._paint_points(painter, view, look)
        covered = (self._legend.room, scale_bar_room(view, look), *self.covered)
        self.labels.paint(painter, view, look, covered)
        self.signs.paint(painter, view, look)
        self.start.paint(painter, view, look)
        self._paint_upon(painter, view, look)
        room_px = view.height - look.px(SCALE_BAR_ROOM_PX) - legend_corner(look).y()
        self._legend.paint(painter, self._legend_rows(view, look), look, max(room_px, 1.0))

    def print(self, painter: QPainter, view: MapView, look: Look) -> None:
        """The same, with lines and letters as such instead of their picture."""
        self.ground.paint_all(painter, view, look)
        self._paint_points(painter, view, look)
        self.labels.paint_all(painter, view, look)
        self.signs.paint_all(painter, view, look)
        self.start.paint_all(painter, view, look)
        self._paint_upon(painter, view, look)
        draw_legend(painter, legend_corner(look), self._legend_rows(view, look), look)

    def changed(self) -> None:
        """Paint the ground anew: features, stretches, settlements or tiles are others."""
        for part in self._parts:
            part.changed()

    @property
    def features(self) -> MapFeatures | None:
        return self.labels.features

    @features.setter
    def features(self, features: MapFeatures) -> None:
        self.labels.features = features

    @property
    def _parts(self) -> tuple[Ground | PlaceLabels | SignSprites, ...]:
        return self.ground, self.labels, self.signs

    @property
    def is_busy(self) -> bool:
        return any(part.is_busy for part in self._parts)

    def step(self) -> bool:
        """Make a bit of what takes longer than a frame; return whether there is more to do."""
        for part in self._parts:
            if part.is_busy:
                part.step()
                break
        return self.is_busy

    def stop(self) -> None:
        """Give up what is being made."""
        for part in self._parts:
            part.stop()

    def close_tiles(self) -> None:
        """Stop reading tiles and show none."""
        if self.tiles is not None:
            self.tiles.close()
            self.tiles = None

    def wait_for_tiles(self, view: MapView, look: Look) -> None:
        """Wait until the tiles of ``view`` are here, or a few seconds."""
        if self.tiles is None:
            return
        self.tiles.wait(_PATIENCE_S)
        nowhere = QPixmap(1, 1)
        painter = QPainter(nowhere)
        paint_tiles(painter, self.tiles, view, look.theme.tile_opacity)  # asks for them
        painter.end()
        self.tiles.wait(_PATIENCE_S)

    def _paint_points(self, painter: QPainter, view: MapView, look: Look) -> None:
        self.singles = None
        if self.cloud is not None and self.cloud.palette is not None:
            self.singles = single_points(self.cloud, view)
            if self.singles is None:
                paint_cells(painter, self.cloud, view, look)
            else:
                paint_singles(painter, self.singles, self.cloud, look, self._book)

    def _paint_upon(self, painter: QPainter, view: MapView, look: Look) -> None:
        if self.marker is not None:
            self._paint_marker(painter, view, look)
        paint_scale_bar(painter, view, look)
        paint_attribution(painter, view, attribution_text(self.tiles), look)

    def _tiles(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        painter.fillRect(QRectF(0, 0, view.width, view.height), QColor(look.theme.map_ground))
        if self.tiles is not None:
            paint_tiles(painter, self.tiles, view, look.theme.tile_opacity)
        yield

    def _highways(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        if self.features is not None:
            yield from highways_in_steps(painter, self.features, view, look)

    def _hexagons(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        yield from self.hexagons.paint(painter, view, look)

    def _stretches(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        yield from self.stretches.paint(painter, view, look)

    def _settlements(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        if self.features is not None:
            paint_settlements(painter, self.features, view, look)
        yield

    def _route(self, painter: QPainter, view: MapView, look: Look) -> Iterator[None]:
        yield from self.route.paint(painter, view, look)

    def _signs(self, view: MapView, look: Look, ratio: float) -> Iterator[Sprite]:
        yield from self.hexagons.signs(view, look, ratio)
        yield from self.stretches.signs(view, look, ratio)
        if self.settlements is not None:
            yield from self.settlements.signs(view, look, ratio)
        yield from self.route.signs(view, look, ratio)

    def _paint_marker(self, painter: QPainter, view: MapView, look: Look) -> None:
        """Crosshairs with a hole, so that what is marked can be seen."""
        assert self.marker is not None
        centre = QPointF(*view.one_to_screen(*self.marker))
        radius = look.px(_MARKER_PX)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((look.theme.map_ground, 6), (look.theme.ink, 3)):
            painter.setPen(QPen(QColor(colour), look.px(width)))
            painter.drawEllipse(centre, radius, radius)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                outward = QPointF(dx, dy) * radius
                painter.drawLine(centre + outward, centre + outward * 1.8)
        painter.restore()

    def _legend_rows(self, view: MapView, look: Look) -> list[LegendRow]:
        texts, rows = look.texts, []
        found = {*self.stretches.verdicts, *self.hexagons.verdicts}
        if self.settlements is not None:
            found |= {*self.settlements.verdicts}
        rows += verdict_rows([v for v in DRAWN_IN_ORDER if v in found], texts)
        if self.points_are_coming:
            rows.append(LegendRow(texts.tr("map_points_coming")))
        if self.cloud is None or self.cloud.palette is None:
            return rows
        rows += point_rows(self.cloud.palette)
        if self.singles is None:
            rows.append(aggregation_row(texts, view))
        else:
            rows.append(LegendRow(texts.tr("map_single_points")))
        if self.cloud.has_selection:
            rows.append(LegendRow(texts.tr("map_unselected")))
        if missing := self.cloud.pyramid.given - self.cloud.pyramid.placed:
            rows.append(LegendRow(texts.tr("map_without_position", n=texts.number(missing))))
        return rows
