"""The demo as a user runs it: every kind of result, exports that open, nothing left running."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import gpxpy
import psutil

from fieldsurvey.store.survey_file import SurveyFile
from tests.support.headless import ROOT, findings, run_json

KEYS = {"survey", "samples", "tests", "above", "below", "undecided", "no_service", "km", "places"}


def test_demo_does_the_whole_job(tmp_path: Path) -> None:
    result = run_json("demo", "--headless", "--speed", "20", "--out", str(tmp_path), "--json")
    assert {*KEYS, "gpx", "csv"} <= result.keys()
    assert int(str(result["tests"])) >= 5
    assert int(str(result["below"])) >= 1
    assert int(str(result["above"])) >= 1
    assert int(str(result["no_service"])) >= 1
    assert 40 <= int(str(result["no_service_samples"])) <= 100  # the link is dead for 62 s
    assert 24 < float(str(result["km"])) < 28
    assert findings(Path(str(result["survey"]))) == []
    assert 1 <= int(str(result["batches"])) == result["acknowledged"]
    archived = int(str(result["archive_rows"]))
    assert archived >= int(str(result["samples"])) + int(str(result["tests"]))
    with Path(str(result["gpx"])).open(encoding="utf-8") as stream:
        gpx = gpxpy.parse(stream)
    with SurveyFile.open(Path(str(result["survey"])), read_only=True) as survey:
        placed = sum(test.start_fix is not None for test in survey.tests())
    assert len(gpx.waypoints) == placed
    assert placed >= int(str(result["tests"])) - 2, "the receiver is silent for 20 s"
    assert len(gpx.tracks[0].segments) == 2, "the receiver is silent once"
    with Path(str(result["csv"])).open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == result["samples"]


def test_a_killed_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "fieldsurvey", "demo", "--headless", "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert demo.stderr is not None
    for line in demo.stderr:
        if "Mbps" in line:
            break
    children = psutil.Process(demo.pid).children(recursive=True)
    assert len(children) >= 3, "server, link and measuring process"
    demo.send_signal(signal.SIGKILL)
    demo.communicate()
    _, alive = psutil.wait_procs(children, timeout=5)
    time.sleep(0.1)
    assert [child.cmdline() for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
