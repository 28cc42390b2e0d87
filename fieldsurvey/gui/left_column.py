"""The left side of the drive window: the verdict (or a question), the sums, the big buttons."""

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.actions import Do, action
from fieldsurvey.gui.fitting import BigButton
from fieldsurvey.gui.question import QuestionPage
from fieldsurvey.gui.start_stop import HEIGHT_PX, StartStop
from fieldsurvey.gui.summary import DriveSummary
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.verdict_panel import VerdictPanel
from fieldsurvey.model.drive import DriveState


class LeftColumn(QWidget):
    """What the surveyor looks at and presses."""

    def __init__(self, target_mbps: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict = VerdictPanel(target_mbps)
        self.question = QuestionPage()
        self.summary = DriveSummary()
        self.start_stop = StartStop()
        self.test = BigButton(22, action(Do.TEST).keys[0])
        self.mark = BigButton(22, action(Do.MARK).keys[0])
        self._stack = QStackedWidget()
        self._stack.addWidget(self.verdict)
        self._stack.addWidget(self.question)
        self._buttons = QHBoxLayout()
        self._buttons.addWidget(self.start_stop, 56)
        self._buttons.addWidget(self.test, 22)
        self._buttons.addWidget(self.mark, 22)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self._stack, 1)
        self._layout.addWidget(self.summary)
        self._layout.addLayout(self._buttons)

    def set_look(self, look: Look) -> None:
        theme, texts = look.theme, look.texts
        self._layout.setSpacing(look.px(8))
        self._buttons.setSpacing(look.px(16))
        self.verdict.set_look(look)
        self.question.set_look(look)
        self.summary.set_look(look)
        self.start_stop.show_look(look)
        for button, do in ((self.test, Do.TEST), (self.mark, Do.MARK)):
            button.set_look(look, theme.button, theme.on_button, HEIGHT_PX)
            button.show_text(texts.tr(action(do).text_id), texts.tr(action(do).help_id))

    def show_snapshot(self, snapshot: DriveSnapshot, closing: bool) -> None:
        self.verdict.show_snapshot(snapshot)
        self.summary.show_snapshot(snapshot)
        self.start_stop.show_snapshot(snapshot, closing)
        driving = snapshot.state is DriveState.DRIVING and not closing
        self.test.setEnabled(driving)
        self.mark.setEnabled(driving)
        self._stack.setCurrentWidget(self.question if self.question.is_asking else self.verdict)
