"""The real workbench in a process of its own, and hands to use it with: keys, mouse, eyes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.gui_xvfb import ROOT

_PATIENCE_S = 40.0


def artefacts(otherwise: Path) -> Path:
    """Return the folder that pictures are kept in."""
    folder = Path(os.environ.get("FIELDSURVEY_ARTEFACTS") or otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def wait_for(what: Callable[[], bool], told: str, patience_s: float = _PATIENCE_S) -> None:
    """Wait until ``what`` is true; fail with ``told`` where it does not become so."""
    deadline = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > deadline:
            pytest.fail(told)
        time.sleep(0.1)


class Workbench:
    """``fieldsurvey workbench`` with settings and data of its own."""

    def __init__(self, display: str, folder: Path, *arguments: str, **environment: str) -> None:
        self.pictures = artefacts(folder)
        self._environment = os.environ | {
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
            "HOME": str(folder),
            "LANGUAGE": "en",
        }
        self._environment |= environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fieldsurvey", "workbench", *arguments],
            cwd=ROOT, env=self._environment, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> "Workbench":
        self.wait_for_window("FieldSurvey")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def windows(self, name: str) -> list[str]:
        """Return the visible windows whose title has ``name``."""
        answer = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", name], env=self._environment,
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        return answer.stdout.split()

    def wait_for_window(self, name: str) -> None:
        def is_there() -> bool:
            if self.process.poll() is not None:
                pytest.fail(f"the window is gone: {self.complaint()}")
            return bool(self.windows(name))

        wait_for(is_there, f"no window {name!r}")
        time.sleep(0.2)  # the window manager may still be at it

    def complaint(self) -> str:
        return "" if self.process.stderr is None else self.process.stderr.read().decode()

    def xdotool(self, *arguments: str) -> None:
        subprocess.run(
            ["xdotool", *arguments], env=self._environment, check=True, timeout=30,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def key(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.12)

    def write(self, text: str) -> None:
        self.xdotool("type", "--delay", "4", text)
        time.sleep(0.15)

    def picture(self, name: str) -> Path:
        """Keep a picture of the whole screen."""
        path = self.pictures / f"{name}.png"
        subprocess.run(
            ["import", "-window", "root", str(path)], env=self._environment, check=True, timeout=30
        )
        return path

    def leave(self) -> None:
        """Quit by keyboard; nothing may have been complained about."""
        self.key("ctrl+q")
        code = self.process.wait(20)
        assert (code, self.complaint()) == (0, "")
