"""The shapes that carry meaning where colour must not carry it alone.

Drawn as paths, not as letters, so that no font decides whether ▲ can be told from ▼.
"""

import functools
import math
from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from fieldsurvey.drive.snapshot import Health
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.model.verdict import Verdict


class Shape(StrEnum):
    UP = "up"
    DOWN = "down"
    DIAMOND = "diamond"
    CROSS = "cross"
    SQUARE = "square"
    BAR = "bar"
    TICK = "tick"
    WARNING = "warning"
    RING = "ring"
    FRAME = "frame"


OUTLOOK_SHAPES = {
    Outlook.ABOVE: Shape.UP,
    Outlook.BELOW: Shape.DOWN,
    Outlook.UNDECIDED: Shape.DIAMOND,
    Outlook.NO_SERVICE: Shape.CROSS,
    Outlook.SELF_LIMITED: Shape.RING,
    Outlook.FAILED: Shape.SQUARE,
    Outlook.NOT_TESTED: Shape.BAR,
}
VERDICT_SHAPES = {verdict: OUTLOOK_SHAPES[Outlook(verdict.value)] for verdict in Verdict}
HEALTH_SHAPES = {
    Health.OK: Shape.TICK,
    Health.DEGRADED: Shape.WARNING,
    Health.FAILED: Shape.CROSS,
    Health.OFF: Shape.RING,
}


def _polygon(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    path.closeSubpath()
    return path


def _cross() -> QPainterPath:
    arm = 0.32
    corners = [
        (0.0, -arm), (1 - arm, -1), (1, -1 + arm), (arm, 0.0), (1, 1 - arm), (1 - arm, 1),
        (0.0, arm), (-1 + arm, 1), (-1, 1 - arm), (-arm, 0.0), (-1, -1 + arm), (-1 + arm, -1),
    ]  # fmt: skip
    return _polygon(*corners)


def _disc(radius: float) -> QPainterPath:
    # Cutting one path out of another turns curves into few straight pieces; enough of them here.
    steps = [2 * math.pi * step / 48 for step in range(48)]
    return _polygon(*((radius * math.cos(turn), radius * math.sin(turn)) for turn in steps))


def _warning() -> QPainterPath:
    triangle = _polygon((0, -1), (1.05, 0.9), (-1.05, 0.9))
    mark = QPainterPath()
    mark.addRect(QRectF(-0.13, -0.35, 0.26, 0.65))
    mark.addRect(QRectF(-0.13, 0.45, 0.26, 0.24))
    return triangle.subtracted(mark)


def _tick() -> QPainterPath:
    tick = _polygon(
        (-0.62, 0.02), (-0.42, -0.2), (-0.14, 0.1), (0.45, -0.5), (0.64, -0.28), (-0.14, 0.54)
    )
    return _disc(1).subtracted(tick)


def _ring() -> QPainterPath:
    return _disc(1).subtracted(_disc(0.68))


def _square(half: float) -> QPainterPath:
    return _polygon((-half, -half), (half, -half), (half, half), (-half, half))


@functools.cache
def shape_path(shape: Shape) -> QPainterPath:
    """Return ``shape`` within -1…1, y downwards."""
    match shape:
        case Shape.UP:
            return _polygon((0, -0.95), (1, 0.85), (-1, 0.85))
        case Shape.DOWN:
            return _polygon((0, 0.95), (1, -0.85), (-1, -0.85))
        case Shape.DIAMOND:
            return _polygon((0, -1), (0.9, 0), (0, 1), (-0.9, 0))
        case Shape.CROSS:
            return _cross()
        case Shape.SQUARE:
            return _square(0.8)
        case Shape.BAR:
            return _polygon((-1, -0.25), (1, -0.25), (1, 0.25), (-1, 0.25))
        case Shape.TICK:
            return _tick()
        case Shape.WARNING:
            return _warning()
        case Shape.RING:
            return _ring()
        case Shape.FRAME:
            return _square(0.9).subtracted(_square(0.55))


def draw_shape(
    painter: QPainter,
    shape: Shape,
    centre: QPointF,
    radius: float,
    colour: QColor,
    halo: QColor | None = None,
) -> None:
    """Draw ``shape`` filled; ``halo`` is an outline that keeps it apart from a map beneath."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(centre)
    painter.scale(radius, radius)
    if halo is None:
        painter.setPen(Qt.PenStyle.NoPen)
    else:
        painter.setPen(QPen(halo, 0.25))
    painter.setBrush(colour)
    painter.drawPath(shape_path(shape))
    painter.restore()


def marker_pixmap(
    shape: Shape, radius: float, colour: QColor, halo: QColor, device_ratio: float
) -> QPixmap:
    """Return ``shape`` as a picture, for drawing it hundreds of times."""
    side = math.ceil((radius + 2) * 2)
    pixmap = QPixmap(math.ceil(side * device_ratio), math.ceil(side * device_ratio))
    pixmap.setDevicePixelRatio(device_ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_shape(painter, shape, QPointF(side / 2, side / 2), radius, colour, halo)
    painter.end()
    return pixmap
