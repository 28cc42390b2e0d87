"""Everything arrives exactly once, whatever happens to laptops, network and headquarters."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hq_campaign import DECK, MOST_STEPS, live, steps_of
from tests.support.hq_world import make_template
from tests.support.hq_world_kills import Event, Step
from tests.support.memory_folder import memory_folder
from tests.support.sync_network import Fault

QUICK_SEEDS = 500
CAMPAIGN_SEEDS = 10_000
PROCESSES = 2


def live_through(template: Path, seeds: range) -> None:
    """Live through ``seeds`` in two processes; a failure names its seed and its steps."""
    command = [sys.executable, "-m", "tests.support.hq_campaign", str(template)]
    workers = [
        subprocess.Popen(
            [*command, str(seeds.start + number), str(seeds.stop), str(PROCESSES)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"POLARS_MAX_THREADS": "1"},  # the processes share the cores already
        )
        for number in range(PROCESSES)
    ]
    try:
        said = [worker.communicate() for worker in workers]  # both: there may be two failures
        assert [worker.returncode for worker in workers] == [0] * PROCESSES, said
        found = "".join(found for found, _ in said)
        assert found == f"lived through {len(seeds) // PROCESSES}\n" * PROCESSES, found
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    with memory_folder() as folder:
        path = folder / "template"
        path.mkdir()
        make_template(path)
        yield path


@pytest.mark.timeout(600)
def test_five_hundred_bad_worlds(template: Path) -> None:
    live_through(template, range(QUICK_SEEDS))


@pytest.mark.parametrize("step", [*Fault, *Event], ids=lambda step: step.name)
def test_each_step_alone_at_several_moments(template: Path, step: Step) -> None:
    for before in (0, 5):
        steps: list[Step] = [Event.LAPTOP_COPIED, Event.HQ_BACKUP, *[Fault.NONE] * before]
        live(template, [*steps, step, Fault.NONE, step, Event.RECORDED], before)


def test_an_hq_that_forgot_a_laptop_learns_of_it_again(template: Path) -> None:
    """Revoked, enrolled again, sealed, and then HQ came back from a backup without any of that."""
    steps: list[Step] = [Event.HQ_BACKUP, Event.REVOKED, *[Fault.NONE] * 3]
    steps += [Event.RECORDED, *[Fault.LOST] * 3, Event.HQ_RESTORED, Fault.NONE]
    for seed in range(3):
        live(template, steps, seed)
    live(template, steps_of(27724546), 27724546)  # the campaign that found it


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(st.sampled_from(DECK), max_size=MOST_STEPS), seed=st.integers(0, 99))
def test_what_fails_is_made_small(template: Path, steps: list[Step], seed: int) -> None:
    live(template, steps, seed)


@pytest.mark.faults
def test_ten_thousand_bad_worlds(template: Path) -> None:
    first = random.randrange(10**9)
    live_through(template, range(first, first + CAMPAIGN_SEEDS))
