"""A laptop that records and seals and is killed at random moments, again and again.

As a script it is that laptop: it appends, seals a batch of some size, and prints how many rows are
sealed once the batch is committed.
"""

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from fieldsurvey.model.drive import Sample
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.seal import seal_next
from tests.support.outbox import DEVICE, KEY, NOW_UTC_US, sealed_rows
from tests.support.store_values import a_drive, a_fix, a_sample, a_test

DRIVE_ID = "killed"


@dataclass(frozen=True, slots=True)
class Campaign:
    kills: int
    rows: int
    batches: int


def kill_campaign(path: Path, kills: int, seed: int) -> Campaign:
    """Kill a sealer ``kills`` times; after each, assert that all it called sealed is sealed, each
    row once and as it was recorded, and that the file is whole."""
    chance = random.Random(seed)
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive(DRIVE_ID))
    for kill in range(kills):
        said = _seal_and_kill(path, chance)
        # Half of the time the sealer itself has to recover what the killed one left.
        with SurveyFile.open(path, read_only=kill % 2 == 0) as survey:
            assert len(sealed_rows(survey)) >= said, f"kill {kill} of seed {seed}"
            assert survey.check() == [], f"kill {kill} of seed {seed}"
    with SurveyFile.open(path) as survey:
        outbox = Outbox(survey)
        rest = outbox.unsealed(10**9)
        sealed = sealed_rows(survey)
        progress = outbox.progress()
        assert len(sealed) + len(rest) == progress.recorded_rows
        assert [row.seq for row in (*sealed, *rest)] == list(range(1, progress.recorded_rows + 1))
        seconds = [row.value for row in (*sealed, *rest) if isinstance(row.value, Sample)]
        assert seconds == [replace(a_sample(n), place=None) for n in range(len(seconds))]
    return Campaign(kills, progress.recorded_rows, progress.batches)


def _seal_and_kill(path: Path, chance: random.Random) -> int:
    """Return how many rows are sealed at least, by the sealer's word."""
    command = [sys.executable, "-m", __name__, str(path), str(chance.randrange(2**32))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sealer:
        assert sealer.stdout is not None
        if chance.random() < 0.9:  # else it may die while it opens the file
            first_line = sealer.stdout.readline()
            assert first_line, "the sealer ended by itself"
        else:
            first_line = "0"
            time.sleep(chance.uniform(0.0, 0.4))
        time.sleep(chance.expovariate(1 / 0.03))
        sealer.kill()
        lines = [first_line, *sealer.stdout.read().split("\n")[:-1]]  # the last may be cut
    return int(lines[-1])


def _seal(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    survey, notice = SurveyFile.open_or_beside(path)
    if notice is not None:
        raise SystemExit(str(notice))
    outbox = Outbox(survey)
    number = survey.summary().samples
    while True:
        for _ in range(chance.randrange(1, 6)):
            survey.append(
                DRIVE_ID,
                fixes=[a_fix(number), a_fix(number + 0.5)],
                samples=[a_sample(number)],
                tests=[a_test(number)] if number % 10 == 0 else [],
            )
            number += 1
        for _ in range(chance.randrange(3)):
            seal_next(
                *(outbox, DEVICE, KEY, NOW_UTC_US, lambda: os.urandom(8).hex()),
                max_rows=chance.choice([1, 2, 5, 1000]),
            )
        if chance.random() < 0.05:
            outbox.open_epoch(os.urandom(8).hex(), DEVICE, NOW_UTC_US, "again")
        print(outbox.progress().sealed_rows, flush=True)  # noqa: T201 - the acknowledgement


if __name__ == "__main__":
    _seal(Path(sys.argv[1]), int(sys.argv[2]))
