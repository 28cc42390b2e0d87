"""A real X server, window manager and keyboard for tests, on a display nobody else uses."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def need(*programs: str) -> None:
    """Skip the test where a program is missing, and say which."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _display_number(pipe: IO[bytes]) -> str:
    number = pipe.readline().decode().strip()
    if not number:
        pytest.fail("Xvfb did not start")
    return f":{number}"


def _wait_until_managed(display: str) -> None:
    """Windows shown before there is a manager may never become the active one."""
    deadline = time.monotonic() + 30
    while subprocess.run(
        ["xdotool", "get_num_desktops"], env=os.environ | {"DISPLAY": display},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=20,
    ).returncode:  # fmt: skip
        if time.monotonic() > deadline:
            pytest.fail("the window manager did not start")
        time.sleep(0.05)


@contextlib.contextmanager
def x_server(size: str = "1280x800") -> Iterator[str]:
    """Start Xvfb and, where there is one, a window manager; yield the display."""
    need("Xvfb", "xdotool")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{size}x24",
         "-nolisten", "tcp", "-noreset"],
        pass_fds=(write_end,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    manager: subprocess.Popen[bytes] | None = None
    try:
        with os.fdopen(read_end, "rb") as pipe:
            display = _display_number(pipe)
        if shutil.which("openbox"):
            manager = subprocess.Popen(
                ["openbox"], env=os.environ | {"DISPLAY": display},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            _wait_until_managed(display)
        yield display
    finally:
        if manager is not None:
            _end(manager)
        _end(server)


@contextlib.contextmanager
def keyboard_layout(display: str, layout: str) -> Iterator[None]:
    """Give the display another keyboard layout, and the American one back afterwards."""

    def set_layout(name: str) -> None:
        subprocess.run(["setxkbmap", "-display", display, name], check=True, timeout=20)

    need("setxkbmap")
    set_layout(layout)
    try:
        yield
    finally:
        set_layout("us")


class RealWindow:
    """The drive window in a process of its own, and hands to use it with."""

    def __init__(self, display: str, folder: Path, *options: str, **environment: str) -> None:
        self.report_file = folder / "report.json"
        self._environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self._environment |= environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.gui_fake_window",
             "--report", str(self.report_file), *options],
            cwd=ROOT, env=self._environment, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> "RealWindow":
        ready = self.report_file.with_suffix(".ready")
        deadline = time.monotonic() + 30
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"no window: {self._complaint()}")
            time.sleep(0.05)
        time.sleep(0.2)  # the window manager may still be at it
        return self

    def __exit__(self, *_: object) -> None:
        _end(self.process)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def _complaint(self) -> str:
        self.process.kill()
        return "" if self.process.stderr is None else self.process.stderr.read().decode()

    def xdotool(self, *arguments: str) -> None:
        subprocess.run(
            ["xdotool", *arguments], env=self._environment, check=True, timeout=20,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def key(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.3)

    def wait_until_asked(self, *what: str) -> None:
        """Wait until the drive was asked for all of this and the window has seen what came of it:
        on a busy machine a key may wait for seconds."""
        told = self.report_file.with_suffix(".asked")
        deadline = time.monotonic() + 20
        while not told.exists() or told.read_text().split() != list(what):
            assert time.monotonic() < deadline, f"asked for: {told.read_text().split()}"
            time.sleep(0.05)

    def report(self, timeout_s: float = 30) -> dict[str, Any]:
        """Wait for the window to go and return what it has to say; Python must not have
        complained either."""
        code = self.process.wait(timeout_s)
        complaint = b"" if self.process.stderr is None else self.process.stderr.read()
        assert (code, complaint.decode()) == (0, "")
        report: dict[str, Any] = json.loads(self.report_file.read_text(encoding="utf-8"))
        return report
