"""A table on screen over a table in memory: cells are made when they are seen, none is copied.

What is shown is an order of rows of the frame; sorting and selecting change the order alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QColor, QPixmap

from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, marker_pixmap
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look, outlook_colours

Row = Mapping[str, Any]
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_KEPT_LINES = 200
# Numbers end at the right, words begin at the left: without air the two titles read as one.
BEHIND_NUMBERS = 2 * "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Column:
    """``text`` makes a cell of a row; "" is "not known". ``sort``: column of the frame to sort by.
    ``sign``: the shape that stands before the text."""

    title_id: str
    text: Callable[[Texts, Row], str]
    sort: str
    is_number: bool = False
    sign: Callable[[Row], Outlook | None] | None = None


class Cell(NamedTuple):
    """What is seen of a cell: ``sign`` stands before the text."""

    text: str
    sign: QPixmap | None


class TableModel(QAbstractTableModel):
    """Attributes:
    columns: what is shown, from the left.
    order: rows of the frame, from above.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.columns = columns
        self.order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._frame = pl.DataFrame()
        self._sorted: tuple[int, Qt.SortOrder] | None = None
        self._cells: dict[int, tuple[Cell, ...]] = {}  # by row of the frame
        self._signs: dict[Outlook, QPixmap] = {}
        self._look: Look | None = None

    def set_look(self, look: Look, device_ratio: float) -> None:
        self.beginResetModel()
        self._look = look
        self._cells.clear()
        self._signs = {
            outlook: marker_pixmap(
                shape,
                look.px(5.5),
                QColor(outlook_colours(look.theme, outlook)[0]),
                QColor(look.theme.panel),
                device_ratio,
            )
            for outlook, shape in OUTLOOK_SHAPES.items()
        }
        self.endResetModel()

    def show_frame(self, frame: pl.DataFrame, order: NDArray[np.int64]) -> None:
        """Show the rows ``order`` of ``frame``, sorted as before."""
        self.beginResetModel()
        self._frame = frame
        self._cells.clear()
        self.order = self._in_order(order)
        self.endResetModel()

    def show_order(self, order: NDArray[np.int64]) -> None:
        """Show other rows of the same frame."""
        self.beginResetModel()
        self.order = self._in_order(order)
        self.endResetModel()

    def row_at(self, line: int) -> Row:
        """Return what stands in a line."""
        return self._frame.row(int(self.order[line]), named=True)

    def line_of(self, row: int) -> int | None:
        """Return the line that a row of the frame stands in."""
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if len(found) else None

    def telling_lines(self, column: int, most: int) -> list[int]:
        """Return lines by which to tell how wide a column has to be: the first ones, and of words
        one of each."""
        lines = range(min(most, len(self.order)))
        values = self._frame[self.columns[column].sort] if len(self.order) else pl.Series()
        if values.dtype not in (pl.String, pl.Categorical):
            return list(lines)
        return sorted({*lines, *values.gather(self.order).arg_unique().head(most)})

    def forget_rows(self) -> None:
        """What cells are made of besides the frame has changed."""
        self._cells.clear()
        if len(self.order):
            last = self.index(len(self.order) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    # Sorting

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self._sorted = (column, order) if column >= 0 else None
        self.order = self._in_order(np.sort(self.order))
        self.layoutChanged.emit()

    def _in_order(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._sorted is None or not len(rows):
            return rows
        column, direction = self._sorted
        values = self._frame[self.columns[column].sort].gather(rows)
        if values.dtype == pl.Categorical:
            values = values.cast(pl.String)
        descending = direction is Qt.SortOrder.DescendingOrder
        places: NDArray[np.uint32] = values.arg_sort(
            descending=descending, nulls_last=True
        ).to_numpy()
        return rows[places]

    # What Qt asks

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal or self._look is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            title = self._look.texts.tr(self.columns[section].title_id)
            return title + BEHIND_NUMBERS if self.columns[section].is_number else title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._look is None or not index.isValid():
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return self.text(index.row(), index.column())
            case Qt.ItemDataRole.TextAlignmentRole:
                return self.alignment(index.column())
            case Qt.ItemDataRole.DecorationRole:
                return self.cells(index.row())[index.column()].sign
        return None

    def cells(self, line: int) -> Sequence[Cell]:
        """Return the cells of a line, from the left. Each is made once, not in every frame."""
        number = int(self.order[line])
        if number not in self._cells:
            if len(self._cells) >= _KEPT_LINES:
                self._cells.clear()
            row = self._frame.row(number, named=True)
            self._cells[number] = tuple(self._cell(column, row) for column in self.columns)
        return self._cells[number]

    def _cell(self, column: Column, row: Row) -> Cell:
        assert self._look is not None
        outlook = None if column.sign is None else column.sign(row)
        sign = None if outlook is None else self._signs[outlook]
        return Cell(column.text(self._look.texts, row) or "–", sign)

    def text(self, line: int, column: int) -> str:
        """Return the text of a cell."""
        return self.cells(line)[column].text

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Return where a column's text stands: numbers at the right."""
        side = Qt.AlignmentFlag.AlignRight if self.columns[column].is_number else (
            Qt.AlignmentFlag.AlignLeft
        )  # fmt: skip
        return side | Qt.AlignmentFlag.AlignVCenter

    def as_tsv(self, lines: Sequence[int]) -> str:
        """Return lines with their titles, for a spreadsheet."""
        assert self._look is not None
        titles = [self._look.texts.tr(column.title_id) for column in self.columns]
        rows = [[cell.text for cell in self.cells(line)] for line in lines]
        return "\n".join("\t".join(texts) for texts in [titles, *rows]) + "\n"
