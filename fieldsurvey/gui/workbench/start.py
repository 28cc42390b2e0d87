"""Starts Qt, shows the workbench, and leaves nothing behind. Called by the composition root."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fieldsurvey.gui.app import require_screen, run_until_closed, the_application

_LARGEST = (1500, 950)
_TICK_MS = 250


def run_workbench(
    paths: Sequence[Path],
    *,
    settings_path: Path,
    notes_path: Path,
    places_path: Path,
    basemap: Path | None = None,
    language: str | None = None,
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Show the workbench over ``paths`` until it is closed; return the exit code.

    ``settings_path`` keeps what the window remembers, ``notes_path`` what is said of measurements,
    ``places_path`` highways and settlements: it need not be there.
    Raises ``KnownError`` where there is no screen or a system library is missing.
    """
    require_screen()
    from PySide6.QtCore import QTimer

    from fieldsurvey.gui.workbench.annotations import Annotations
    from fieldsurvey.gui.workbench.settings import Settings
    from fieldsurvey.gui.workbench.window import WorkbenchWindow

    application = the_application()
    settings_path.parent.mkdir(parents=True, exist_ok=True)
    window = WorkbenchWindow(
        settings=Settings(settings_path),
        notes=Annotations(notes_path),
        now_utc_us=lambda: time.time_ns() // 1000,
        places_path=places_path,
        language=language,
        basemap=basemap,
    )
    window.on_first_paint = on_ready

    if places_path.exists():
        window.read_places(lambda: window.open_first(paths))
    else:
        window.open(paths)
    room = application.primaryScreen().availableGeometry()
    if window.was_restored:
        window.show()
    else:
        window.resize(min(_LARGEST[0], room.width()), min(_LARGEST[1], room.height()))
        window.showMaximized()  # leaves room for the frame, which differs from desktop to desktop
    tick = QTimer(window)  # Python hears of Ctrl+C only when it runs
    tick.timeout.connect(lambda: None)
    tick.start(_TICK_MS)
    return run_until_closed(application, window)
