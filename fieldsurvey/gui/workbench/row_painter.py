"""Draws those rows of a table that are seen, all in one go.

A delegate is asked for one cell after the other, each time with an index and options of its own:
a hundred cells then take longer than a chart of a million points. Must not make what stands in a
cell, nor know what it means.
"""

import functools

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette
from PySide6.QtWidgets import QTableView

from fieldsurvey.gui.workbench.table_model import BEHIND_NUMBERS, Cell, TableModel

_AIR_PX = 5
_KEPT_TEXTS = 2_000


class _Metrics:
    """How wide texts are in a font; the same words stand in most rows."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._exact = QFontMetricsF(font)
        self.width = functools.lru_cache(_KEPT_TEXTS)(self._exact.horizontalAdvance)
        # Of letters that stand in the middle of a room, how far their line lies below it.
        self.below_middle = self._exact.ascent() - self._exact.height() / 2
        self.behind_numbers = round(self.width(BEHIND_NUMBERS))

    def elided(self, text: str, width: int) -> str:
        return self._exact.elidedText(text, Qt.TextElideMode.ElideRight, width)


class RowPainter:
    """Draws rows where their table has them, as chosen as they are there. One a table."""

    def __init__(self) -> None:
        self._metrics: _Metrics | None = None

    def paint(self, table: QTableView, rows: TableModel, seen: QRect) -> None:
        """Draw the rows that ``seen`` of the viewport touches."""
        first, last = table.rowAt(seen.top()), table.rowAt(seen.bottom())
        if first < 0:
            return
        last = last if last >= 0 else rows.rowCount() - 1
        rooms = [
            (table.columnViewportPosition(number), table.columnWidth(number), column.is_number)
            for number, column in enumerate(rows.columns)
        ]
        left, right = rooms[0][0], rooms[-1][0] + rooms[-1][1]
        metrics = self._metrics_of(table.font())
        painter, palette = QPainter(table.viewport()), table.palette()
        painter.setFont(metrics.font)
        selection = table.selectionModel()
        for line in range(first, last + 1):
            top, height = table.rowViewportPosition(line), table.rowHeight(line)
            role = QPalette.ColorRole.Text
            if selection.isRowSelected(line):
                painter.fillRect(left, top, right - left, height, palette.highlight())
                role = QPalette.ColorRole.HighlightedText
            elif line % 2 and table.alternatingRowColors():
                painter.fillRect(left, top, right - left, height, palette.alternateBase())
            painter.setPen(palette.color(role))
            for cell, (x, width, is_number) in zip(rows.cells(line), rooms, strict=True):
                behind = metrics.behind_numbers if is_number else 0
                room = (x + _AIR_PX, top, width - 2 * _AIR_PX - behind, height)
                _paint_cell(painter, metrics, cell, room, is_number)
        painter.end()

    def _metrics_of(self, font: QFont) -> _Metrics:
        if self._metrics is None or self._metrics.font != font:
            self._metrics = _Metrics(font)
        return self._metrics


def _paint_cell(
    painter: QPainter,
    metrics: _Metrics,
    cell: Cell,
    room: tuple[int, int, int, int],
    is_number: bool,
) -> None:
    left, top, width, height = room
    text, sign = cell
    if sign is not None:
        side = round(sign.width() / sign.devicePixelRatio())
        painter.drawPixmap(left, top + (height - 1) // 2 - side // 2 + 1, sign)
        left, width = left + side + _AIR_PX, width - side - _AIR_PX
    needed = metrics.width(text)
    if round(needed) <= width:
        # At a point: in a room, text is laid out anew every time.
        x = left + width - needed if is_number else left
        painter.drawText(QPointF(x, top + height / 2 + metrics.below_middle), text)
    else:
        at = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
        flags = int(at | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(left, top, width, height), flags, metrics.elided(text, width))
