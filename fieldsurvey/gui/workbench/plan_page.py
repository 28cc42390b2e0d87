"""What to drive next as a tab: what is asked, the route in order, what it comes to, how to save it.

What is asked beside the selection stands in a row of its own: settlements too, where the car
starts, and how far it may go.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSpinBox

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.plan_columns import PLAN
from fieldsurvey.gui.workbench.route_start import RouteStart
from fieldsurvey.gui.workbench.table import Table
from fieldsurvey.gui.workbench.when_seen import SaidTable

_TEXT_PX = 12
_MOST_KM, _STEP_KM = 99_999, 50


class PlanPage(SaidTable):
    """Signals:
    save_asked(): as the action of the menu.
    start_asked(): somebody wants to choose where the route begins.
    start_taken(point): it begins at ``start_point`` from now on.
    asked_otherwise(): another plan is asked for.
    left(): it is seen no more.
    """

    save_asked = Signal()
    start_asked = Signal()
    start_taken = Signal(object)
    asked_otherwise = Signal()
    left = Signal()

    def __init__(self) -> None:
        self.save = QPushButton()
        super().__init__(Table(PLAN), self.save)
        self.with_settlements, self.start, self.most = QCheckBox(), QPushButton(), QSpinBox()
        self.most.setRange(0, _MOST_KM)
        self.most.setSingleStep(_STEP_KM)
        self._chosen: RouteStart | None = None
        self._look: Look | None = None
        self._asked = QHBoxLayout()
        self._asked.setContentsMargins(4, 0, 4, 2)
        for control in (self.with_settlements, self.start, self.most):
            self._asked.addWidget(control)
        self._asked.addStretch(1)
        self.rows.insertLayout(1, self._asked)
        self.save.clicked.connect(lambda _checked: self.save_asked.emit())
        self.start.clicked.connect(lambda _checked: self.start_asked.emit())
        self.with_settlements.toggled.connect(lambda _on: self.asked_otherwise.emit())
        self.most.valueChanged.connect(lambda _km: self.asked_otherwise.emit())

    @property
    def start_point(self) -> tuple[float, float] | None:
        """Return where the route begins, in degrees."""
        start = self._chosen
        return None if start is None else (start.latitude_deg, start.longitude_deg)

    @property
    def most_km(self) -> int | None:
        """Return how long the route may be."""
        return self.most.value() or None

    def take_start(self, start: RouteStart | None) -> None:
        """Let the route begin there, or at its first place."""
        self._chosen = start
        self._name_start()
        self.start_taken.emit(self.start_point)
        self.asked_otherwise.emit()

    def said_of_asked(self) -> str:
        """Return in words where the route begins and how long it may be."""
        return f"{self.start.accessibleName()}; {self.most.text()}"

    def set_look(self, look: Look) -> None:
        super().set_look(look)
        self._look = look
        texts, font = look.texts, screen_font(look.px(_TEXT_PX), bold=False)
        for control in (self.with_settlements, self.start, self.most, self.save):
            control.setFont(font)
        for button, text_id in (
            (self.with_settlements, "wb_plan_settlements"),
            (self.save, "wb_do_save_plan"),
        ):
            button.setText(texts.tr(text_id))
            button.setAccessibleName(button.text())
        self.most.setAccessibleName(texts.tr("wb_plan_most"))
        self.most.setToolTip(texts.tr("wb_plan_most"))
        self.most.setSpecialValueText(texts.tr("wb_plan_any_km"))
        before, behind = texts.tr("wb_plan_most_km", km="\0").split("\0")
        self.most.setPrefix(before)
        self.most.setSuffix(behind)
        self._name_start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name_start()

    def _name_start(self) -> None:
        """Say where it begins: what is too long ends in dots, and is told whole by the hint."""
        if self._look is None:
            return
        texts, start = self._look.texts, self._chosen
        name = texts.tr("wb_plan_start_none") if start is None else start.name
        said = texts.tr("wb_plan_start", name=name)
        self.start.setText(said)
        self._asked.invalidate()  # a layout within another is not told of new words
        too_wide = self._asked.sizeHint().width() - self.width()
        if too_wide > 0:
            letters = self.start.fontMetrics()
            room = letters.horizontalAdvance(said) - too_wide
            self.start.setText(letters.elidedText(said, Qt.TextElideMode.ElideRight, room))
        self.start.setAccessibleName(said)
        self.start.setToolTip(said)
