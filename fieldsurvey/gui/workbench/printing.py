"""The window as a page: the same map and chart, what is selected, by which filters and target.

Print is screen: the painters are those of the window. Must not judge or count anything anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMarginsF, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPageLayout, QPageSize, QPainter, QRegion
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QWidget

from fieldsurvey.gui.workbench.chart import Chart
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap
from fieldsurvey.model.errors import KnownError

_MARGIN_MM = 12.0
_POINTS = 9
_TITLE_POINTS = 15
_SHARPNESS = 3


@dataclass(frozen=True)
class Page:
    """``title``, then ``lines`` under it; ``foot`` says where all of it comes from."""

    title: str
    lines: Sequence[str]
    foot: str


def print_page(path: Path, page: Page, map_widget: WorkbenchMap, chart: Chart) -> None:
    """Write a PDF of one page. Raises ``KnownError`` where it cannot be written."""
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(path))
    printer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    printer.setPageOrientation(QPageLayout.Orientation.Portrait)
    margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
    printer.setPageMargins(margins, QPageLayout.Unit.Millimeter)
    printer.setCreator("FieldSurvey")
    printer.setDocName(page.title)
    painter = QPainter()
    if not painter.begin(printer):
        raise KnownError("gui.wb_print_failed", path=path)
    try:
        room = QRect(0, 0, printer.width(), printer.height())
        _draw(painter, room, page, map_widget, chart)
    finally:
        painter.end()


def _draw(
    painter: QPainter, room: QRect, page: Page, map_widget: WorkbenchMap, chart: Chart
) -> None:
    gap = room.height() // 80
    y = _text(painter, room, 0, page.title, _TITLE_POINTS, bold=True) + gap // 2
    for line in page.lines:
        y = _text(painter, room, y, line, _POINTS, bold=False)
    foot_height = _height(painter, room, page.foot, _POINTS - 2)
    left = room.height() - y - foot_height - 3 * gap
    map_height = round(left * 0.58)
    _framed(painter, QRect(0, y + gap, room.width(), map_height))
    painter.save()
    painter.translate(0, y + gap)
    map_widget.render_to(painter, QSize(room.width(), map_height))
    painter.restore()
    y += gap + map_height + gap
    height = room.height() - y - foot_height - gap
    y_chart = _text(painter, room, y, chart.sentence.text(), _POINTS + 1, bold=True)
    picture = _picture(chart)
    place = QRect(0, y_chart + gap // 2, room.width(), height - (y_chart - y) - gap // 2)
    size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    painter.drawImage(QRect(place.topLeft(), size), picture)
    _text(painter, room, room.height() - foot_height, page.foot, _POINTS - 2, bold=False)


def _picture(chart: Chart) -> QImage:
    """Return the chart as it is on screen, in three times the pixels. (Axes keep pictures of
    themselves that fit the screen alone, so a printer cannot be painted on directly.)"""
    if not chart.isVisible():
        chart.grab()  # lays out what was never on screen
    view, legend = chart.view, chart.legend
    size = QSize(view.width(), view.height() + legend.height())
    picture = QImage(size * _SHARPNESS, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(_SHARPNESS)
    picture.fill(Qt.GlobalColor.white)
    painter = QPainter(picture)
    place = QRectF(view.rect())
    view.render(painter, place, view.viewport().rect(), Qt.AspectRatioMode.IgnoreAspectRatio)
    legend.render(painter, QPoint(0, view.height()), QRegion(), QWidget.RenderFlag.DrawChildren)
    painter.end()
    return picture


def _font(points: float, *, bold: bool) -> QFont:
    font = QFont()
    font.setPointSizeF(points)
    font.setBold(bold)
    return font


def _height(painter: QPainter, room: QRect, text: str, points: float) -> int:
    painter.setFont(_font(points, bold=False))
    flags = int(Qt.TextFlag.TextWordWrap)
    return painter.boundingRect(QRect(0, 0, room.width(), room.height()), flags, text).height()


def _text(painter: QPainter, room: QRect, y: int, text: str, points: float, *, bold: bool) -> int:
    """Draw a paragraph at ``y``; return where the next one begins."""
    painter.setFont(_font(points, bold=bold))
    painter.setPen(QColor("black"))
    flags = int(Qt.TextFlag.TextWordWrap)
    place = QRect(0, y, room.width(), room.height() - y)
    needed = painter.boundingRect(place, flags, text)
    painter.drawText(place, flags, text)
    return needed.bottom() + 1


def _framed(painter: QPainter, place: QRect) -> None:
    painter.setPen(QColor("#888888"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place)
