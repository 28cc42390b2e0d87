"""Everything arrives exactly once, whatever happens to laptops, network and headquarters.

A seed is a campaign: which steps it has is drawn from it, so that a failure can be played again.
"""

import multiprocessing
import random
import shutil
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hq_world import Event, Step, World, make_template
from tests.support.sync_network import Fault

QUICK_SEEDS = 500
CAMPAIGN_SEEDS = 10_000
PROCESSES = 2
MOST_STEPS = 25
# Requests that simply succeed lie between the faults; else nothing would ever get far enough.
DECK: list[Step] = [*Fault, *[Fault.NONE] * 6, *list(Event) * 2]


def steps_of(seed: int) -> list[Step]:
    dice = random.Random(seed)
    return [dice.choice(DECK) for _ in range(dice.randint(0, MOST_STEPS))]


def live(template: Path, steps: list[Step], seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        world = Path(folder) / "world"
        shutil.copytree(template, world)
        World(world, steps, seed).run()


def _failures(template: Path, seeds: range) -> list[str]:
    failed = []
    for seed in seeds:
        steps = steps_of(seed)
        try:
            live(template, steps, seed)
        except Exception:  # noqa: BLE001 - told with the steps that led to it
            failed.append(f"seed {seed}: {[step.name for step in steps]}\n{traceback.format_exc()}")
    return failed


def live_through(template: Path, seeds: range) -> None:
    pieces = [seeds[start::PROCESSES] for start in range(PROCESSES)]
    # Forked ones would inherit the threads of what is imported here.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        found = list(pool.map(_failures, [template] * PROCESSES, pieces))
    failed = [text for piece in found for text in piece]
    assert not failed, f"{len(failed)} of {len(seeds)} campaigns, the first: {failed[0]}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "template"
    path.mkdir()
    make_template(path)
    return path


@pytest.mark.timeout(600)
def test_five_hundred_bad_worlds(template: Path) -> None:
    live_through(template, range(QUICK_SEEDS))


@pytest.mark.parametrize("step", [*Fault, *Event], ids=lambda step: step.name)
def test_each_step_alone_at_several_moments(template: Path, step: Step) -> None:
    for before in (0, 2, 5):
        steps: list[Step] = [Event.LAPTOP_COPIED, Event.HQ_BACKUP, *[Fault.NONE] * before]
        live(template, [*steps, step, Fault.NONE, step, Event.RECORDED], before)


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.sampled_from(DECK), max_size=MOST_STEPS), seed=st.integers(0, 99))
def test_what_fails_is_made_small(template: Path, steps: list[Step], seed: int) -> None:
    live(template, steps, seed)


@pytest.mark.faults
def test_ten_thousand_bad_worlds(template: Path) -> None:
    first = random.randrange(10**9)
    live_through(template, range(first, first + CAMPAIGN_SEEDS))
