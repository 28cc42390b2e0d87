"""A table of the desk: rows that are gone to or marked, quickly drawn."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.row_painter import RowPainter
from fieldsurvey.gui.workbench.table_model import Column, TableModel

_TEXT_PX = 12
_WIDEST_PX = 850  # no sentence of ours is longer; of notes that are, the hint has all words
_MEASURED_ROWS = 25


class Table(QTableView):
    """Signals:
    gone_to(line): the row became the current one, by mouse or key.
    marked(lines): several rows were chosen.
    """

    gone_to = Signal(int)
    marked = Signal(object)

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.rows = TableModel(columns)
        self.setModel(self.rows)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.selectionModel().selectionChanged.connect(self._chosen)
        self._usual_frame = self.frameStyle()
        self._is_following = False
        self._painter = RowPainter()
        # Qt would lay the new rows out while it paints them, and then paint them once more.
        self.rows.modelReset.connect(self.executeDelayedItemsLayout)

    def set_look(self, look: Look) -> None:
        self.setFont(screen_font(look.px(_TEXT_PX), bold=False))
        self.horizontalHeader().setFont(screen_font(look.px(_TEXT_PX), bold=True))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().lineSpacing() + look.px(6))
        self.rows.set_look(look, self.devicePixelRatioF())
        self.fit_columns()

    def fit_columns(self) -> None:
        """Give every column what its title and what stands in it need."""
        for number in range(len(self.rows.columns)):
            self.setColumnWidth(number, self._needed(number))
        self.fit_last()

    def fit_last(self) -> None:
        """Give notes and reasons, which stand last, what is free as well.

        A number would stand alone at the far right."""
        last = len(self.rows.columns) - 1
        if not self.rows.columns[last].is_number:
            free = self.viewport().width() - self.columnViewportPosition(last)
            free -= self.horizontalHeader().offset()
            self.setColumnWidth(last, max(self._needed(last), free))

    def _needed(self, number: int) -> int:
        metrics = self.fontMetrics()
        needed = self.horizontalHeader().sectionSizeHint(number)
        for line in self.rows.telling_lines(number, _MEASURED_ROWS):
            needed = max(needed, metrics.horizontalAdvance(self.rows.text(line, number)) + 38)
        return min(needed, _WIDEST_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.rows.rowCount():
            self.fit_last()

    def chosen_lines(self) -> list[int]:
        """Return the lines that are chosen, from above."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def follow(self, line: int | None) -> None:
        """Show a line as the current one without telling anybody."""
        self._is_following = True
        if line is None:
            self.clearSelection()
            self.setCurrentIndex(self.rows.index(-1, -1))
        elif self.chosen_lines() != [line]:
            index = self.rows.index(line, 0)
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(
                index, flags.ClearAndSelect | flags.Rows | flags.Current
            )
            self.scrollTo(index)
        self._is_following = False

    def stand_before(self, line: int) -> None:
        """Let arrows go on at a line whose row is gone, instead of at the first one."""
        index = self.rows.index(line - 1, 0)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _chosen(self) -> None:
        if self._is_following:
            return
        lines = self.chosen_lines()
        if len(lines) == 1:
            self.gone_to.emit(lines[0])
        elif lines:
            self.marked.emit(lines)

    def copy(self) -> None:
        """Put what is chosen, or everything, on the clipboard as tab-separated text."""
        lines = self.chosen_lines()
        wanted = lines if len(lines) > 1 else range(self.rows.rowCount())
        QGuiApplication.clipboard().setText(self.rows.as_tsv(list(wanted)))

    def paintEvent(self, event: QPaintEvent) -> None:
        self.executeDelayedItemsLayout()
        self._painter.paint(self, self.rows, event.rect())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Letters are the window's shortcuts, not a search in the first column.
        if event.text().strip() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        super().keyPressEvent(event)

    # While no row is the current one, the frame alone tells where keys go to.

    def focusInEvent(self, event: QFocusEvent) -> None:
        had_row = self.currentIndex().isValid()
        super().focusInEvent(event)
        if not had_row:  # Qt makes the first row the current one unseen: "down" would pass it over
            nowhere, flags = self.rows.index(-1, -1), QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(nowhere, flags.NoUpdate)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.setFrameStyle(self._usual_frame)
