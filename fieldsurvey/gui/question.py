"""A question inside the window, with two big buttons: never a dialog, never while moving."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from fieldsurvey.gui.fitting import BigButton, FittedLabel
from fieldsurvey.gui.theme import Look

# Y and N, and the letters on the same keys of a Cyrillic keyboard.
YES_KEYS = (Qt.Key.Key_Y, Qt.Key.Key_Return, Qt.Key.Key_Enter, 0x041D)
NO_KEYS = (Qt.Key.Key_N, Qt.Key.Key_Escape, 0x0422)


class QuestionPage(QFrame):
    """Text, yes and no. ``answer`` is called once with True or False."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._answer: Callable[[bool], None] | None = None
        self.label = FittedLabel(26, bold=True, lines=4)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.yes = BigButton(26, "Y · Enter")
        self.no = BigButton(26, "N · Esc")
        self.yes.clicked.connect(lambda: self.give(True))
        self.no.clicked.connect(lambda: self.give(False))
        self._layout = QVBoxLayout(self)
        for widget in (self.label, self.yes, self.no):
            self._layout.addWidget(widget)

    @property
    def is_asking(self) -> bool:
        return self._answer is not None

    def set_look(self, look: Look) -> None:
        self._look = look
        theme = look.theme
        self.label.set_look(look, theme.ink)
        self.yes.set_look(look, theme.start, theme.on_start, 72)
        self.no.set_look(look, theme.button, theme.on_button, 72)
        edge = look.px(12)
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self._layout.setSpacing(look.px(16))
        self.update()

    def ask(self, text: str, yes: str, no: str, answer: Callable[[bool], None]) -> None:
        """Show a question; asking again only refreshes the words."""
        self.label.show_text(text)
        self.yes.show_text(yes)
        self.no.show_text(no)
        self.setAccessibleName(text)
        self._answer = answer

    def withdraw(self) -> None:
        self._answer = None

    def give(self, accepted: bool) -> None:
        """Answer, once."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(accepted)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(self._look.theme.ink))
        painter.setBrush(QColor(self._look.theme.panel))
        frame = self.rect().adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(frame, self._look.px(10), self._look.px(10))
        painter.end()
