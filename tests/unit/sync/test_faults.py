"""Whatever happens on the way, and whenever the laptop dies: nothing is lost, claimed or stuck."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sync_campaign import Event, Step, World
from tests.support.sync_network import Fault
from tests.support.sync_survey import make_survey, seal_some

CRASHES = (
    Event.CRASH_BEFORE,
    Event.CRASH_AFTER,
    Event.CRASH_WHILE_SENDING,
    Event.LAPTOP_RESTORED,
)
STEPS = st.lists(
    st.tuples(st.one_of(st.sampled_from(Fault), st.sampled_from(Event)), st.integers(1, 12)),
    max_size=20,
).map(lambda runs: [step for step, times in runs for _ in range(times)])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey with six sealed batches and rows that are not sealed."""
    path = tmp_path_factory.mktemp("template") / "a.fsurvey"
    with make_survey(path, 20) as survey:
        seal_some(survey, 6, 3)
    return path


def live(template: Path, steps: Sequence[Step]) -> World:
    with TemporaryDirectory() as folder:
        world = World(template, Path(folder), steps)
        world.run()
    return world


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_everything_arrives_once_the_faults_heal(template: Path, steps: list[Step]) -> None:
    live(template, steps)


@pytest.mark.faults
@settings(max_examples=1000, deadline=None)
@given(steps=STEPS)
def test_everything_arrives_in_thousands_of_bad_worlds(template: Path, steps: list[Step]) -> None:
    live(template, steps)


@pytest.mark.parametrize("fault", [*Fault, *Event], ids=lambda step: step.name)
def test_each_fault_alone_at_every_request(template: Path, fault: Step) -> None:
    for position in range(0, 8, 3):
        world = live(template, [*[Fault.NONE] * position, fault, fault])
        assert (fault in CRASHES) == (world.crashes > 0)
