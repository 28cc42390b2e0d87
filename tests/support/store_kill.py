"""A recorder that is killed at random moments, again and again, and what it had acknowledged.

As a script it is that recorder: it appends to the survey as fast as it can and prints the number
of each append once it is committed. FIELDSURVEY_FILE_KEY is its key, if it has any.
"""

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.store import file_key
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.file_keys import Keys
from tests.support.store_values import a_drive, a_fix, a_sample, a_test

DRIVE_ID = "killed"
TEST_EVERY = 10  # appends


@dataclass(frozen=True, slots=True)
class Campaign:
    kills: int
    acknowledged: int  # appends
    rows: int


def kill_campaign(path: Path, kills: int, seed: int) -> Campaign:
    """Kill a recorder ``kills`` times; after each, assert that nothing acknowledged is missing,
    doubled or half there, and that the file is whole."""
    chance = random.Random(seed)
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive(DRIVE_ID))
    acknowledged = 0
    for kill in range(kills):
        acknowledged = max(acknowledged, _record_and_kill(path, chance))
        # Half of the time the recorder itself has to recover what the killed one left.
        with SurveyFile.open(path, read_only=kill % 2 == 0) as survey:
            appends = _verify(survey, acknowledged)
        acknowledged = appends
    with SurveyFile.open(path) as survey:
        (rows,) = survey.connection.execute("SELECT last_seq FROM survey").fetchone()
    return Campaign(kills, acknowledged, rows)


def _verify(survey: SurveyFile, acknowledged: int) -> int:
    """Return the number of appends in the file: those acknowledged, and at most one more."""
    assert survey.check() == []
    seconds = [sample.mono_us // 1_000_000 for sample in survey.samples()]
    assert seconds == list(range(len(seconds)))
    assert acknowledged <= len(seconds) <= acknowledged + 1
    fixes = sum(1 for _ in survey.fixes_between(0, 2**62))
    tests = sum(1 for _ in survey.tests())
    assert fixes == 2 * len(seconds)
    assert tests == len(range(0, len(seconds), TEST_EVERY))
    return len(seconds)


def _record_and_kill(path: Path, chance: random.Random) -> int:
    """Return how many appends the file holds at least, by the recorder's word."""
    command = [sys.executable, "-m", __name__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        if chance.random() < 0.9:  # else it may die while it opens the file
            first_line = recorder.stdout.readline()
            assert first_line, "the recorder ended by itself"
        else:
            first_line = "0"
            time.sleep(chance.uniform(0.0, 0.4))
        time.sleep(chance.expovariate(1 / 0.03))
        recorder.kill()
        lines = [first_line, *recorder.stdout.read().split("\n")[:-1]]  # the last may be cut
    return int(lines[-1])


def _record(path: Path) -> None:
    survey, notice = SurveyFile.open_or_beside(path)
    if notice is not None:
        raise SystemExit(str(notice))
    number = survey.summary().samples
    while True:
        survey.append(
            DRIVE_ID,
            fixes=[a_fix(number), a_fix(number + 0.5)],
            samples=[a_sample(number)],
            tests=[a_test(number)] if number % TEST_EVERY == 0 else [],
        )
        number += 1
        print(number, flush=True)  # noqa: T201 - the acknowledgement


if __name__ == "__main__":
    given = os.environ.get("FIELDSURVEY_FILE_KEY")
    with file_key.asking(Keys(bytes.fromhex(given) if given else None)):
        _record(Path(sys.argv[1]))
