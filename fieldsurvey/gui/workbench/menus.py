"""Menus and shortcuts out of the one list of actions, and the two menus that change: recent files
and saved views."""

from collections.abc import Callable

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.actions import ACTIONS, Action, Do, Menu, Needs
from fieldsurvey.gui.workbench.finder import Answer
from fieldsurvey.gui.workbench.settings import Settings


class Menus:
    """``do`` carries an action out; ``open_recent`` and ``take_view`` get what was chosen."""

    def __init__(
        self,
        window: QMainWindow,
        settings: Settings,
        do: Callable[[Do], None],
        open_recent: Callable[[str], None],
        take_view: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._do = do
        self._open_recent, self._take_view = open_recent, take_view
        self._texts: Texts | None = None
        self.actions: dict[Do, QAction] = {}
        self._menus: dict[Menu, QMenu] = {}
        self._recent, self._views = QMenu(window), QMenu(window)
        self._recent.aboutToShow.connect(self._fill_recent)
        self._views.aboutToShow.connect(self._fill_views)
        for menu in Menu:
            self._menus[menu] = QMenu(window)
            window.menuBar().addMenu(self._menus[menu])
        for entry in ACTIONS:
            self._add(window, entry)

    def _add(self, window: QMainWindow, entry: Action) -> None:
        menu = self._menus[entry.menu]
        if entry.starts_group:
            menu.addSeparator()
        made = QAction(window)
        made.setShortcuts([QKeySequence(key) for key in entry.keys])
        made.triggered.connect(lambda _checked=False: self._do(entry.do))
        menu.addAction(made)
        self.actions[entry.do] = made
        if entry.do is Do.OPEN_FOLDER:
            menu.addMenu(self._recent)
        if entry.do is Do.SAVE_VIEW:
            menu.addMenu(self._views)

    def set_texts(self, texts: Texts) -> None:
        self._texts = texts
        for menu, shown in self._menus.items():
            shown.setTitle(texts.tr(f"wb_menu_{menu.value}"))
        self._recent.setTitle(texts.tr("wb_recent"))
        self._views.setTitle(texts.tr("wb_views"))
        for entry in ACTIONS:
            self.actions[entry.do].setText(texts.tr(entry.text_id))

    def enable(self, available: set[Needs]) -> None:
        """Grey what makes no sense at present."""
        for entry in ACTIONS:
            self.actions[entry.do].setEnabled(entry.needs in available)

    def answers(self, typed: str) -> list[Answer]:
        """Return the actions whose words have what was typed, for the palette."""
        words = typed.casefold().split()
        found = []
        for entry in ACTIONS:
            made = self.actions[entry.do]
            text = made.text()
            if made.isEnabled() and all(word in text.casefold() for word in words):
                found.append(Answer(text, entry.key, made.trigger))
        return found

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self._settings.recent():
            is_there = path.exists()
            text = path.name if is_there or self._texts is None else (
                self._texts.tr("wb_missing", name=path.name)
            )  # fmt: skip
            entry = self._recent.addAction(text.replace("&", "&&"))
            entry.setToolTip(str(path))
            entry.setEnabled(is_there)
            entry.triggered.connect(lambda _=False, path=path: self._open_recent(str(path)))
        self._say_if_empty(self._recent)

    def _fill_views(self) -> None:
        self._views.clear()
        for name, text in self._settings.views().items():
            entry = self._views.addAction(name.replace("&", "&&"))
            entry.triggered.connect(lambda _=False, text=text: self._take_view(text))
        self._say_if_empty(self._views)

    def _say_if_empty(self, menu: QMenu) -> None:
        if menu.isEmpty() and self._texts is not None:
            menu.addAction(self._texts.tr("wb_none_yet")).setEnabled(False)
