"""Campaigns of the bad world by number: which steps one has is drawn from its seed.

As a script it lives through the seeds FIRST, FIRST + STEP, ... below END and prints what failed.
"""

import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path

from tests.support.hq_world import World
from tests.support.hq_world_kills import Event, Step
from tests.support.sync_network import Fault

MOST_STEPS = 20
# Requests that simply succeed lie between the faults; else nothing would ever get far enough.
DECK: list[Step] = [*Fault, *[Fault.NONE] * 6, *list(Event) * 2]


def steps_of(seed: int) -> list[Step]:
    """Return the steps of a campaign."""
    dice = random.Random(seed)
    return [dice.choice(DECK) for _ in range(dice.randint(0, MOST_STEPS))]


def live(template: Path, steps: list[Step], seed: int) -> None:
    """Live through one campaign. Raises AssertionError."""
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        world = Path(folder) / "world"
        shutil.copytree(template, world)
        World(world, steps, seed).run()


def failures(template: Path, seeds: Iterable[int]) -> list[str]:
    """Live through all seeds; return the steps and the end of those that failed."""
    failed = []
    for seed in seeds:
        steps = steps_of(seed)
        try:
            live(template, steps, seed)
        except Exception:  # noqa: BLE001 - told with the steps that led to it
            names = [step.name for step in steps]
            failed.append(f"seed {seed}: {names}\n{traceback.format_exc()}")
    return failed


if __name__ == "__main__":
    first, end, step = map(int, sys.argv[2:5])
    for text in failures(Path(sys.argv[1]), range(first, end, step)):
        print(text)  # noqa: T201 - the findings
    print("lived through", len(range(first, end, step)))  # noqa: T201 - and that it came to its end
