"""A second of a drive gets the fixes that were due in it, also where the computer was late."""

import asyncio
import itertools
import time
from pathlib import Path

import pytest

from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.model.clock import ScaledClock
from fieldsurvey.model.position import Fix
from fieldsurvey.position import open_position
from tests.support.drive_faults import config_for, driving, stored, wait_for
from tests.support.position import a_drive

S = 1_000_000


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Two minutes with a hole of 20 s after the first."""
    path = tmp_path / "drive.nmea"
    epochs = a_drive(120)
    path.write_bytes(b"".join(epochs[:60] + epochs[80:]))
    return path


async def first_us(receiver: Receiver) -> int:
    while receiver.newest is None:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0)
    return receiver.newest.mono_us


def test_a_computer_that_stood_still_takes_no_fix_from_its_second(drive: Path) -> None:
    """At 100 times the speed, it stands still for 30 s of the drive at a time."""
    clock = ScaledClock(100)
    receiver = Receiver(open_position(f"replay:{drive}", clock))

    async def seconds() -> list[list[Fix]]:
        running = asyncio.create_task(receiver.run())
        due_us, taken = await first_us(receiver), list[list[Fix]]()
        while len(taken) < 120:
            time.sleep(0.3)  # noqa: ASYNC251 - nothing else gets a turn meanwhile: that is the point
            while due_us <= clock.mono_us() and len(taken) < 120:
                await receiver.catch_up(due_us)
                taken.append(receiver.take(due_us))
                due_us += S
        await running
        return taken

    counts = [len(fixes) for fixes in asyncio.run(seconds())]
    assert counts == [1] * 60 + [0] * 20 + [1] * 40


def test_a_drive_on_a_busy_computer_records_a_replay_as_it_was(
    drive: Path, tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its seconds are recorded in one go after each ten that the computer was busy for."""
    take, calls = Receiver.take, itertools.count(1)

    def busy(receiver: Receiver, until_us: int) -> list[Fix]:
        if next(calls) % 10 == 0:
            time.sleep(0.1)
        return take(receiver, until_us)

    monkeypatch.setattr(Receiver, "take", busy)
    survey = tmp_path / "a.fsurvey"
    config = config_for(survey, f"replay:{drive}", server_url, clock=ScaledClock(100))
    with driving(config) as control:
        wait_for(control, lambda now: now.ended)
    samples = stored(survey)[0]
    ages_us = [sample.fix_age_us for sample in samples if sample.fix_age_us is not None]
    assert len(ages_us) > 90
    assert sum(age_us > S for age_us in ages_us) == pytest.approx(20, abs=3), "but for the hole"


def test_a_replay_that_is_broken_off_is_not_waited_for(drive: Path) -> None:
    clock = ScaledClock(1)
    receiver = Receiver(open_position(f"replay:{drive}", clock))

    async def scenario() -> None:
        running = asyncio.create_task(receiver.run())
        await first_us(receiver)
        assert receiver.source.due_us is not None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        async with asyncio.timeout(5):
            await receiver.catch_up(clock.mono_us() + 60 * S)

    asyncio.run(scenario())
