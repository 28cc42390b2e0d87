"""Paints every scene in every language at one scale; tells what is cut off or unnamed, as JSON.

Run in a process of its own, because Qt reads ``QT_SCALE_FACTOR`` once:
``python -m tests.support.gui_all_scenes 1024x600 512x300``
"""

import json
import sys
import time

from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.actions import Do
from fieldsurvey.gui.drive_window import DriveWindow
from fieldsurvey.model.messages import LANGUAGES
from tests.support.gui_cut_off import cut_off_texts, unnamed_controls
from tests.support.gui_fake_drive import FakeDrive, a_fix, driving
from tests.support.gui_scenes import SCENES


def _open(drive: FakeDrive, language: str, width: int, height: int) -> DriveWindow:
    window = DriveWindow(drive, language=language)
    window.resize(width, height)
    window.show()
    deadline = time.monotonic() + 20
    while window._chart.plot is None and time.monotonic() < deadline:
        QApplication.processEvents()
        window.look_at_drive()
        window._show_chart()
        time.sleep(0.005)
    for _ in range(2):  # two looks, 0.4 s in the car, until the chart has settled
        QApplication.processEvents()
        window._show_chart()
    return window


def main() -> None:
    application = QApplication(["scenes"])
    application.setStyle("Fusion")
    found: list[str] = []
    looked_at = 0
    drives = {name: scene() for name, scene in SCENES.items()}
    standing = FakeDrive(driving(fix=a_fix(speed_mps=0.0)))
    for size in sys.argv[1:]:
        width, height = map(int, size.split("x"))
        for language in LANGUAGES:
            drive = FakeDrive()
            window = _open(drive, language, width, height)
            for name, scene in drives.items():
                drive.now, drive.trail, drive.tests = scene.now, scene.trail, scene.tests
                for _ in range(2):
                    window.look_at_drive()
                    window._show_chart()
                    application.processEvents()
                looked_at += 1
                window.grab()
                faults = cut_off_texts(window) + unnamed_controls(window)
                found += [f"{size} {language} {name}: {what}" for what in faults]
            drive.now = standing.now
            for sheet in (Do.HELP, Do.HISTORY):
                window.look_at_drive()
                window.do(sheet)
                application.processEvents()
                looked_at += 1
                rows = window._sheet.hidden_rows()
                found += [f"{size} {language} {sheet}: {row}" for row in rows]
                window._sheet.hide()
            window.close()
            while not window.closed:
                application.processEvents()
    ratio = application.primaryScreen().devicePixelRatio()
    print(json.dumps({"found": found, "looked_at": looked_at, "ratio": ratio}))  # noqa: T201


if __name__ == "__main__":
    main()
