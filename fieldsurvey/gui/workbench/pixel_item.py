"""A part of a chart that paints itself in pixels: with arrays, where Qt's shapes take too long."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

FORMAT = QImage.Format.Format_ARGB32_Premultiplied

Pixels = NDArray[np.uint32]


class PixelItem(QGraphicsItem):
    """Paints over the whole box it lies in, in pixels."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__()
        self._box = box

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.viewRect())

    def refresh(self) -> None:
        """What is drawn, or the part of it in view, has changed."""
        self.prepareGeometryChange()
        self.update()

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        to_pixels = painter.worldTransform()
        area = to_pixels.mapRect(self.boundingRect()).toAlignedRect()
        painter.save()
        painter.resetTransform()
        self.paint_pixels(painter, to_pixels, area)
        painter.restore()

    def paint_pixels(self, painter: QPainter, to_pixels: QTransform, area: QRect) -> None:
        raise NotImplementedError


def ratio_of(painter: QPainter) -> float:
    device = painter.device()
    return device.devicePixelRatioF() if device is not None else 1.0


def pixels_of(area: QRect, ratio: float) -> tuple[int, int]:
    """Return how wide and high an area is on the device."""
    return max(1, round(area.width() * ratio)), max(1, round(area.height() * ratio))


def draw_pixels(painter: QPainter, area: QRect, pixels: Pixels, ratio: float) -> None:
    """Draw rows of pixels of the device, in the format of ``FORMAT``."""
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width * 4, FORMAT)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(area.topLeft(), image)
