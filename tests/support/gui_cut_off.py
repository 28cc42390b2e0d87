"""Walks a window and tells what is cut off or has no name, by Qt's own measures."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QGraphicsView, QLabel, QWidget

from fieldsurvey.gui.fitting import BigButton, FittedLabel, screen_font
from fieldsurvey.gui.sheet import Sheet
from fieldsurvey.gui.throughput_plot import ThroughputPlot
from fieldsurvey.gui.verdict_panel import VerdictBand


def _needed(text: str, size_px: int, bold: bool, room: QRect, wrap: bool) -> QRect:
    flags = Qt.TextFlag.TextWordWrap if wrap else Qt.TextFlag.TextSingleLine
    metrics = QFontMetrics(screen_font(size_px, bold))
    return metrics.boundingRect(QRect(0, 0, room.width(), 100_000), int(flags), text)


def _text_is_cut(widget: QWidget) -> bool:
    """Measure the text at the size it is painted in against the room it is painted in."""
    if isinstance(widget, FittedLabel):
        room, bold, wrap = widget.contentsRect(), widget._bold, widget._lines > 1
    elif isinstance(widget, BigButton):
        room, bold, wrap = widget.text_room(), True, True
    elif isinstance(widget, VerdictBand):
        room, bold, wrap = widget._room(), True, True
    else:
        return False
    if not widget.text():
        return False
    needed = _needed(widget.text(), widget._fitted()[0], bold, room, wrap)
    return needed.width() > room.width() or needed.height() > room.height()


def cut_off_texts(window: QWidget) -> list[str]:
    """Return a line for every visible widget that shows less than it should."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.parentWidget() is None:
            continue
        if isinstance(widget, ThroughputPlot) and widget.target_label_is_cut():
            found.append("the name of the target line")
        if isinstance(widget, Sheet):
            found += [f"sheet: {line}" for line in widget.hidden_rows()]
        name = (
            f"{type(widget).__name__} {widget.accessibleName() or getattr(widget, 'text', str)()!r}"
        )
        if _text_is_cut(widget):
            found.append(f"text: {name}")
        if isinstance(widget, (FittedLabel, BigButton, VerdictBand, QGraphicsView)):
            top_left = widget.mapTo(window, widget.rect().topLeft())
            placed = QRect(top_left, widget.size())
            if not window.rect().contains(placed) or not widget.size().isValid():
                found.append(f"outside: {name} {placed}")
            if (
                not isinstance(widget, QGraphicsView)
                and widget.visibleRegion().boundingRect() != widget.rect()
            ):
                found.append(f"covered or clipped: {name}")
    return found


def unnamed_controls(window: QWidget) -> list[str]:
    """Return every visible control that a screen reader could not name."""
    return [
        f"{type(widget).__name__}"
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and isinstance(widget, (QAbstractButton, QGraphicsView))
        and not widget.accessibleName()
        and not isinstance(widget, QLabel)
    ]
