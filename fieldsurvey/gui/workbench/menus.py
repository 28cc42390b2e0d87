"""Menus and shortcuts out of the one list of actions, and the two menus that change: recent files
and saved views. Both are in the palette too."""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QMenu

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.actions import ACTIONS, Action, Do, Menu, Needs
from fieldsurvey.gui.workbench.dialogs import ask_line, ask_to_replace, ask_yes
from fieldsurvey.gui.workbench.finder import Answer
from fieldsurvey.gui.workbench.reachable import is_there
from fieldsurvey.gui.workbench.settings import Settings

# Beside Alt with the letter that is underlined in a title: a keyboard of another language has not
# all of these letters.
_MENU_BAR_KEY = "F10"


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
        self._window, self._settings = window, settings
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
        to_menus = QShortcut(QKeySequence(_MENU_BAR_KEY), window)
        to_menus.activated.connect(self.enter_bar)

    def enter_bar(self) -> None:
        """Open the first menu; arrows go on from there."""
        bar = self._window.menuBar()
        bar.setActiveAction(bar.actions()[0])

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
        """Return the actions, saved views and recent files whose words have what was typed, for the
        palette."""
        words = typed.casefold().split()
        found = [
            Answer(made.text(), entry.key, made.trigger)
            for entry in ACTIONS
            if (made := self.actions[entry.do]).isEnabled()
        ]
        found += [
            Answer(name, self._views.title(), partial(self._take_view, text))
            for name, text in self._settings.views().items()
        ]
        found += [
            Answer(path.name, self._recent.title(), partial(self._open_recent, str(path)))
            for path in self._settings.recent()
            if is_there(path)
        ]
        return [
            answer
            for answer in found
            if all(word in f"{answer.text} {answer.hint}".casefold() for word in words)
        ]

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self._settings.recent():
            found = is_there(path)
            text = path.name if found or self._texts is None else (
                self._texts.tr("wb_missing", name=path.name)
            )  # fmt: skip
            entry = self._recent.addAction(text.replace("&", "&&"))
            entry.setToolTip(str(path))
            entry.setEnabled(found)
            entry.triggered.connect(lambda _=False, path=path: self._open_recent(str(path)))
        self._say_if_empty(self._recent)

    def _fill_views(self) -> None:
        self._views.clear()
        views = self._settings.views()
        for name, text in views.items():
            entry = self._views.addAction(name.replace("&", "&&"))
            entry.triggered.connect(lambda _=False, text=text: self._take_view(text))
        if views and self._texts is not None:
            self._views.addSeparator()
            for text_id, ask in (
                ("wb_rename_view", self._ask_name),
                ("wb_remove_view", self._ask_removal),
            ):
                among = self._views.addMenu(self._texts.tr(text_id))
                for name in views:
                    entry = among.addAction(name.replace("&", "&&"))
                    entry.triggered.connect(lambda _=False, name=name, ask=ask: ask(name))
        self._say_if_empty(self._views)

    def _ask_name(self, name: str) -> None:
        assert self._texts is not None
        texts = self._texts
        ask_line(
            self._window,
            texts,
            texts.tr("wb_view_name"),
            lambda wanted: self._rename(name, wanted, texts),
            now=name,
        )

    def _rename(self, name: str, wanted: str, texts: Texts) -> None:
        """Give a view another name; one that has it already is lost only if somebody says so."""
        if wanted == name:
            return
        rename = partial(self._settings.rename_view, name, wanted)
        if wanted in self._settings.views():
            ask_to_replace(self._window, texts, wanted, rename)
        else:
            rename()

    def _ask_removal(self, name: str) -> None:
        assert self._texts is not None
        texts = self._texts
        ask_yes(
            self._window,
            texts,
            texts.tr("wb_remove_view_asked", name=name),
            texts.tr("wb_remove"),
            partial(self._settings.forget_view, name),
        )

    def _say_if_empty(self, menu: QMenu) -> None:
        if menu.isEmpty() and self._texts is not None:
            menu.addAction(self._texts.tr("wb_none_yet")).setEnabled(False)
