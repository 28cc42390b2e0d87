"""The payloads of a fleet's shifts, made by as many processes as there are cores.

As a script it makes those of the laptops FIRST, FIRST + STEP, ... below END, and pickles them.
"""

import dataclasses
import pickle
import subprocess
import sys

from fieldsurvey.wire.rows import Row, encode_rows
from tests.support.store_values import a_fix
from tests.support.wire_drives import driven_rows, hours

HOURS = 8
Payloads = list[tuple[int, bytes]]  # of one laptop: rows and payload of each hour


def shift() -> list[list[Row]]:
    """Eight hours of one drive, cut into hours."""
    fixes = [a_fix(second, north_m=23.0 * second) for second in range(1, HOURS * 3_600 + 1)]
    return list(hours(driven_rows(fixes, radio=True, test_every_s=60)))


def shifts(laptops: int, processes: int = 2) -> list[Payloads]:
    """Return the shifts of ``laptops``; each drove the same for itself."""
    command = [sys.executable, "-m", "tests.support.hq_evening"]
    workers = [
        subprocess.Popen(
            [*command, str(first), str(laptops), str(processes)], stdout=subprocess.PIPE
        )
        for first in range(processes)
    ]
    made: list[Payloads] = []
    for worker in workers:
        content, _ = worker.communicate()
        assert worker.returncode == 0
        made += pickle.loads(content)
    return made


def _make(laptops: range) -> list[Payloads]:
    template = shift()
    made = []
    for laptop in laptops:
        drive_id = f"{laptop:08x}-1111-4000-8000-000000000000"
        mine = [[dataclasses.replace(row, drive_id=drive_id) for row in hour] for hour in template]
        drive = dataclasses.replace(mine[0][0].value, drive_id=drive_id)
        mine[0][0] = dataclasses.replace(mine[0][0], value=drive)
        made.append([(len(hour), encode_rows(hour)) for hour in mine])
    return made


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(_make(range(*map(int, sys.argv[1:4])))))
