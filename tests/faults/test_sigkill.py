"""Kill the recording application at random moments: what was committed stays, the drive goes on."""

import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldsurvey.model.drive import EventKind
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.headless import findings, measurement_server, start_drive
from tests.support.route import write_route

SPEED = 20
QUICK_KILLS = 8
CAMPAIGN_KILLS = 1_000


@dataclass(frozen=True)
class Committed:
    """What another process sees in the file: it is committed, or it would not be seen."""

    samples: tuple[tuple[int, int], ...]
    test_ids: frozenset[str]
    drive_ids: frozenset[str]
    resumed: int


def look(path: Path) -> Committed:
    with SurveyFile.open(path, read_only=True) as survey:
        return Committed(
            tuple((sample.utc_us, sample.mono_us) for sample in survey.samples()),
            frozenset(test.test_id for test in survey.tests()),
            frozenset(drive.drive_id for drive in survey.drives()),
            sum(event.kind is EventKind.DRIVE_RESUMED for event in survey.events()),
        )


def sample_count(path: Path) -> int:
    try:
        return len(look(path).samples)
    except (KnownError, OSError):
        return 0  # not there yet


def wait_for_more_samples(path: Path, before: int, process: subprocess.Popen[str]) -> None:
    give_up_s = time.monotonic() + 30
    while sample_count(path) <= before:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < give_up_s, "no sample within 30 s"
        time.sleep(0.05)


def kill_again_and_again(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    route = write_route(folder / "route.nmea", seconds=3600)
    path = folder / "killed.fsurvey"
    start_s = 0.0
    before = Committed((), frozenset(), frozenset(), 0)
    with measurement_server() as url:
        for kill in range(kills):
            uri = f"replay:{route}?speed={SPEED}&start={start_s:.0f}"
            process = start_drive(path, uri, url)
            try:
                wait_for_more_samples(path, len(before.samples), process)
                time.sleep(rng.uniform(0.0, 0.6))
                seen = look(path)
            finally:
                process.kill()
                process.communicate()
            after = look(path)
            assert after.samples[: len(seen.samples)] == seen.samples, f"kill {kill}"
            assert after.test_ids >= seen.test_ids, f"kill {kill}"
            assert len(set(after.samples)) == len(after.samples), f"doubled at kill {kill}"
            assert len(after.drive_ids) == 1, f"kill {kill} began another drive"
            assert after.resumed == kill, f"kill {kill} was not resumed"
            before = after
            start_s = (start_s + 15.0) % 3000.0
    assert findings(path) == []
    print(  # noqa: T201 - the figure of the campaign
        f"{kills} kills: {len(before.samples)} samples and {len(before.test_ids)} tests kept"
    )


@pytest.mark.timeout(600)
def test_some_kills(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, QUICK_KILLS, seed=random.randrange(2**32))


@pytest.mark.faults
def test_a_thousand_kills(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, CAMPAIGN_KILLS, seed=random.randrange(2**32))
