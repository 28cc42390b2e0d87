"""A drive near a network: what it recorded a minute ago is at headquarters before it ends."""

import asyncio
import time
from pathlib import Path

import pytest

from fieldsurvey.cli.sync import enrol_at
from fieldsurvey.hq.home import Home
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.profile import Profile
from tests.support.headless import findings, measurement_server, run_cli, run_json, start_drive
from tests.support.hq_server import make_home, running
from tests.support.route import write_route

SPEED = 20
ROUTE_S = 400
PATIENCE_S = 60.0


def wait_for(home: Home, batches: int) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    ledger = home.ledger()
    try:
        while ledger.history.size() < batches:
            assert time.monotonic() < give_up_s, "nothing arrived"
            time.sleep(0.1)
    finally:
        ledger.close()


@pytest.mark.timeout(240)
def test_a_drive_syncs_as_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, profile = make_home(tmp_path / "hq"), Profile(tmp_path / "profile")
    survey, route = tmp_path / "a.fsurvey", tmp_path / "route.nmea"
    write_route(route, ROUTE_S)
    monkeypatch.setenv("FIELDSURVEY_PROFILE", str(profile.path))
    with running(home) as hq, measurement_server() as server_url:
        ledger = home.ledger()
        code = ledger.devices.new_code("device", 1.0, time.time_ns() // 1000)
        ledger.close()
        asyncio.run(enrol_at(f"http://127.0.0.1:{hq.port}", code, profile))
        drive = start_drive(survey, f"replay:{route}?speed={SPEED}", server_url)
        try:
            wait_for(home, 2)
            assert drive.poll() is None, "the drive is not over yet"
            _, told = drive.communicate(timeout=PATIENCE_S)
        finally:
            drive.kill()
            drive.communicate()
        assert drive.returncode == 0, told
        done = run_cli("sync", "now", str(survey))
        assert done.returncode == 0, done.stderr
        counts = archived(home)
    assert findings(survey) == []
    with SurveyFile.open(survey, read_only=True) as opened:
        summary = opened.summary()
    assert counts == {"samples": summary.samples, "tests": summary.tally.tests}
    (status,) = run_json("sync", "status", str(survey), "--json")["surveys"]  # type: ignore[misc]
    assert status["acknowledged_rows"] == status["recorded_rows"]


def archived(home: Home) -> dict[str, int]:
    """Wait until all is merged; return how many rows there are of each kind."""
    give_up_s = time.monotonic() + PATIENCE_S
    ledger = home.ledger()
    try:
        while ledger.counts().waiting:
            assert time.monotonic() < give_up_s, "nothing is merged"
            time.sleep(0.1)
        return {
            table: sum(file.rows for file in ledger.archive_files(table))
            for table in ("samples", "tests")
        }
    finally:
        ledger.close()
