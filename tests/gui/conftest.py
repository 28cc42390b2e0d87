"""Windows for tests: opened over a scripted drive, and closed so that nothing is left running."""

import gc
import os
from collections.abc import Callable, Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.drive_window import DriveWindow
from tests.support.gui_fake_drive import FakeDrive

OpenWindow = Callable[..., DriveWindow]


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    return QApplication


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[OpenWindow]:
    """Open a drive window of 1024×600; at the end close it and look for what it left behind."""
    windows: list[DriveWindow] = []

    def open_one(drive: FakeDrive, **options: object) -> DriveWindow:
        options.setdefault("language", "en")
        window = DriveWindow(drive, **options)  # type: ignore[arg-type]
        windows.append(window)
        window.resize(1024, 600)
        window.show()
        window.activateWindow()  # keys go to the active window only
        qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
        window.look_at_drive()
        return window

    yield open_one
    for window in windows:
        window.close()
        qtbot.waitUntil(lambda window=window: window.closed, timeout=5_000)
        window.deleteLater()
    windows.clear()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    running = [
        timer
        for timer in gc.get_objects()
        if isinstance(timer, QTimer) and shiboken6.isValid(timer) and timer.isActive()
    ]
    assert not running, f"timers left behind: {running}"
    assert not QApplication.topLevelWidgets(), "windows left behind"
