"""The live map: base map, highways, settlements, the plan, the trail, the tests and the car.

A plain widget rather than a plot: labels, tiles and markers are laid out in pixels. What does not
change from second to second is kept as a picture; in follow mode the view moves only when the car
nears its edge, so that the picture lasts and the map can be glanced at.
"""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.feature_layer import paint_highways, paint_names
from fieldsurvey.gui.fitting import BigButton, FittedLabel
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_furniture import paint_attribution, paint_scale_bar, text_on_veil
from fieldsurvey.gui.map_view import MapView, project_one
from fieldsurvey.gui.planned_layer import PlannedLines, open_lines, paint_planned, paint_sample
from fieldsurvey.gui.summary import place_line
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.tile_layer import attribution_text, paint_tiles
from fieldsurvey.gui.tile_source import TileSource
from fieldsurvey.gui.trail import Trail
from fieldsurvey.gui.trail_layer import (
    MarkerBook,
    TestStretch,
    latest_position,
    paint_tests,
    paint_trail,
)
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.planned import PlannedProgress, progress_line
from fieldsurvey.model.position import Fix

_FIRST_ZOOM = 12.0
_COLLECT_MS = 40
_BUTTON_PX = 48
_HEADER_PX = 34
_PLANNED_PX = 26
_LEGEND_FOOT_PX, _SCALE_BAR_FOOT_PX = 66, 38  # from the map's foot to the top of each


class DriveMap(QWidget):
    """Where we are and what we found.

    Attributes:
        following: the view keeps up with the car.
        tests: stretches to draw, appended by the window.
        trouble: why the base map is missing, to be told once.
    """

    def __init__(
        self,
        trail: Trail,
        features: MapFeatures | None,
        basemap: Path | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._trail = trail
        self._features = features
        self._tiles = None if basemap is None else TileSource(basemap)
        self._look: Look | None = None
        self._fix: Fix | None = None
        self._fix_is_fresh = False
        self._car: tuple[float, float] | None = None
        self._view = MapView()
        self._placed = False
        self._drag_from: QPointF | None = None
        self._ground: tuple[object, QPixmap] | None = None
        self._tile_generation = 0
        self._book = MarkerBook()
        self._progress: tuple[PlannedProgress, ...] = ()
        self._planned: PlannedLines | None = None  # of what still lacks tests
        self.tests: list[TestStretch] = []
        self.following = True
        self.trouble: Message | None = None
        self.place = FittedLabel(21, bold=True, parent=self)
        self.planned = FittedLabel(18, bold=True, parent=self)
        self.zoom_in = BigButton(26, parent=self)
        self.zoom_out = BigButton(26, parent=self)
        self.follow = BigButton(15, parent=self)
        self._collect_timer = QTimer(self)
        self._collect_timer.setInterval(_COLLECT_MS)
        self._collect_timer.timeout.connect(self._collect)
        if self._tiles is not None:
            self._collect_timer.start()
        self.setMinimumSize(120, 80)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def set_features(self, features: MapFeatures) -> None:
        """Draw these highways and settlements from now on."""
        self._features = features
        self._lay_plan(self._progress)
        self.update()

    @property
    def view(self) -> MapView:
        return self._view

    def close_tiles(self) -> None:
        """Stop the worker that reads tiles."""
        self._collect_timer.stop()
        if self._tiles is not None:
            self._tiles.close()
            self._tiles = None

    def set_look(self, look: Look) -> None:
        self._look = look
        theme, texts = look.theme, look.texts
        self.setAccessibleName(texts.tr("map"))
        self.place.set_look(look, theme.ink)
        self.planned.set_look(look, theme.ink)
        for button, text, name in (
            (self.zoom_in, "+", texts.tr("do_zoom_in")),
            (self.zoom_out, "−", texts.tr("do_zoom_out")),
            (self.follow, texts.tr("do_follow"), texts.tr("do_follow")),
        ):
            button.set_look(look, theme.button, theme.on_button, _BUTTON_PX)
            button.show_text(text, name)
        self._arrange()
        self.update()

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        """Show the newest position; the trail and tests were appended by the window."""
        self._fix = snapshot.fix
        self._fix_is_fresh = snapshot.fix_age_us is not None and snapshot.fix_age_us < 5_000_000
        if snapshot.fix is not None:
            self._car = project_one(snapshot.fix.latitude_deg, snapshot.fix.longitude_deg)
        else:
            self._car = latest_position(self._trail)
        if self._look is not None:
            line = place_line(self._look.texts, snapshot.place)
            self.place.show_text(line)
            self._show_planned_here(self._look, snapshot)
        if snapshot.planned is not self._progress:
            self._lay_plan(snapshot.planned)
        self._keep_up()
        self.follow.setVisible(not self.following)
        self.update()

    def _show_planned_here(self, look: Look, snapshot: DriveSnapshot) -> None:
        """Say how far the plan is where the car is: what still lacks tests, if anything does."""
        here = sorted(snapshot.planned_here, key=lambda one: one.is_done)
        name = (snapshot.place.settlement_name if snapshot.place else None) or ""
        text = look.texts.say(progress_line(here[0], name)) if here else ""
        appears = bool(text) is not bool(self.planned.text())
        self.planned.show_text(text)
        if appears:
            self._arrange()

    def _lay_plan(self, progress: tuple[PlannedProgress, ...]) -> None:
        self._progress = progress
        lines = open_lines(self._features, progress) if self._features and progress else None
        self._planned = lines if lines is not None and len(lines.x) else None
        self._ground = None

    def zoom_by(self, steps: float) -> None:
        """Nearer (positive) or further; around the car while following."""
        at = None
        if self.following and self._car is not None:
            at = self._view.one_to_screen(*self._car)
        self._show(self._view.zoomed(steps, at))

    def follow_car(self) -> None:
        """Go to the car and stay with it."""
        self.following = True
        if self._car is not None:
            self._show(replace(self._view, x=self._car[0], y=self._car[1]))

    def _keep_up(self) -> None:
        if self._car is None or not self.following:
            return
        if not self._placed:
            self._placed = True
            self._view = replace(self._view, zoom=_FIRST_ZOOM)
            self.follow_car()
            return
        x, y = self._view.one_to_screen(*self._car)
        near_x, near_y = self._view.width * 0.22, self._view.height * 0.25
        inside = (
            near_x <= x <= self._view.width - near_x and near_y <= y <= self._view.height - near_y
        )
        if not inside:
            self.follow_car()

    def _show(self, view: MapView) -> None:
        self._view = view
        if self._tiles is not None:
            self._tiles.forget_requests()
        self.update()

    def _collect(self) -> None:
        if self._tiles is None:
            return
        if self._tiles.collect():
            self._tile_generation += 1
            self.update()
        if self._tiles.trouble is not None:
            self.trouble = self._tiles.trouble
            self.close_tiles()
        elif not self._tiles.is_busy():
            self._collect_timer.stop()

    # Pictures

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground_picture(self._look))
        paint_trail(painter, self._trail, self._view, self._look)
        paint_tests(painter, self.tests, self._view, self._look, self._book)
        self._paint_car(painter, self._look)
        self._paint_header(painter, self._look)
        paint_scale_bar(painter, self._view, self._look)
        self._paint_legend(painter, self._look)
        paint_attribution(painter, self._view, attribution_text(self._tiles), self._look)
        painter.end()
        if self._tiles is not None and self._tiles.is_busy():
            self._collect_timer.start()

    def _ground_picture(self, look: Look) -> QPixmap:
        """Return base map, highways and settlements, painted once per view and look."""
        ratio = self.devicePixelRatioF()
        covered = self._covered(look)
        key = (
            self._view, look.theme.name, look.texts.language, self._tile_generation, ratio, covered
        )  # fmt: skip
        if self._ground is not None and self._ground[0] == key:
            return self._ground[1]
        picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(look.theme.map_ground))
        painter = QPainter(picture)
        if self._tiles is not None:
            paint_tiles(painter, self._tiles, self._view, look.theme.tile_opacity)
        if self._features is not None:
            paint_highways(painter, self._features, self._view, look)
            if self._planned is not None:
                paint_planned(painter, self._planned, self._view, look)
            paint_names(painter, self._features, self._view, look, covered)
        painter.end()
        self._ground = (key, picture)
        return picture

    def _covered(self, look: Look) -> tuple[QRectF, ...]:
        """Return where something stands upon the map: no name lies beneath it."""
        buttons = (self.zoom_in, self.zoom_out, self.follow)
        rooms = [QRectF(button.geometry()) for button in buttons if not button.isHidden()]
        if self.place.text():
            rooms.append(QRectF(0, 0, self.width(), self._header_px(look)))
        foot_px = look.px(_LEGEND_FOOT_PX if self._planned is not None else _SCALE_BAR_FOOT_PX)
        rooms.append(QRectF(0, self.height() - foot_px, look.px(8) + self.width() / 4, foot_px))
        return tuple(rooms)

    def _paint_car(self, painter: QPainter, look: Look) -> None:
        """An arrow by heading, a disc without one; hollow where the position is old."""
        if self._car is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(QPointF(*self._view.one_to_screen(*self._car)))
        size = look.px(15)
        ink, ground = QColor(look.theme.ink), QColor(look.theme.map_ground)
        painter.setPen(QPen(ground if self._fix_is_fresh else ink, look.px(3)))
        painter.setBrush(ink if self._fix_is_fresh else ground)
        heading = None if self._fix is None else self._fix.heading_deg
        if heading is None:
            painter.drawEllipse(QPointF(0, 0), size * 0.7, size * 0.7)
        else:
            painter.rotate(heading)
            arrow = [(0.0, -1.2), (0.85, 1.0), (0.0, 0.55), (-0.85, 1.0)]
            painter.drawPolygon(QPolygonF([QPointF(x * size, y * size) for x, y in arrow]))
        painter.restore()

    def _paint_header(self, painter: QPainter, look: Look) -> None:
        if self.place.text():
            veil = QColor(look.theme.panel)
            veil.setAlphaF(0.88)
            painter.fillRect(QRectF(0, 0, self.width(), self._header_px(look)), veil)

    def _paint_legend(self, painter: QPainter, look: Look) -> None:
        """Above the scale bar: what the broken line means, while there is one."""
        if self._planned is None:
            return
        text = look.texts.say(message("plan.legend"))
        x, y = look.px(8), self.height() - look.px(_LEGEND_FOOT_PX)
        sample = look.px(52)
        text_on_veil(painter, QPointF(x + sample, y), text, look, 15, 0, 0, before=sample)
        middle = y + painter.fontMetrics().height() / 2
        paint_sample(painter, QPointF(x, middle), look)

    # The user

    def wheelEvent(self, event: QWheelEvent) -> None:
        at = (event.position().x(), event.position().y())
        self._show(self._view.zoomed(event.angleDelta().y() / 240, None if self.following else at))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._drag_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is not None:
            moved = event.position() - self._drag_from
            if self.following and moved.manhattanLength() < 6:
                return
            self.following = False
            self._drag_from = event.position()
            self._show(self._view.panned(moved.x(), moved.y()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._drag_from = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view = replace(self._view, width=max(1, self.width()), height=max(1, self.height()))
        self._arrange()

    def _header_px(self, look: Look) -> int:
        return look.px(_HEADER_PX + _PLANNED_PX if self.planned.text() else _HEADER_PX)

    def _arrange(self) -> None:
        """Place the header and the three buttons over the picture."""
        if self._look is None:
            return
        look = self._look
        side, gap = look.px(_BUTTON_PX), look.px(8)
        width = self.width() - look.px(24)
        self.place.setGeometry(look.px(12), 0, width, look.px(_HEADER_PX))
        self.planned.setVisible(bool(self.planned.text()))
        self.planned.setGeometry(
            look.px(12), look.px(_HEADER_PX) - look.px(4), width, look.px(_PLANNED_PX)
        )
        x, y = self.width() - side - gap, self._header_px(look) + gap
        self.zoom_in.setGeometry(x, y, side, side)
        self.zoom_out.setGeometry(x, y + side + gap, side, side)
        follow_width = look.px(92)
        self.follow.setGeometry(x - follow_width - gap, y, follow_width, side)
