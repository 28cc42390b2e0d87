"""The filters above everything: one chip each, with what it keeps of all tests.

A chip is a button: pressing it changes its words, Delete removes it. Nothing is filtered without a
chip that says so.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QWidget,
)

from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.filters import (
    CHOICE_FIELDS,
    EXCLUDED,
    REPLAYED,
    ROAD,
    TAG,
    TIME,
    Kept,
)
from fieldsurvey.gui.workbench.flow_layout import FlowLayout
from fieldsurvey.gui.workbench.selection import Changed, SelectionModel
from fieldsurvey.gui.workbench.words import capitalised, word_of, words_of

_BRUSH = "brush"


class Chip(QFrame):
    """One predicate with its counts and a cross. ``name`` is the predicate's.

    Signals: ``changed`` and ``removed`` ask for what the buttons say.
    """

    changed = Signal()
    removed = Signal()

    def __init__(self, name: str, look: Look, *, can_change: bool) -> None:
        super().__init__()
        self.name = name
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.body = QToolButton()
        self.body.setAutoRaise(True)
        self.body.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.cross = QToolButton()
        self.cross.setText("✕")
        self.cross.setAutoRaise(True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(look.px(4), 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self.body)
        self._row.addWidget(self.cross)
        if can_change:
            self.body.clicked.connect(self.changed)
        self.cross.clicked.connect(self.removed)

    def say(self, text: str, look: Look) -> None:
        """Show the predicate in words."""
        texts = look.texts
        self.body.setText(text)
        self.body.setAccessibleName(text)
        self.body.setAccessibleDescription(texts.tr("wb_chip_help"))
        self.body.setToolTip(texts.tr("wb_chip_help"))
        self.cross.setToolTip(texts.tr("wb_remove_filter"))
        self.cross.setAccessibleName(f"{texts.tr('wb_remove_filter')}: {text}")
        self._row.activate()  # or the bar would go on with the width of the words before

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)


class FilterBar(QScrollArea):
    """As many rows as the chips need, and never more than a sixth of the window.

    Signals:
    time_asked, road_asked: the range of these is asked for in a dialog.
    """

    time_asked = Signal()
    road_asked = Signal()

    def __init__(self, model: SelectionModel) -> None:
        super().__init__()
        self._model = model
        self._look: Look | None = None
        self._chips: list[Chip] = []
        self._flow = FlowLayout()
        self._content = QWidget()
        self._content.setLayout(self._flow)
        self.setWidget(self._content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.add = QPushButton()
        self.add.clicked.connect(self.open_menu)
        self._flow.addWidget(self.add)
        model.listen(self._note_change)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setAccessibleName(look.texts.tr("wb_filters"))
        self.add.setText(look.texts.tr("wb_add_filter"))
        self.add.setAccessibleName(look.texts.tr("wb_add_filter"))
        self._flow.setContentsMargins(look.px(8), look.px(6), look.px(8), look.px(2))
        self._flow.setSpacing(look.px(6))
        self._rebuild()

    def _note_change(self, changed: Changed) -> None:
        if changed & (Changed.FILTER | Changed.SELECTION):
            self._rebuild()

    def texts_shown(self) -> list[str]:
        """Return what the chips say, for prints."""
        return [chip.body.text() for chip in self._chips]

    def _rebuild(self) -> None:
        if self._look is None:
            return
        wanted = [(kept.name, self._text(self._look, kept)) for kept in self._model.kept]
        texts = self._look.texts
        wanted += [(name, texts.tr(f"wb_chip_{name}")) for name in self._shown()]
        if self._model.brush is not None:
            kept_count = texts.number(self._model.tests_count)
            all_count = texts.number(int(self._model.filtered_tests.sum()))
            wanted.append((_BRUSH, texts.tr("wb_chip_brush", kept=kept_count, all=all_count)))
        if [text for _, text in wanted] == self.texts_shown():
            return
        if [name for name, _ in wanted] != [chip.name for chip in self._chips]:
            self._make_chips(self._look, [name for name, _ in wanted])
        for chip, (_, text) in zip(self._chips, wanted, strict=True):
            chip.say(text, self._look)
        self._fit()

    def _make_chips(self, look: Look, names: list[str]) -> None:
        had_focus = any(chip.isAncestorOf(self.focusWidget() or self) for chip in self._chips)
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._chips = [self._chip(look, name) for name in names]
        if had_focus:
            (self._chips[-1].body if self._chips else self.add).setFocus()

    def _fit(self) -> None:
        needed = self._flow.heightForWidth(self.viewport().width())
        one_row = self.add.sizeHint().height() + 2 * self._flow.spacing()
        self._content.setMinimumHeight(needed)
        self.setFixedHeight(min(needed, max(one_row, self.window().height() // 6)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _shown(self) -> list[str]:
        """Return what is on screen though it would not count."""
        filters, facts = self._model.filters, self._model.facts
        replayed = facts.tests.replayed.any() or facts.samples.replayed.any()
        there = {EXCLUDED: self._model.excluded_tests.any(), REPLAYED: replayed}
        return [f"{name}_shown" for name in there if getattr(filters, name) and there[name]]

    def _chip(self, look: Look, name: str) -> Chip:
        chip = Chip(name, look, can_change=name in (*CHOICE_FIELDS, TIME, ROAD))
        chip.removed.connect(lambda: self._remove(name))
        chip.changed.connect(lambda: self._change(name, chip))
        self._flow.addWidget(chip)
        chip.show()
        return chip

    def _text(self, look: Look, kept: Kept) -> str:
        texts, tests = look.texts, kept.tests
        name = capitalised(texts.tr(f"wb_field_{kept.name}"))
        if kept.name in (EXCLUDED, REPLAYED):
            return texts.tr("wb_chip_hidden", name=name, count=texts.number((~tests).sum()))
        words = words_of(texts, self._model.filters, kept.name, self._model.facts.settlement_names)
        numbers = {"kept": texts.number(tests.sum()), "all": texts.number(len(tests))}
        return texts.tr("wb_chip", name=name, words=words, **numbers)

    def _remove(self, name: str) -> None:
        if name == _BRUSH:
            self._model.set_brush(None)
        else:
            self._model.set_filters(self._model.filters.without(name))

    def _change(self, name: str, chip: Chip) -> None:
        if name == TIME:
            self.time_asked.emit()
        elif name == ROAD:
            self.road_asked.emit()
        else:
            menu = self.words_menu(name)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(chip.mapToGlobal(chip.rect().bottomLeft()))

    # Menus

    def open_menu(self) -> None:
        """Offer every filter there is."""
        if self._look is None:
            return
        texts = self._look.texts
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in CHOICE_FIELDS:
            words = self.words_menu(name)
            if words.isEmpty():
                words.deleteLater()
                continue
            words.setTitle(capitalised(texts.tr(f"wb_field_{name}")))
            words.setParent(menu, words.windowFlags())
            menu.addMenu(words)
        menu.addSeparator()
        for name, asked in ((TIME, self.time_asked), (ROAD, self.road_asked)):
            menu.addAction(capitalised(texts.tr(f"wb_field_{name}")) + "…", asked.emit)
        menu.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def words_menu(self, name: str) -> QMenu:
        """Return a menu of the words of a field with their numbers of tests."""
        assert self._look is not None
        texts = self._look.texts
        menu = QMenu(self)
        chosen = self._model.filters.choices.get(name, ())
        names = self._model.facts.settlement_names
        for word, count in self._counts(name).items():
            shown = word_of(texts, name, word, names).replace("&", "&&")
            entry = QAction(f"{shown} · {texts.number(count)}", menu)
            entry.setCheckable(True)
            entry.setChecked(word in chosen)
            entry.toggled.connect(lambda on, word=word: self._toggle(name, word, on))
            menu.addAction(entry)
        return menu

    def _counts(self, name: str) -> dict[str, int]:
        if name == TAG:
            return self._model.tag_counts()
        return self._model.facts.tests.fields[name].counts()

    def _toggle(self, name: str, word: str, on: bool) -> None:
        chosen = set(self._model.filters.choices.get(name, ()))
        chosen = chosen | {word} if on else chosen - {word}
        self._model.set_filters(self._model.filters.choosing(name, tuple(chosen)))
