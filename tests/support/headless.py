"""The real application without a window, with a real server behind a real shaped link."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.cli.demo import MEASURE_SERVER
from fieldsurvey.store.survey_file import SurveyFile

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def measurement_server() -> Iterator[str]:
    """A measurement server process; yields its URL."""
    with ChildProcess(*MEASURE_SERVER) as server:
        yield f"http://127.0.0.1:{server.ready_port()}"


@contextmanager
def shaped_server(trace: Path, speed: float) -> Iterator[tuple[str, ChildProcess]]:
    """A server behind a link that plays ``trace``; write ``start`` to the child to begin."""
    with (
        ChildProcess(*MEASURE_SERVER) as server,
        ChildProcess(
            "fieldsurvey.throughput.shaped_link",
            *("--listen", "127.0.0.1:0", "--target", f"127.0.0.1:{server.ready_port()}"),
            *("--trace", str(trace), "--speed", f"{speed:g}", "--ready-json"),
        ) as link,
    ):
        yield f"http://127.0.0.1:{link.ready_port()}", link


def start_drive(
    survey: Path, position_uri: str, server_url: str, *arguments: str
) -> subprocess.Popen[str]:
    """Start ``fieldsurvey drive --headless``; the caller ends it."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "fieldsurvey", "drive", "--headless"),
            *("--survey", str(survey), "--position", position_uri, "--server", server_url),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "fieldsurvey", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=280,
        check=False,
    )


def run_json(*arguments: str) -> dict[str, object]:
    """Run one command that must succeed; return its JSON document."""
    done = run_cli(*arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def findings(survey_path: Path) -> list[str]:
    """What the survey's own check finds wrong; empty is clean."""
    with SurveyFile.open(survey_path, read_only=True) as survey:
        return [str(finding) for finding in survey.check()]
