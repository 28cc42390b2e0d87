"""The power goes, at any moment: what was acknowledged is there, and nothing is half there."""

import random
import shutil
from pathlib import Path

import pytest

from fieldsurvey.store.survey_file import SurveyFile
from tests.support.power_loss import python, record, states

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

QUICK_STATES = 200
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


def test_a_survey_survives_power_cuts(tmp_path: Path) -> None:
    survey_through_power_cuts(tmp_path, QUICK_STATES, seed=1)


@pytest.mark.faults
def test_a_survey_survives_ten_thousand_power_cuts(tmp_path: Path) -> None:
    survey_through_power_cuts(tmp_path, CAMPAIGN_STATES, seed=random.randrange(2**32))
