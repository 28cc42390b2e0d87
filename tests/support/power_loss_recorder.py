"""A recorder whose every write is recorded: it makes, fills, closes and opens a survey, and says
after each append how many seconds are in the file."""

import sys
from pathlib import Path

from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import a_drive, a_fix, a_sample, a_test

DRIVE_ID = "cut"


def record(path: Path, appends: int, bulk: int) -> None:
    """``bulk`` seconds come in one append, enough for the log to be folded in midway."""
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive(DRIVE_ID))
        _say(0)
        for second in range(appends):
            _append(survey, second)
    with SurveyFile.open(path) as survey:
        seconds = range(appends, appends + bulk)
        survey.append(DRIVE_ID, samples=[a_sample(second) for second in seconds])
        _say(appends + bulk)
        for second in range(appends + bulk, 2 * appends + bulk):
            _append(survey, second)


def _append(survey: SurveyFile, second: int) -> None:
    tests = [a_test(second)] if second % 10 == 0 else []
    survey.append(DRIVE_ID, fixes=[a_fix(second)], samples=[a_sample(second)], tests=tests)
    _say(second + 1)


def _say(seconds: int) -> None:
    print(seconds, flush=True)  # noqa: T201 - the acknowledgement


if __name__ == "__main__":
    record(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
