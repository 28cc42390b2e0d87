"""Starts Qt, shows the drive window, and leaves nothing behind.

The composition root calls this with a drive that is already built; nothing here knows where
positions or measurements come from.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from fieldsurvey.drive.control_protocol import DriveControlProtocol
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.system_libraries import apt_line, has_display, missing_qt_libraries
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import resources_dir

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

_AFTER_END_MS = 2_500


def require_screen() -> None:
    """Raise ``KnownError`` where Qt could not show a window, with what to do about it."""
    if not has_display():
        raise KnownError("gui.no_display")
    missing = missing_qt_libraries()
    if missing:
        raise KnownError(
            "gui.missing_libraries", libraries=", ".join(missing), command=apt_line() or ""
        )


def run_drive_window(
    control: DriveControlProtocol,
    *,
    features: MapFeatures | Callable[[], MapFeatures] | None = None,
    basemap: Path | None = None,
    language: str | None = None,
    target_mbps: float = 100.0,
    auto_close: bool = False,
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Show the drive until the window is closed; return the exit code.

    Closes ``control`` on the way out. ``auto_close`` leaves by itself after a replay has ended;
    ``on_ready`` is called when the window has been painted; ``features`` that have yet to be read
    are read then, in a thread of their own. Raises ``KnownError`` where there is
    no screen or a system library is missing.
    """
    require_screen()
    from PySide6.QtCore import QTimer

    from fieldsurvey.gui.drive_window import DriveWindow

    application = the_application()
    ready_features = None if callable(features) else features
    window = DriveWindow(
        control,
        features=ready_features,
        basemap=basemap,
        language=language,
        target_mbps=target_mbps,
    )

    def painted() -> None:
        # What is loaded by now stays for good: the collector need not walk through all of it,
        # which would stop the window for longer than any painting does.
        gc.freeze()
        if callable(features):
            window.read_features(features)
        if on_ready is not None:
            on_ready()

    window.on_first_paint = painted
    room = application.primaryScreen().availableGeometry()
    window.resize(min(1280, room.width()), min(800, room.height()))
    window.move(room.topLeft())
    window.showMaximized()  # leaves room for the frame, which differs from desktop to desktop
    ending = QTimer(window)
    if auto_close:

        def close_when_ended() -> None:
            if window.snapshot.ended:
                ending.stop()
                QTimer.singleShot(_AFTER_END_MS, window.close)

        ending.timeout.connect(close_when_ended)
        ending.start(200)
    return run_until_closed(application, window)


def the_application() -> QApplication:
    """Return the one application, made if there is none yet, with name, style and icon."""
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication(["fieldsurvey"])
    application.setApplicationName("FieldSurvey")
    application.setDesktopFileName("fieldsurvey")
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(resources_dir() / "icons" / "fieldsurvey.svg")))
    return application


def run_until_closed(application: QApplication, window: QWidget) -> int:
    """Run the event loop and leave nothing behind; return the exit code."""
    from PySide6.QtCore import QEvent

    with _closed_by_signals(window.close):
        code = application.exec()
    window.deleteLater()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the loop has ended
    return code


@contextmanager
def _closed_by_signals(close: Callable[[], object]) -> Iterator[None]:
    """Let Ctrl+C and a polite kill close the window. Python runs the handler at the next tick of
    the window's timer."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        close()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
