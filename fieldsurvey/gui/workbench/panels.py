"""Map, charts and tables side by side; on a small screen one of them at a time.

What does not fit is never cut off: below a size everything becomes tabs.
"""

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedLayout, QTabWidget, QVBoxLayout, QWidget

from fieldsurvey.gui.theme import Look

_SMALLEST_WIDTH, _SMALLEST_HEIGHT = 800, 400
# A notice above must not turn everything into tabs, and back when it is closed.
_NOTICE_HEIGHT = 60
_ACROSS, _DOWN = (0.53, 0.47), (0.66, 0.34)


class Panels(QWidget):
    def __init__(self, map_widget: QWidget, charts: QWidget, tables: QWidget) -> None:
        super().__init__()
        self._parts = (map_widget, charts, tables)
        self._look: Look | None = None
        self._above = QSplitter(Qt.Orientation.Horizontal)
        self._whole = QSplitter(Qt.Orientation.Vertical)
        self._whole.addWidget(self._above)
        for splitter in (self._above, self._whole):
            splitter.setChildrenCollapsible(False)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        pages = QWidget()
        self._pages = QStackedLayout(pages)
        self._pages.addWidget(self._whole)
        self._pages.addWidget(self._tabs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(pages)
        self._is_small: bool | None = None
        self._has_shape = False
        self._sizes: tuple[list[int], list[int]] | None = None
        self._split()

    @property
    def is_small(self) -> bool:
        """Return whether one part is shown at a time."""
        return bool(self._is_small)

    def _split(self) -> None:
        map_widget, charts, tables = self._parts
        self._above.addWidget(map_widget)
        self._above.addWidget(charts)
        self._whole.addWidget(tables)
        for splitter, shares in ((self._above, _ACROSS), (self._whole, _DOWN)):
            for number, share in enumerate(shares):
                splitter.setStretchFactor(number, round(100 * share))
        for part in self._parts:
            part.show()
        self._pages.setCurrentIndex(0)
        self._is_small = False
        if self._sizes is not None:
            for splitter, sizes in zip((self._above, self._whole), self._sizes, strict=True):
                splitter.setSizes(sizes)

    def _stack(self) -> None:
        if self._has_shape:
            self._sizes = (self._above.sizes(), self._whole.sizes())
        for part in self._parts:
            self._tabs.addTab(part, "")
        self._pages.setCurrentIndex(1)
        self._is_small = True
        self._name()

    def set_look(self, look: Look) -> None:
        self._look = look
        self._tabs.setAccessibleName(look.texts.tr("wb_panels"))
        self._name()

    def _name(self) -> None:
        if self._look is not None and self._is_small:
            for number, name in enumerate(("wb_panel_map", "wb_charts", "wb_tables")):
                self._tabs.setTabText(number, self._look.texts.tr(name))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        scale = 1.0 if self._look is None else self._look.scale
        needed = _SMALLEST_HEIGHT - (0 if self._is_small else _NOTICE_HEIGHT)
        small = self.width() < _SMALLEST_WIDTH * scale or self.height() < needed * scale
        if small and not self._is_small:
            self._stack()
        elif not small and self._is_small:
            self._split()
        if not small and not self._has_shape:
            self._has_shape = True
            for splitter, shares in ((self._above, _ACROSS), (self._whole, _DOWN)):
                splitter.setSizes([round(1000 * share) for share in shares])

    def show_part(self, part: QWidget) -> None:
        """Bring a part to the front where only one is seen."""
        if self._is_small:
            self._tabs.setCurrentWidget(part)

    def part_in_focus(self) -> int | None:
        """Return which part has the keyboard."""
        focus = self.window().focusWidget()
        for number, part in enumerate(self._parts):
            if focus is not None and (part is focus or part.isAncestorOf(focus)):
                return number
        return None

    def shape(self) -> list[QByteArray]:
        return [self._above.saveState(), self._whole.saveState()]

    def take_shape(self, states: list[QByteArray | None]) -> None:
        for splitter, state in zip((self._above, self._whole), states, strict=True):
            if state is not None:
                self._has_shape = splitter.restoreState(state)
