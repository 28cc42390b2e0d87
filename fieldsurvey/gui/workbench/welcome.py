"""What is seen while nothing is open: what to do, and what was open before."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.reachable import is_there
from fieldsurvey.gui.workbench.settings import Settings

_MOST = 4
_WIDTH_PX = 520
_EDGE_PX = 24


class Welcome(QWidget):
    def __init__(
        self, settings: Settings, do: Callable[[Do], None], open_recent: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._settings, self._open_recent = settings, open_recent
        self._look: Look | None = None
        self._title, self._hint, self._before = QLabel(), QLabel(), QLabel()
        self._hint.setWordWrap(True)
        self._buttons = {entry: QPushButton() for entry in (Do.OPEN_FILES, Do.OPEN_FOLDER)}
        buttons = QHBoxLayout()
        for entry, button in self._buttons.items():
            button.clicked.connect(lambda _checked=False, entry=entry: do(entry))
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._list = QVBoxLayout()
        self._inner = QWidget()
        column = QVBoxLayout(self._inner)
        for part in (self._title, self._hint):
            column.addWidget(part)
        column.addLayout(buttons)
        column.addSpacing(12)
        column.addWidget(self._before)
        column.addLayout(self._list)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._inner)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)

    def set_look(self, look: Look) -> None:
        self._look = look
        texts = look.texts
        self._fit()
        self._title.setFont(screen_font(look.px(24), bold=True))
        self._title.setText(texts.tr("wb_empty_title"))
        for label in (self._hint, self._before):
            label.setFont(screen_font(look.px(14), bold=False))
        self._hint.setText(texts.tr("wb_empty_hint"))
        for entry, button in self._buttons.items():
            button.setText(texts.tr(f"wb_do_{entry.value}"))
            button.setAccessibleName(button.text())
            button.setFont(screen_font(look.px(14), bold=True))
        self._show_recent(look)

    def _fit(self) -> None:
        if self._look is not None:
            most = max(240, self.width() - 2 * self._look.px(_EDGE_PX))
            self._inner.setFixedWidth(min(self._look.px(_WIDTH_PX), most))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _show_recent(self, look: Look) -> None:
        while (item := self._list.takeAt(0)) is not None:
            entry = item.widget()
            if entry is not None:
                entry.deleteLater()
        recent = self._settings.recent()[:_MOST]
        self._before.setVisible(bool(recent))
        self._before.setText(look.texts.tr("wb_empty_recent"))
        for path in recent:
            self._list.addWidget(self._entry(look, path))

    def _entry(self, look: Look, path: Path) -> QPushButton:
        found = is_there(path)
        text = path.name if found else look.texts.tr("wb_missing", name=path.name)
        button = QPushButton(text.replace("&", "&&"))
        button.setAccessibleName(text)
        button.setToolTip(str(path))
        button.setFlat(True)
        button.setEnabled(found)
        button.setFont(screen_font(look.px(14), bold=False))
        button.setStyleSheet("text-align: left")
        button.clicked.connect(lambda: self._open_recent(str(path)))
        return button
