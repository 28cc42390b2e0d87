"""What to drive next as a tab: the route in order, what it comes to, and the way to save it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QPushButton

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.plan_columns import PLAN
from fieldsurvey.gui.workbench.table import Table
from fieldsurvey.gui.workbench.when_seen import SaidTable

_TEXT_PX = 12


class PlanPage(SaidTable):
    """Signals:
    save_asked(): as the action of the menu.
    """

    save_asked = Signal()

    def __init__(self) -> None:
        self.with_settlements, self.save = QCheckBox(), QPushButton()
        super().__init__(Table(PLAN), self.with_settlements, self.save)
        self.save.clicked.connect(lambda _checked: self.save_asked.emit())

    def set_look(self, look: Look) -> None:
        super().set_look(look)
        for control, text_id in (
            (self.with_settlements, "wb_plan_settlements"),
            (self.save, "wb_do_save_plan"),
        ):
            control.setFont(screen_font(look.px(_TEXT_PX), bold=False))
            control.setText(look.texts.tr(text_id))
            control.setAccessibleName(control.text())
