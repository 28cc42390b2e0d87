"""An engine in a process of its own: chDB and Spark stay in the one they were opened in.

    python -m tests.support.engine_child ENGINE ARCHIVE-FOLDER [MASTER]

reads which files count as JSON from stdin, writes the answers to ``ASKED`` to stdout; without files
to the first of them.
"""

import contextlib
import json
import sys
from pathlib import Path

from fieldsurvey.analysis.evidence import Question
from fieldsurvey.analysis.questions import Scope, answer
from fieldsurvey.hq.engines.engine import Archived
from fieldsurvey.hq.engines.registry import open_engine

_MIDNIGHT_UTC_US = 1_767_225_600_000_000  # in the middle of the first drive
ASKED = [
    (Question.COVERAGE, Scope(resolution=9)),
    (Question.SPEED, Scope(resolution=9)),
    (Question.DAYS, Scope(first_utc_us=_MIDNIGHT_UTC_US)),
    (Question.RATES, Scope(operator="Tele2")),
    (Question.CAUSES, Scope()),
    (Question.GAPS, Scope()),
    (Question.EXTENT, Scope(end_utc_us=_MIDNIGHT_UTC_US)),
]


def main() -> None:
    name, folder, *master = sys.argv[1:]
    archived = Archived(Path(folder), json.load(sys.stdin))
    opened = open_engine(name, archived, master=master[0] if master else None)
    with contextlib.closing(opened) as one:
        asked = ASKED if archived.files else ASKED[:1]
        answers = [one.answer(answer(question, scope)) for question, scope in asked]
    json.dump([each.rows() for each in answers], sys.stdout)


if __name__ == "__main__":
    main()
