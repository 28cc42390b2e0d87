"""The keys and what they do, out of the one list of actions; and what mouse and shapes mean."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QWidget

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.actions import ACTIONS, Menu
from fieldsurvey.gui.workbench.dialogs import Question

_BY_HAND = ("drag_map", "grow_map", "drag_chart", "wheel", "arrows", "row", "menus")


def open_help(parent: QWidget, look: Look) -> Question:
    """Show the sheet beside the window, which goes on."""
    texts = look.texts
    dialog = Question(parent, texts, texts.tr("help_title"))
    grid = QGridLayout()
    grid.setHorizontalSpacing(look.px(18))
    row = 0
    for menu in Menu:
        title = texts.tr(f"wb_menu_{menu.value}").replace("&", "")  # before the letter to press
        row = _line(grid, row, "", title, look, bold=True)
        for entry in ACTIONS:
            if entry.menu is menu:
                row = _line(grid, row, entry.key, texts.tr(entry.text_id), look, bold=False)
    row = _line(grid, row, "", texts.tr("wb_by_hand"), look, bold=True)
    for name in _BY_HAND:
        keys, words = texts.tr(f"wb_hand_{name}_keys"), texts.tr(f"wb_hand_{name}")
        row = _line(grid, row, keys, words, look, bold=False)
    content = QWidget()
    content.setLayout(grid)
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAccessibleName(texts.tr("help_title"))
    dialog.body.addWidget(area)
    dialog.buttons.removeButton(dialog.no)
    dialog.no.deleteLater()
    dialog.buttons.setCenterButtons(False)
    dialog.yes.setText(texts.tr("wb_close"))
    dialog.yes.setAccessibleName(texts.tr("wb_close"))
    dialog.finish(look.px(620))
    dialog.resize(min(look.px(640), parent.width() - 20), min(look.px(520), parent.height() - 20))
    dialog.open()
    return dialog


def _line(grid: QGridLayout, row: int, keys: str, words: str, look: Look, *, bold: bool) -> int:
    for column, text in enumerate((keys, words)):
        label = QLabel(text)
        label.setFont(screen_font(look.px(13), bold=bold or column == 0))
        label.setWordWrap(column == 1)
        grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(1, 1)
    return row + 1
