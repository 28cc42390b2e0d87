"""A workbench for tests that need no screen: opened over made-up measurements, settled, closed."""

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.gui.workbench.annotations import Annotations
from fieldsurvey.gui.workbench.facts import facts_of
from fieldsurvey.gui.workbench.settings import Settings
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from tests.support.workbench_data import BEGAN_UTC_US, TARGET_BPS, US

NOW_UTC_US = BEGAN_UTC_US + 30 * 86_400 * US


def a_workbench(
    folder: Path,
    language: str = "en",
    now_utc_us: Callable[[], int] = lambda: NOW_UTC_US,
    places_path: Path | None = None,
) -> WorkbenchWindow:
    """Build a window whose settings and notes lie in ``folder``, and its places file as well unless
    another is named."""
    return WorkbenchWindow(
        settings=Settings(folder / "workbench.ini"),
        notes=Annotations(folder / "notes.json", now_utc_us=now_utc_us),
        now_utc_us=now_utc_us,
        places_path=places_path or folder / "known.places",
        language=language,
    )


def show_measurements(window: WorkbenchWindow, measurements: Measurements) -> None:
    """Open tables as if they came out of a file."""
    window.model.open(measurements, facts_of(measurements, TARGET_BPS))
    told = window.files.on_opened()
    if told is not None:
        window.tell(told)
    settle(window)


def choose_files(window: WorkbenchWindow, *paths: Path) -> None:
    """Type files into the file dialog that is open, and take them."""
    (chooser,) = [one for one in window.findChildren(QFileDialog) if one.isVisible()]
    line, buttons = chooser.findChild(QLineEdit), chooser.findChild(QDialogButtonBox)
    line.setText(" ".join(f'"{path}"' for path in paths))  # typed, a list of files would pop up
    button = buttons.button(QDialogButtonBox.StandardButton.Open)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def settle(window: WorkbenchWindow, until: Callable[[], bool] = lambda: True) -> None:
    """Let all jobs come back, and ``until`` become true."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        QApplication.processEvents()
        if not (window.jobs.is_busy or window.map._maker.is_busy) and until():
            QApplication.processEvents()
            return
        time.sleep(0.005)
    raise TimeoutError("the workbench is still busy")
