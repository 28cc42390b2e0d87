"""A table with a line above that says what it comes to, made when somebody looks at it."""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from fieldsurvey.gui.fitting import screen_font
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.jobs import Cancelled, Jobs
from fieldsurvey.gui.workbench.table import Table
from fieldsurvey.model.messages import Message

T = TypeVar("T")
_TEXT_PX = 12


class SaidTable(QWidget):
    """Attributes:
    rows: the line, then the table.

    Signals:
    shown(): it came to the screen.
    """

    shown = Signal()

    def __init__(self, table: Table, *controls: QWidget) -> None:
        """``controls`` stand at the end of the line."""
        super().__init__()
        self.table = table
        self.said = QLabel()
        self.said.setWordWrap(True)
        line = QHBoxLayout()
        line.setContentsMargins(4, 2, 4, 2)
        line.addWidget(self.said, 1)
        for control in controls:
            line.addWidget(control)
        column = self.rows = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(table, 1)  # before the controls: who comes to the tab comes to its rows
        column.insertLayout(0, line)
        self.setFocusProxy(table)

    def set_look(self, look: Look) -> None:
        self.said.setFont(screen_font(look.px(_TEXT_PX), bold=False))
        self.table.set_look(look)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()


class WhenSeen(Generic[T]):
    """Attributes:
    made: the newest there is, None while there is none.
    told: why there is none.
    """

    def __init__(
        self,
        page: SaidTable,
        jobs: Jobs,
        key: str,
        work: Callable[[], Callable[[Cancelled], T]],
        show: Callable[[], None],
        label: Callable[[], Message | None] = lambda: None,
    ) -> None:
        """``work`` takes what it is made of, here, and returns what a worker does; ``show`` is
        called with every new ``made`` or ``told``. With a ``label`` the user sees that it goes on,
        and can give it up."""
        self._page, self._jobs, self._key, self._work, self._show = page, jobs, key, work, show
        self._label = label
        self.made: T | None = None
        self.told: Message | None = None
        self._version = 0  # of what it is made of
        self._made_of: int | None = None
        page.shown.connect(self._catch_up)

    def forget(self) -> None:
        """What it is made of has changed."""
        self._version += 1
        self._catch_up()

    def give(self, then: Callable[[T], None], failed: Callable[[Message], None]) -> None:
        """Call ``then`` with the newest, now or when it is made."""
        if self.made is not None and self._made_of == self._version:
            then(self.made)
        else:
            self._make(then, failed)

    def _catch_up(self) -> None:
        if self._page.isVisible() and self._made_of != self._version:
            self._make(lambda _made: None, lambda _told: None)

    def _make(self, then: Callable[[T], None], failed: Callable[[Message], None]) -> None:
        work, version = self._work(), self._version

        def take(made: T | None, told: Message | None) -> None:
            self.made, self.told, self._made_of = made, told, version
            self._show()

        def done(made: T) -> None:
            take(made, None)
            then(made)

        def fail(told: Message) -> None:
            take(None, told)
            failed(told)

        self._jobs.run(
            self._key,
            lambda _progress, cancelled: work(cancelled),
            done,
            label=self._label(),
            failed=fail,
        )
