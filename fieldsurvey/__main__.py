"""Composition root: the only module that names the window and the commands together."""

import sys

from fieldsurvey.cli.main import COMMANDS, cli
from fieldsurvey.cli.shell import Shell, WindowRequest, WorkbenchRequest


def run_window(request: WindowRequest | WorkbenchRequest) -> int:
    """Open the window asked for; Qt is imported only here, so that headless use needs none."""
    if isinstance(request, WorkbenchRequest):
        from fieldsurvey.gui.workbench.start import run_workbench

        return run_workbench(
            request.paths,
            settings_path=request.settings_path,
            notes_path=request.notes_path,
            places_path=request.places_path,
            basemap=request.basemap_path,
            language=request.language,
        )
    return run_drive_window(request)


def run_drive_window(request: WindowRequest) -> int:
    """Open the drive window."""
    from fieldsurvey.gui import app
    from fieldsurvey.gui.map_features import features_of
    from fieldsurvey.places.places_file import open_places

    path = request.places_path
    return app.run_drive_window(
        request.control,
        features=None if path is None else lambda: features_of(open_places(path)),
        basemap=request.basemap_path,
        language=request.language,
        target_mbps=request.target_mbps,
        auto_close=request.close_at_end,
    )


def window_possible() -> bool:
    """True where there is a display and nothing that Qt needs is missing."""
    from fieldsurvey.gui import system_libraries

    return system_libraries.has_display() and system_libraries.apt_line() is None


def qt_advice() -> str | None:
    """Return the one line that installs what Qt misses, or None."""
    from fieldsurvey.gui import system_libraries

    return system_libraries.apt_line()


def main() -> None:
    """Run the command line; a frozen application starts its measuring process this way too."""
    if sys.argv[1:2] == ["--measuring-process"]:
        from fieldsurvey.throughput import worker

        worker.main()
        return
    COMMANDS["hq"] = "fieldsurvey.hq.command"
    cli(obj=Shell(run_window, window_possible, qt_advice))


if __name__ == "__main__":
    main()
