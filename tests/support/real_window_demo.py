"""Runs the real demo in the real window, and reports how the window fared.

``python -m tests.support.real_window_demo FOLDER SPEED [SECONDS]`` with a display; prints one JSON
document. The window is closed after so many seconds, or when the demo is over.
"""

import json
import sys

import psutil
from PySide6.QtCore import QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell, WindowRequest
from fieldsurvey.gui.app import run_drive_window
from fieldsurvey.gui.drive_window import DriveWindow
from fieldsurvey.gui.map_features import features_of
from fieldsurvey.places.places_file import open_places
from tests.support.gui_fake_window import Heartbeat


def main() -> None:
    folder, speed, *lasts_s = sys.argv[1:]
    complaints: list[str] = []
    qInstallMessageHandler(lambda _kind, _context, text: complaints.append(text))
    report: dict[str, object] = {"complaints": complaints}

    def run_window(request: WindowRequest) -> int:
        path = request.places_path
        assert path is not None
        beats: list[Heartbeat] = []

        def close() -> None:
            for window in QApplication.topLevelWidgets():
                if isinstance(window, DriveWindow):
                    window.close()

        def ready() -> None:
            beats.append(Heartbeat())
            QTimer.singleShot(1000, beats[0].start)  # starting is another promise
            for seconds in lasts_s:
                QTimer.singleShot(int(seconds) * 1000, close)

        code = run_drive_window(
            request.control,
            features=lambda: features_of(open_places(path)),
            language=request.language,
            auto_close=True,
            on_ready=ready,
        )
        beats[0].stop()
        late_ms = sorted(beats[0].lateness_ms)
        report["beats"] = len(late_ms)
        report["latest_ms"] = late_ms[-5:]
        report["rss_mb"] = psutil.Process().memory_info().rss / 1e6
        return code

    shell = Shell(run_window, lambda: True, lambda: None, "en")
    cli(["demo", "--speed", speed, "--out", folder], obj=shell, standalone_mode=False)
    report["threads"] = psutil.Process().num_threads()
    report["children"] = [child.name() for child in psutil.Process().children()]
    print(json.dumps(report))  # noqa: T201 - for the test that started this


if __name__ == "__main__":
    main()
