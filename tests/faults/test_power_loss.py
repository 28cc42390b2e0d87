"""The power goes, at any moment: what was acknowledged is there, and nothing is half there."""

import random
import shutil
from pathlib import Path

import pytest

from fieldsurvey.hq.home import Home
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.merge import merge_once
from fieldsurvey.hq.station import open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.batch import parse_batch
from tests.support import power_loss_hq
from tests.support.memory_folder import memory_folder
from tests.support.power_loss import python, record, states

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

QUICK_STATES = 40
CAMPAIGN_STATES = 10_000


def survey_through_power_cuts(folder: Path, count: int, seed: int) -> None:
    work = folder / "work"
    work.mkdir()
    command = python("tests.support.power_loss_recorder", str(work / "cut.fsurvey"), "25", "200")
    recording = record(command, work, folder / "before")
    for number, state in enumerate(states(recording, count, random.Random(seed))):
        made = folder / f"state-{number}"
        state.make(made, work)
        promised = int(state.said[-1]) if state.said else None
        survey_is_whole(made / "cut.fsurvey", promised, state.label)
        shutil.rmtree(made)


def survey_is_whole(path: Path, promised_seconds: int | None, label: str) -> None:
    if promised_seconds is None and not path.exists():
        return  # the power went before the file was made
    with SurveyFile.open(path) as survey:
        assert survey.check() == [], label
        seconds = [sample.mono_us // 1_000_000 for sample in survey.samples()]
    assert seconds == list(range(len(seconds))), label
    assert len(seconds) >= (promised_seconds or 0), label


def test_a_survey_survives_power_cuts() -> None:
    with memory_folder() as folder:
        survey_through_power_cuts(folder, QUICK_STATES, seed=1)


@pytest.mark.faults
def test_a_survey_survives_ten_thousand_power_cuts() -> None:
    with memory_folder() as folder:
        survey_through_power_cuts(folder, CAMPAIGN_STATES, seed=random.randrange(2**32))


def laptop_and_hq_through_power_cuts(folder: Path, count: int, seed: int) -> None:
    """Both are cut off at the same moment here, which is harder than one of them alone."""
    work = folder / "work"
    work.mkdir()
    power_loss_hq.prepare(work)
    command = python("tests.support.power_loss_hq", str(work), "7")
    recording = record(command, work, folder / "before")
    assert recording.said[-1] == "receipt 6"
    for number, state in enumerate(states(recording, count, random.Random(seed))):
        made = folder / f"state-{number}"
        state.make(made, work)
        promised = {word: int(n) for word, n in (line.split() for line in state.said)}
        with SurveyFile.open(made / "a.fsurvey") as survey:
            assert survey.check() == [], state.label
            batches = Outbox(survey).progress().batches
            signed = Outbox(survey).receipts()
        assert batches > promised.get("sealed", -1), state.label
        hq_is_whole(made / "hq", promised, {one.receipt.sha256 for one in signed}, state.label)
        shutil.rmtree(made)


def hq_is_whole(folder: Path, promised: dict[str, int], signed_for: set[str], label: str) -> None:
    home = Home.open(folder)
    with open_station(home, SystemClock()) as station:
        tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
        assert (tidied.foreign, tidied.damaged) == ((), ()), label
        station.log.check()
        held = station.ledger.at(range(station.ledger.history.size()))
        assert len(held) > promised.get("receipt", -1), label
        assert signed_for <= {one.sha256 for one in held}, label
        for one in held:
            assert parse_batch((station.home.raw / one.path).read_bytes()).sha256 == one.sha256
        while station.ledger.unmerged(1):
            merge_once(station.ledger, home.raw_shelf(), home.archive_shelf())
        assert not verify(station, ()).findings, label
        samples = sum(file.rows for file in station.ledger.archive_files("samples"))
        assert samples == 3 * len(held), label


def test_laptop_and_hq_survive_power_cuts() -> None:
    with memory_folder() as folder:
        laptop_and_hq_through_power_cuts(folder, QUICK_STATES, seed=1)


@pytest.mark.faults
def test_laptop_and_hq_survive_ten_thousand_power_cuts() -> None:
    with memory_folder() as folder:
        laptop_and_hq_through_power_cuts(folder, CAMPAIGN_STATES, seed=random.randrange(2**32))
