"""The real window over the real engine: it never waits, whatever measures and writes beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gui_xvfb import ROOT, x_server

LONGEST_BLOCK_MS = 50
MOST_MEMORY_MB = 400
ATTEMPTS = 2  # another program may take the processor from us; a block of our own comes each time


def window_never_blocks(folder: Path, beats: int, *lasts_s: str) -> None:
    worst_ms: list[float] = []
    with x_server("1280x800") as display:
        environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        for attempt in range(ATTEMPTS):
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.support.real_window_demo"),
                    *(str(folder / str(attempt)), "20", *lasts_s),
                ],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            report = json.loads(done.stdout)
            assert report["complaints"] == []
            assert report["children"] == []
            assert report["rss_mb"] < MOST_MEMORY_MB
            assert report["beats"] > beats
            worst_ms.append(report["latest_ms"][-1])
            print(report)  # noqa: T201 - the figures of the run
            if worst_ms[-1] < LONGEST_BLOCK_MS:
                break
    assert min(worst_ms) < LONGEST_BLOCK_MS, worst_ms


@pytest.mark.timeout(400)
def test_the_window_never_blocks_in_the_first_ten_kilometres(tmp_path: Path) -> None:
    window_never_blocks(tmp_path, 2_000, "20")


@pytest.mark.bench
@pytest.mark.timeout(400)
def test_the_window_never_blocks_while_driving(tmp_path: Path) -> None:
    window_never_blocks(tmp_path, 5_000)
