"""Shows the drive window and prints how long after ``sys.argv[1]`` (monotonic) it was painted."""

import sys
import time

from fieldsurvey.gui.app import run_drive_window
from tests.support.gui_fake_drive import FakeDrive


def _painted() -> None:
    print(time.monotonic() - float(sys.argv[1]), time.process_time())  # noqa: T201
    from PySide6.QtWidgets import QApplication

    QApplication.closeAllWindows()


if __name__ == "__main__":
    sys.exit(run_drive_window(FakeDrive(), on_ready=_painted))
