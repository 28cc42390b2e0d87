"""The small buttons in the corner: palette, language, past notices, keys."""

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from fieldsurvey.gui.actions import Do, action
from fieldsurvey.gui.fitting import BigButton
from fieldsurvey.gui.notices import HEIGHT_PX
from fieldsurvey.gui.theme import Look, ThemeChoice

_WIDTH_PX = 96


class FootButtons(QWidget):
    """Attributes:
    buttons: by what they do.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {
            do: BigButton(16, action(do).keys[0])
            for do in (Do.NIGHT, Do.LANGUAGE, Do.HISTORY, Do.HELP)
        }
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        for button in self.buttons.values():
            self._layout.addWidget(button)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_look(self, look: Look, choice: ThemeChoice) -> None:
        theme, texts = look.theme, look.texts
        self._layout.setSpacing(look.px(8))
        words = {
            Do.NIGHT: texts.tr(f"theme_{choice.value}"),
            Do.LANGUAGE: texts.tr("language_name"),
        }
        for do, button in self.buttons.items():
            button.set_look(look, theme.button, theme.on_button, HEIGHT_PX)
            button.setFixedWidth(look.px(_WIDTH_PX))
            word = words.get(do) or texts.tr(action(do).text_id)
            button.show_text(word, f"{texts.tr(action(do).help_id)} ({word})")
