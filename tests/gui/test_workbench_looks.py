"""Nothing of the workbench is cut off or without a name, in any view, language, size and scale."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fieldsurvey.model.messages import LANGUAGES
from tests.support.gui_xvfb import ROOT
from tests.support.workbench_hands import artefacts


# At twice the size an event has words only: there is no room for its chart.
@pytest.mark.parametrize(("scale", "size", "views"), [("1", "1024x600", 31), ("2", "512x300", 30)])
def test_nothing_is_cut_off_or_unnamed(scale: str, size: str, views: int, tmp_path: Path) -> None:
    """1024×600 real pixels at both scales. Pictures of every view are kept."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.support.workbench_cut_off", str(artefacts(tmp_path)), size],
        cwd=ROOT, timeout=200, capture_output=True, check=True, text=True,
        env=os.environ | {"QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    report = json.loads(answer.stdout)
    assert answer.stderr == ""
    assert report["found"] == []
    assert report["complaints"] == []
    assert report["looked_at"] == len(LANGUAGES) * views
