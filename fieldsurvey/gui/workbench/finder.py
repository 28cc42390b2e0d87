"""A line to type in and the answers under it: for places, and for commands.

Answers come with every key; arrows choose, Return takes, Escape leaves. It stands in the window, so
that nothing waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look

_WIDTH_PX = 460
_MOST = 9
_ROW_PX = 26


@dataclass(frozen=True)
class Answer:
    """``hint`` stands at the right: a key, a kind. ``take`` is what Return does."""

    text: str
    hint: str
    take: Callable[[], None]


class Finder(QFrame):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._around = parent
        self._look: Look | None = None
        self._answers: list[Answer] = []
        self._row_px = _ROW_PX
        self._suggest: Callable[[str], Sequence[Answer]] = lambda _text: ()
        self._before: QWidget | None = None
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.line = QLineEdit()
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = self._rows = QVBoxLayout(self)
        layout.addWidget(self.line)
        self.nothing = QLabel()  # says that there is no answer
        self.nothing.setWordWrap(True)
        layout.addWidget(self.list)
        layout.addWidget(self.nothing)
        self.line.textChanged.connect(self._ask)
        self.line.installEventFilter(self)
        self.list.itemClicked.connect(lambda item: self._take(self.list.indexOfTopLevelItem(item)))
        self.hide()

    def set_look(self, look: Look) -> None:
        self._look = look
        self._row_px = look.px(_ROW_PX)
        self.line.setFont(screen_font(look.px(15), bold=False))
        self.list.setFont(screen_font(look.px(13), bold=False))
        self.nothing.setFont(screen_font(look.px(13), bold=False))

    def open(self, prompt: str, suggest: Callable[[str], Sequence[Answer]]) -> None:
        """Ask ``prompt``; ``suggest`` gives answers to what is typed, the best first."""
        self._suggest = suggest
        self._before = self.window().focusWidget()
        self.line.setPlaceholderText(prompt)
        self.line.setAccessibleName(prompt)
        self.list.setAccessibleName(prompt)
        self.line.clear()
        self._ask("")
        self.show()
        self.raise_()
        self.line.setFocus()

    def leave(self) -> None:
        self.hide()
        before, self._before = self._before, None
        # A filter or button that had the keyboard may be gone: to touch it would end the program.
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus()

    def _ask(self, text: str) -> None:
        self._answers = list(self._suggest(text))
        self.list.clear()
        for answer in self._answers:
            item = QTreeWidgetItem([answer.text, answer.hint])
            item.setSizeHint(0, QSize(0, self._row_px))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.list.addTopLevelItem(item)
        self._choose(0)
        self._say_if_nothing(text.strip())
        self._fit()

    def _say_if_nothing(self, typed: str) -> None:
        said = ""
        if self._look is not None and typed and not self._answers:
            said = self._look.texts.tr("wb_nothing_found", typed=typed)
        self.nothing.setText(said)
        self.nothing.setVisible(bool(said))
        self.line.setAccessibleDescription(said)

    def _choose(self, row: int) -> None:
        last = self.list.topLevelItemCount() - 1
        item = self.list.topLevelItem(min(max(row, 0), last))
        if item is not None:
            self.list.setCurrentItem(item)

    def _row(self) -> int:
        item = self.list.currentItem()
        return -1 if item is None else self.list.indexOfTopLevelItem(item)

    def _fit(self) -> None:
        """Stand at the upper middle of the parent, as high as the answers need."""
        scale = 1.0 if self._look is None else self._look.scale
        parent = self._around
        width = min(round(_WIDTH_PX * scale), parent.width() - 16)
        row = self.list.sizeHintForRow(0) if self._answers else 0
        shown = min(_MOST, len(self._answers))
        self.list.setVisible(bool(self._answers))
        rows_height = row * shown + 2 * self.list.frameWidth() + 2
        self.list.setFixedHeight(rows_height)
        self._rows.activate()  # what it says has just changed
        needed = max(self.sizeHint().height(), self._rows.heightForWidth(width))
        height = min(needed, parent.height() - 16)
        # In a low window the last rows are scrolled to: below the edge nobody would see them.
        self.list.setFixedHeight(rows_height - (needed - height))
        self.setGeometry((parent.width() - width) // 2, 8, width, height)

    def _take(self, row: int) -> None:
        if 0 <= row < len(self._answers):
            answer = self._answers[row]
            self.leave()
            answer.take()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            row = self._row()
            match event.key():
                case Qt.Key.Key_Down:
                    self._choose(row + 1)
                case Qt.Key.Key_Up:
                    self._choose(row - 1)
                case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    self._take(row)
                case Qt.Key.Key_Escape:
                    self.leave()
                case _:
                    return super().eventFilter(watched, event)
            return True
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()  # closes this, and does not clear the selection
                return True
        elif event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        return super().eventFilter(watched, event)
