"""The window's promises in figures: start, event loop, memory, and what is left afterwards.

The event loop is timed by a heartbeat inside the real process, over a whole drive of 12,000
seconds and 300 tests that goes by in a few seconds. Another program may take the processor from us
on a shared computer; a block of our own would be there in every one of the runs, so the best of
three counts.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.gui_xvfb import ROOT, RealWindow, x_server

_PLAY_S = "4"
_LONGEST_BLOCK_MS = 50
_MOST_MEMORY_MB = 400


@pytest.mark.realdata
def test_a_whole_drive_never_blocks_the_window(tmp_path: Path, shared_data: Path) -> None:
    worst_ms = []
    with x_server("1280x800") as display:
        for attempt in range(3):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            with RealWindow(
                display, folder, "--play-s", _PLAY_S, "--close-after-s", "5",
                "--geography", str(shared_data / "geography"),
                "--basemap", str(shared_data / "tiles" / "kz_osm_raster.mbtiles"),
            ) as window:  # fmt: skip
                report = window.report(60)
            assert report["seconds_shown"] == 12_000
            assert report["tests_shown"] == 300
            assert report["beats"] > 300
            assert report["rss_mb"] < _MOST_MEMORY_MB
            assert report["complaints"] == []
            worst_ms.append(report["lateness_ms"][-1])
            if worst_ms[-1] < _LONGEST_BLOCK_MS:
                break
    assert min(worst_ms) < _LONGEST_BLOCK_MS, worst_ms


def test_the_window_is_there_within_a_second_when_warm(tmp_path: Path) -> None:
    """From the start of the process to the first painting, compiled files in place. Where other
    programs keep the processors busy, only our own share of the time can be judged."""
    shown_s, processor_s = [], []
    with x_server() as display:
        environment = os.environ | {
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPYCACHEPREFIX": str(tmp_path),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(6):
            answer = subprocess.run(
                [sys.executable, "-m", "tests.support.gui_start", str(time.monotonic())],
                cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60,
            )  # fmt: skip
            wall, processor = map(float, answer.stdout.split())
            shown_s.append(wall)
            processor_s.append(processor)
            if shown_s[1:] and min(shown_s[1:]) < 1:  # the first run compiles
                break
    assert min(shown_s[1:] + processor_s[1:]) < 1, (shown_s, processor_s)
    if min(shown_s[1:]) >= 1 and os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip(f"this computer is too busy to tell: {shown_s} s, of it {processor_s} s ours")
    assert min(shown_s[1:]) < 1, shown_s
