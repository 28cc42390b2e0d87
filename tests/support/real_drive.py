"""The real 318 km drive through the real application, over a link played on the same clock."""

import csv
import gzip
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from pynmeagps import NMEAReader

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.control import DriveControl
from fieldsurvey.model.clock import ScaledClock
from fieldsurvey.model.drive import SurveyPlan
from tests.support.headless import shaped_server

SPEED = 10.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Driven:
    """Where the survey is, and where the link's trace began on the drive's clock."""

    survey: Path
    trace_start_mono_us: int
    worst_rss_mb: float


def first_minutes(recording: Path, minutes: float, output: Path) -> Path:
    """Cut the recording after ``minutes`` of its own time; None of it is changed otherwise."""
    start_s: float | None = None
    with gzip.open(recording, "rt") as lines, output.open("w", newline="") as kept:
        for line in lines:
            hhmmss = line.split(",")[1]
            second = int(hhmmss[:2]) * 3600 + int(hhmmss[2:4]) * 60 + float(hhmmss[4:])
            start_s = second if start_s is None else start_s
            if (second - start_s) % 86_400 > minutes * 60:
                break
            kept.write(line)
    return output


def replayed_minutes(recording: Path) -> float:
    """How long a recording plays: a break of more than 10 minutes becomes one of 60 s."""
    times_s = [
        int(line[7:9]) * 3600 + int(line[9:11]) * 60 + float(line[11:16])
        for line in recording.read_text().splitlines()
        if line.startswith("$GPRMC")
    ]
    steps_s = [(later - sooner) % 86_400 for sooner, later in itertools.pairwise(times_s)]
    return sum(step_s if step_s <= 600 else 60.0 for step_s in steps_s) / 60


def drive(folder: Path, recording: Path, trace: Path, places: Path, timeout_s: float) -> Driven:
    """Replay ``recording`` at ×10 with tests, to its end; in a process of its own, whose memory
    holds nothing that other tests have left."""
    command = [sys.executable, "-m", "tests.support.real_drive"]
    arguments = [str(path) for path in (folder, recording, trace, places)]
    done = subprocess.run(
        [*command, *arguments, str(timeout_s)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=timeout_s + 60,
    )  # fmt: skip
    report = json.loads(done.stdout)
    return Driven(folder / "real.fsurvey", report["trace_start_mono_us"], report["worst_rss_mb"])


def drive_here(
    folder: Path, recording: Path, trace: Path, places: Path, timeout_s: float
) -> dict[str, float]:
    """Drive in this process; return when the trace began and the most memory seen."""
    clock = ScaledClock(SPEED)
    worst_rss_mb = 0.0
    with shaped_server(trace, SPEED) as (url, link):
        control = DriveControl(
            DriveConfig(
                survey_path=folder / "real.fsurvey",
                plan=SurveyPlan(name="real", server_url=url, trigger_period_s=60.0),
                position_uri=f"replay:{recording}?speed={SPEED:g}",
                clock=clock,
                places_path=places,
                auto_start=True,
            )
        )
        trace_start_mono_us = clock.mono_us()
        link.write_line("start")
        give_up_s = time.monotonic() + timeout_s
        try:
            while not control.snapshot().ended:
                assert time.monotonic() < give_up_s, "the drive did not end"
                worst_rss_mb = max(worst_rss_mb, _rss_mb())
                time.sleep(0.5)
        finally:
            control.close()
    return {"trace_start_mono_us": trace_start_mono_us, "worst_rss_mb": worst_rss_mb}


def dead_stretches(trace: Path, at_least_s: int = 3) -> Iterator[tuple[int, int]]:
    """Yield first second and length of every stretch of the trace without service."""
    with trace.open(newline="") as lines:
        rates = [float(row["throughput_mbps"]) for row in csv.DictReader(lines)]
    start = None
    for second, rate in enumerate([*rates, 1.0]):
        if rate == 0 and start is None:
            start = second
        elif rate > 0 and start is not None:
            if second - start >= at_least_s:
                yield start, second - start
            start = None


def road_of(recording: Path, output: Path, every: int = 5) -> Path:
    """Make a highway of the first half of the way driven, so that places can be checked."""
    fixes = [NMEAReader.parse(line) for line in recording.read_bytes().splitlines()[::2]]
    half = [[fix.lon, fix.lat] for fix in fixes if fix.lat != ""][: len(fixes) // 2 : every]
    road = {
        "type": "Feature",
        "properties": {"ref": "HALF-1"},
        "geometry": {"type": "LineString", "coordinates": half},
    }
    output.write_text(json.dumps({"type": "FeatureCollection", "features": [road]}))
    return output


def _rss_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    *given, seconds = sys.argv[1:]
    sys.stdout.write(json.dumps(drive_here(*map(Path, given), timeout_s=float(seconds))))
