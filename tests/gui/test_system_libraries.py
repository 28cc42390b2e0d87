"""What is missing for a window is named before Qt aborts over it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fieldsurvey.gui import system_libraries
from fieldsurvey.gui.app import require_screen
from fieldsurvey.model.errors import KnownError

LINUX_ONLY = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux libraries")


def test_the_check_does_not_load_qt() -> None:
    code = (
        "import sys; from fieldsurvey.gui import system_libraries as s; s.apt_line(); "
        "s.has_display(); sys.exit(any(m.startswith('PySide6') for m in sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=30).returncode == 0


@LINUX_ONLY
def test_one_line_installs_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    gone = {"libxcb-cursor.so.0", "libEGL.so.1"}
    monkeypatch.setattr(system_libraries, "_is_missing", gone.__contains__)
    assert set(system_libraries.missing_qt_libraries()) == gone
    line = system_libraries.apt_line()
    assert line is not None
    assert line.startswith("sudo apt-get install ")
    assert line.split()[-2:] == ["libegl1", "libxcb-cursor0"]


@LINUX_ONLY
def test_a_library_that_does_not_exist_is_missing() -> None:
    assert system_libraries._is_missing("libno-such-thing.so.7")
    assert not system_libraries._is_missing("libc.so.6")


@LINUX_ONLY
def test_a_display_must_be_named_and_must_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert not system_libraries.has_display()
    monkeypatch.setenv("DISPLAY", ":65123")
    assert not system_libraries.has_display()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0/tmp/.X11-unix/X65123")  # as an X server does
        server.listen()
        assert system_libraries.has_display()
    with pytest.raises(KnownError, match="--headless"):
        require_screen()


def test_offscreen_needs_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert system_libraries.has_display()
