"""The place of the strip chart, filled a moment after the window is on screen.

The plotting library takes longer to load than all the rest of the window. It is loaded in a thread
meanwhile, and what the drive reports until then is kept.
"""

import importlib
import threading
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.trail import Trail
from fieldsurvey.model.throughput import ThroughputTest

if TYPE_CHECKING:
    from fieldsurvey.gui.throughput_plot import ThroughputPlot

_PLOT_MODULE = "fieldsurvey.gui.throughput_plot"


class ThroughputStrip(QFrame):
    """Passes everything on to the plot.

    Attributes:
        plot: None until it is loaded.
    """

    def __init__(self, trail: Trail, target_mbps: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trail = trail
        self._target_mbps = target_mbps
        self._look: Look | None = None
        self._early_tests: list[ThroughputTest] = []
        self._loading: threading.Thread | None = None
        self._built: ThroughputPlot | None = None  # not yet in place
        self.plot: ThroughputPlot | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def load(self) -> None:
        """Begin to load the plot; ``show_snapshot`` puts it in place when it is there."""
        if self._loading is None:
            self._loading = threading.Thread(
                target=importlib.import_module, args=(_PLOT_MODULE,), name="load-plot"
            )
            self._loading.start()

    def finish_loading(self) -> None:
        """Wait for the thread that loads, so that none is left behind."""
        if self._loading is not None:
            self._loading.join()

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setAccessibleName(look.texts.tr("chart"))
        if self.plot is not None:
            self.plot.set_look(look)
        self.update()

    def clear(self) -> None:
        """A new drive begins."""
        self._early_tests.clear()
        if self.plot is not None:
            self.plot.clear()

    def append(self, tests: list[ThroughputTest]) -> None:
        if self.plot is None:
            self._early_tests += tests
        else:
            self.plot.append(tests)

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        if self.plot is not None:
            self.plot.show_snapshot(snapshot)
        elif self._built is not None:
            self._put_in_place(self._built)
        elif self._loading is not None and not self._loading.is_alive():
            self._build()

    # One step per look: together they would stop the window for longer than anybody should wait.

    def _build(self) -> None:
        from fieldsurvey.gui.throughput_plot import ThroughputPlot

        self._built = ThroughputPlot(self._trail, self._target_mbps, self)

    def _put_in_place(self, plot: "ThroughputPlot") -> None:
        self._layout.addWidget(plot)
        if self._look is not None:
            plot.set_look(self._look)
        plot.append(self._early_tests)
        self._early_tests = []
        self.plot = plot

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is not None:
            painter = QPainter(self)
            painter.fillRect(self.rect(), QColor(self._look.theme.panel))
            painter.end()
