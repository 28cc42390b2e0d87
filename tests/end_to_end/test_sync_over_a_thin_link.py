"""A shift gets home over what is left of a network: 32 kbit/s, every tenth packet lost."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldsurvey.hq.home import Home
from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.hq_server import make_home
from tests.support.lab_link import ROOT, Laboratory, Link, laboratory
from tests.support.store_values import a_fix
from tests.support.throughput import certificate
from tests.support.wire_drives import driven_rows

RATE_BPS, LOSS, ROUND_TRIP_S = 32_000, 0.1, 0.3
FIELDSURVEY = (sys.executable, "-m", "fieldsurvey")
PORT = 8750
MOST_S = 300.0

pytestmark = pytest.mark.root


@dataclass(frozen=True, slots=True)
class Delivery:
    rows: int
    acknowledged: int
    seconds: float
    up_bytes: int  # of IP packets that left the laptop's end of the link

    def __str__(self) -> str:
        busy = self.up_bytes * 8 / RATE_BPS / self.seconds
        return (
            f"{self.acknowledged} of {self.rows} rows acknowledged in {self.seconds:.1f} s over "
            f"{RATE_BPS // 1000} kbit/s with {LOSS:.0%} loss each way; {self.up_bytes} bytes went "
            f"up, {self.up_bytes / self.rows:.1f} a row: the link was {busy:.0%} full"
        )


def record(path: Path, seconds: int) -> None:
    """Record a drive with a modem and a test a minute. It has not ended."""
    fixes = [a_fix(second, north_m=23.0 * second) for second in range(1, seconds + 1)]
    rows = [row.value for row in driven_rows(fixes, radio=True)]
    drive = next(row for row in rows if isinstance(row, Drive))
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        survey.append(
            drive.drive_id,
            samples=[row for row in rows if isinstance(row, Sample)],
            tests=[row for row in rows if isinstance(row, ThroughputTest)],
            events=[row for row in rows if isinstance(row, Event)],
        )


@contextmanager
def headquarters(lab: Laboratory, home: Home, pem: Path) -> Iterator[str]:
    """Serve ``home`` at the far end of the link; yield its address."""
    command = lab.server.command(
        *FIELDSURVEY, "hq", "serve", home.folder, "--listen", f"{lab.server_address}:{PORT}",
        "--tls-cert", pem.with_suffix(".crt"), "--tls-key", pem, "--until-stdin-closes",
        "--ready-json",
    )  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            assert json.loads(server.stdout.readline())["port"] == PORT
            yield f"https://{lab.server_address}:{PORT}"
        finally:
            server.stdin.close()


def deliver(folder: Path, seconds: int) -> Delivery:
    survey, profile = folder / "shift.fsurvey", folder / "profile"
    record(survey, seconds)
    with laboratory(Link.steady(1e7, 0.02)) as lab:
        pem = certificate(folder, lab.server_address)
        home = make_home(folder / "hq")
        code = ran([*FIELDSURVEY, "hq", "enrol", str(home.folder)])

        def sync(*words: str | Path) -> str:
            return ran(lab.client.command(*FIELDSURVEY, "sync", *words, "--profile", profile))

        with headquarters(lab, home, pem) as url:
            sync("enrol", url, code.strip(), "--ca", pem.with_suffix(".crt"))
            lab.set_link(Link.steady(RATE_BPS, ROUND_TRIP_S, LOSS, LOSS))
            began_s = time.monotonic()
            done = json.loads(sync("now", survey, "--json"))
            took_s = time.monotonic() - began_s
            _, up = lab.passed()
    counts = done["surveys"][0]
    return Delivery(
        counts["recorded_rows"], counts["acknowledged_rows"], took_s, sum(up.forwarded_bytes)
    )


def ran(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * MOST_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_minutes_of_driving(tmp_path: Path) -> None:
    delivery = deliver(tmp_path, 180)
    assert delivery.acknowledged == delivery.rows > 180
    assert delivery.seconds < 60, delivery  # the link is slow, not the machine: others may use it


@pytest.mark.bench
def test_a_shift_of_eight_hours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delivery = deliver(tmp_path, 8 * 3600)
    with capsys.disabled():
        print(f"\n{delivery}")  # noqa: T201 - the bench is here to print
    assert delivery.acknowledged == delivery.rows > 8 * 3600
    assert delivery.seconds < MOST_S
