"""The window on a real X server, used with a real keyboard and mouse from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.messages import LANGUAGES
from tests.support.gui_scenes import SCENES
from tests.support.gui_xvfb import ROOT, RealWindow, keyboard_layout, need, x_server


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_server() as name:
        yield name


def _colours(picture: Path) -> int:
    """Count distinct colours of a screenshot, by ImageMagick."""
    answer = subprocess.run(
        ["identify", "-format", "%k", str(picture)], check=True, capture_output=True, timeout=30
    )
    return int(answer.stdout)


def test_a_drive_by_keyboard_alone(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path, "--scene", "obedient") as window:
        window.key("space")
        window.wait_until_asked("start")
        window.key("t", "m")
        window.key("plus", "minus", "f", "n", "l", "F1", "x")
        window.xdotool("keydown", "space")
        time.sleep(1.6)
        window.xdotool("keyup", "space")
        time.sleep(0.4)
        window.key("ctrl+q")
        report = window.report()
    assert report["asked"] == ["start", "test_now", "mark", "stop", "close"]
    assert report["complaints"] == []
    assert report["code"] == 0


@pytest.mark.parametrize("layout", ["ru", "kz"])
def test_the_letters_work_on_a_cyrillic_keyboard(display: str, tmp_path: Path, layout: str) -> None:
    """Keys are pressed by their place: a layout without Latin letters has no T to ask for."""
    t_key, m_key = "28", "58"
    with keyboard_layout(display, layout), RealWindow(
        display, tmp_path, "--scene", "obedient"
    ) as window:  # fmt: skip
        window.key("space")
        window.wait_until_asked("start")
        window.key(t_key, m_key)
        window.wait_until_asked("start", "test_now", "mark")
        window.process.terminate()
        report = window.report()
    assert report["asked"] == ["start", "test_now", "mark", "close"]


def test_a_tap_on_space_does_not_end_a_drive(display: str, tmp_path: Path) -> None:
    with RealWindow(display, tmp_path, "--scene", "driving") as window:
        window.key("space", "space")
        window.xdotool("keydown", "space")
        time.sleep(0.4)
        window.xdotool("keyup", "space")
        time.sleep(1.0)
        window.process.send_signal(signal.SIGINT)  # Ctrl+C in the terminal
        report = window.report()
    assert report["asked"] == ["close"]
    assert report["code"] == 0


def test_the_mouse_starts_and_a_screenshot_shows_it(display: str, tmp_path: Path) -> None:
    need("import", "identify")
    picture = tmp_path / "screen.png"
    with RealWindow(display, tmp_path, "--scene", "obedient", "--size", "1024x600") as window:
        window.xdotool("search", "--sync", "--onlyvisible", "--name", "FieldSurvey",
                       "mousemove", "--window", "%1", "110", "490", "click", "1")  # fmt: skip
        window.wait_until_asked("start")
        subprocess.run(
            ["import", "-window", "root", str(picture)],
            env=os.environ | {"DISPLAY": display}, check=True, timeout=30,
        )  # fmt: skip
        window.process.terminate()
        report = window.report()
    assert report["asked"] == ["start", "close"]
    assert _colours(picture) > 20


@pytest.mark.parametrize("scale", ["1", "2"])
def test_nothing_is_cut_off_or_unnamed_in_any_scene_language_or_scale(scale: str) -> None:
    """1024×600 at both scales; at 200 % also on a screen that has only 1024×600 real pixels."""
    sizes = ["1024x600", "512x300"] if scale == "2" else ["1024x600"]
    answer = subprocess.run(
        [sys.executable, "-m", "tests.support.gui_all_scenes", *sizes], cwd=ROOT, timeout=120,
        env=os.environ | {"QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert answer.stderr == ""
    report = json.loads(answer.stdout)
    assert report["ratio"] == float(scale)
    sheets = 2
    assert report["looked_at"] == len(LANGUAGES) * (len(SCENES) + sheets) * len(sizes)
    assert report["found"] == []


def test_at_200_percent_on_a_small_real_screen(tmp_path: Path) -> None:
    with (
        x_server("1024x600") as small_display,
        RealWindow(
            small_display, tmp_path, "--scene", "no_service", "--language", "kk",
            "--close-after-s", "1.5", QT_SCALE_FACTOR="2",
        ) as window,
    ):  # fmt: skip
        report = window.report()
    assert report["cut_off"] == []
    assert report["unnamed"] == []
    assert report["complaints"] == []
    assert report["size"][0] <= 512
    assert report["size"][1] <= 300
