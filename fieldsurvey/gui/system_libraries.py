"""Whether this computer can show a window at all, found out before Qt is loaded.

Qt aborts the process with a line of jargon when a library or a display is missing; we would rather
say which package to install. Must not import Qt.
"""

import ctypes
import os
import socket
import sys
from pathlib import Path

# Debian package → the shared libraries Qt wants from it.
_ALWAYS = {
    "libglib2.0-0": ("libglib-2.0.so.0",),
    "libgl1": ("libGL.so.1",),
    "libegl1": ("libEGL.so.1",),
    "libxkbcommon0": ("libxkbcommon.so.0",),
    "libdbus-1-3": ("libdbus-1.so.3",),
    "libfontconfig1": ("libfontconfig.so.1",),
    "libfreetype6": ("libfreetype.so.6",),
    "libx11-6": ("libX11.so.6",),
}
_FOR_X11 = {
    "libxcb-cursor0": ("libxcb-cursor.so.0",),
    "libxcb-icccm4": ("libxcb-icccm.so.4",),
    "libxcb-keysyms1": ("libxcb-keysyms.so.1",),
    "libxcb-image0": ("libxcb-image.so.0",),
    "libxcb-randr0": ("libxcb-randr.so.0",),
    "libxcb-render-util0": ("libxcb-render-util.so.0",),
    "libxcb-shape0": ("libxcb-shape.so.0",),
    "libxcb-xkb1": ("libxcb-xkb.so.1",),
    "libxcb-shm0": ("libxcb-shm.so.0",),
    "libxcb-sync1": ("libxcb-sync.so.1",),
    "libxcb-xfixes0": ("libxcb-xfixes.so.0",),
    "libxkbcommon-x11-0": ("libxkbcommon-x11.so.0",),
    "libx11-xcb1": ("libX11-xcb.so.1",),
}
_NEEDS_NO_DISPLAY = ("offscreen", "minimal", "vnc")


def _platform() -> str:
    return os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]


def _is_missing(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False


def _has_fonts() -> bool:
    return any(Path("/usr/share/fonts").rglob("*.?tf"))


def _missing_packages() -> dict[str, list[str]]:
    if not sys.platform.startswith("linux"):
        return {}
    wanted = dict(_ALWAYS)
    if _platform() in ("", "xcb"):
        wanted |= _FOR_X11
    missing = {
        package: [library for library in libraries if _is_missing(library)]
        for package, libraries in wanted.items()
    }
    missing = {package: libraries for package, libraries in missing.items() if libraries}
    return missing if _has_fonts() else missing | {"fonts-dejavu-core": []}


def missing_qt_libraries() -> list[str]:
    """Return the shared libraries that Qt would look for in vain; empty where all is well."""
    return [library for libraries in _missing_packages().values() for library in libraries]


def apt_line() -> str | None:
    """Return the one command that mends it on Debian and Ubuntu, None where nothing is missing."""
    packages = _missing_packages()
    if not packages:
        return None
    return "sudo apt-get install --no-install-recommends " + " ".join(packages)


def has_display() -> bool:
    """Return whether a window can be shown: a display is named and, if it is local, answers."""
    if not sys.platform.startswith("linux") or _platform() in _NEEDS_NO_DISPLAY:
        return True
    if os.environ.get("WAYLAND_DISPLAY") and _platform() in ("", "wayland"):
        return True
    display = os.environ.get("DISPLAY", "")
    if not display:
        return False
    host, _, number = display.rpartition(":")
    if host not in ("", "unix"):
        return True  # another computer: only trying can tell
    return _answers(Path(f"/tmp/.X11-unix/X{number.split('.')[0]}"))


def _answers(socket_path: Path) -> bool:
    # X servers also listen on the abstract name, some on that alone.
    for address in (str(socket_path), f"\0{socket_path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(address)
            except OSError:
                continue
            return True
    return False


if __name__ == "__main__":
    print(*_missing_packages())  # noqa: T201 - for the Makefile
