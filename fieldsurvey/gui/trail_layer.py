"""Paints what was driven: the trail by service, and every test as its stretch of road.

With service the trail is a thick line; without, a thin one set with crosses. A test is a line
from its start to its end with the shape of its result at the end.
"""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from fieldsurvey.gui.map_view import Floats, MapView, project
from fieldsurvey.gui.polyline import screen_path, spread_along
from fieldsurvey.gui.reading import Outlook, reading_of
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, Shape, marker_pixmap
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.gui.trail import Trail
from fieldsurvey.model.throughput import ThroughputTest

# The worst is drawn last, so that nothing better hides it.
_DRAWN_IN_ORDER = (
    Outlook.NOT_TESTED,
    Outlook.FAILED,
    Outlook.SELF_LIMITED,
    Outlook.ABOVE,
    Outlook.UNDECIDED,
    Outlook.BELOW,
    Outlook.NO_SERVICE,
)
_MARKER_RADIUS_PX = 9


@dataclass(frozen=True, slots=True)
class TestStretch:
    """Where a test began and ended, in world units; None where there was no position."""

    outlook: Outlook
    start: tuple[float, float] | None
    end: tuple[float, float]


def stretch_of(test: ThroughputTest) -> TestStretch | None:
    """Return the stretch of road ``test`` measured, None where its place is not known."""
    end_fix = test.end_fix or test.start_fix
    if end_fix is None:
        return None
    fixes = [fix for fix in (test.start_fix, end_fix) if fix is not None]
    x, y = project(
        np.array([fix.latitude_deg for fix in fixes]),
        np.array([fix.longitude_deg for fix in fixes]),
    )
    start = (float(x[0]), float(y[0])) if len(fixes) == 2 else None
    return TestStretch(reading_of(test).outlook, start, (float(x[-1]), float(y[-1])))


class MarkerBook:
    """Ready-made marker pictures for one look and one device ratio."""

    def __init__(self) -> None:
        self._made_for: tuple[str, float, float] | None = None
        self._pixmaps: dict[Outlook, QPixmap] = {}

    def of(self, look: Look, device_ratio: float) -> dict[Outlook, QPixmap]:
        wanted = (look.theme.name, look.scale, device_ratio)
        if wanted != self._made_for:
            halo = QColor(look.theme.map_ground)
            self._pixmaps = {
                outlook: marker_pixmap(
                    OUTLOOK_SHAPES[outlook],
                    look.px(_MARKER_RADIUS_PX),
                    QColor(outlook_colours(look.theme, outlook)[0]),
                    halo,
                    device_ratio,
                )
                for outlook in Outlook
            }
            self._made_for = wanted
        return self._pixmaps


def paint_trail(painter: QPainter, trail: Trail, view: MapView, look: Look) -> None:
    """Draw every second that ``view`` shows."""
    if trail.count < 2:
        return
    x, y, joined, reachable = trail.x, trail.y, trail.joined, trail.reachable
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    lost_colour = QColor(look.theme.no_service)
    painter.setPen(QPen(lost_colour, look.px(2)))
    painter.drawPath(screen_path(x, y, joined & ~reachable, view))
    painter.setPen(QPen(QColor(look.theme.trail), look.px(5)))
    painter.drawPath(screen_path(x, y, joined & reachable, view))
    px, py = view.to_screen(x, y)
    with np.errstate(invalid="ignore"):
        seen = ~reachable & (px >= 0) & (px <= view.width) & (py >= 0) & (py <= view.height)
    crosses = spread_along(px, py, seen, look.px(16))
    if len(crosses):
        ratio = painter.device().devicePixelRatioF()
        ground = QColor(look.theme.map_ground)
        cross = marker_pixmap(Shape.CROSS, look.px(5), lost_colour, ground, ratio)
        half = cross.deviceIndependentSize().width() / 2
        for index in crosses:
            painter.drawPixmap(QPointF(px[index] - half, py[index] - half), cross)


def paint_tests(
    painter: QPainter, tests: list[TestStretch], view: MapView, look: Look, book: MarkerBook
) -> None:
    """Draw every test that ``view`` shows, at most one marker of a kind per few pixels."""
    if not tests:
        return
    left, top, right, bottom = view.bounds(_MARKER_RADIUS_PX * 3)
    pixmaps = book.of(look, painter.device().devicePixelRatioF())
    cell = look.px(_MARKER_RADIUS_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for outlook in _DRAWN_IN_ORDER:
        pixmap = pixmaps[outlook]
        half = pixmap.deviceIndependentSize().width() / 2
        painter.setPen(QPen(QColor(outlook_colours(look.theme, outlook)[0]), look.px(4)))
        drawn: set[tuple[int, int]] = set()
        for test in tests:
            x, y = test.end
            if test.outlook is not outlook or not (left <= x <= right and top <= y <= bottom):
                continue
            end_x, end_y = view.one_to_screen(x, y)
            key = (int(end_x // cell), int(end_y // cell))
            if key in drawn:
                continue
            drawn.add(key)
            if test.start is not None:
                start = QPointF(*view.one_to_screen(*test.start))
                painter.drawLine(start, QPointF(end_x, end_y))
            painter.drawPixmap(QPointF(end_x - half, end_y - half), pixmap)


def latest_position(trail: Trail) -> tuple[float, float] | None:
    """Return the newest known position of the trail in world units."""
    x: Floats = trail.x[-600:]
    known = np.flatnonzero(np.isfinite(x))
    if not len(known):
        return None
    index = known[-1] - len(x)
    return float(trail.x[index]), float(trail.y[index])
