"""Rows of whole drives for the tests of batches: real recordings through the real decoder.

The receiver's sentences are those of the recording; what a laptop adds (lateness of each arrival,
round trips, a modem's readings, tests) is drawn with a fixed seed, as noisy as the field is.
"""

import asyncio
import dataclasses
import functools
import itertools
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Event, EventKind, Reachability, Sample
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import RadioState, RadioTechnology
from fieldsurvey.model.throughput import Bins, Cause
from fieldsurvey.position.replay import ReplaySource
from fieldsurvey.wire.rows import DriveEnd, Recorded, Row
from tests.support.store_values import START_UTC_US, a_drive, a_watched_test

HOUR_S = 3600


class _InstantClock:
    """Every wait is over at once."""

    speed = 1.0

    def __init__(self) -> None:
        self._mono_us = 77_000_000

    def utc_us(self) -> int:
        return START_UTC_US + self._mono_us

    def mono_us(self) -> int:
        return self._mono_us

    async def sleep(self, seconds: float) -> None:
        self._mono_us += round(seconds * US_PER_S)


@functools.cache
def recorded_fixes(recording: Path) -> list[Fix]:
    """Return the fixes of a recording of NMEA sentences, in order."""

    async def collect() -> list[Fix]:
        source = ReplaySource(f"replay:{recording}", recording, _InstantClock())
        return [report async for report in source.reports() if isinstance(report, Fix)]

    return asyncio.run(collect())


def driven_rows(
    fixes: list[Fix], *, radio: bool = False, test_every_s: int = 60, seed: int = 1
) -> list[Row]:
    """Return the rows of a drive that lasts as long as the fixes do."""
    drive = a_drive(str(uuid.UUID(int=seed, version=4)))
    values = itertools.chain(
        [drive], _driven(fixes, radio, test_every_s, random.Random(seed)), [DriveEnd(2**50)]
    )
    return [Row(seq, drive.drive_id, value) for seq, value in enumerate(values, 1)]


def hours(rows: list[Row]) -> Iterator[list[Row]]:
    """Cut a drive into batches of an hour driven."""
    start, samples = 0, 0
    for index, row in enumerate(rows):
        samples += isinstance(row.value, Sample)
        if samples == HOUR_S:
            yield rows[start : index + 1]
            start, samples = index + 1, 0
    if start < len(rows):
        yield rows[start:]


def _driven(
    fixes: list[Fix], radio: bool, test_every_s: int, chance: random.Random
) -> Iterator[Recorded]:
    waiting = [_late(fix, chance) for fix in fixes]
    end_us = waiting[-1].mono_us
    newest: Fix | None = None
    position = 0
    reading = _reading(waiting[0], chance) if radio else None
    for second in range((end_us - waiting[0].mono_us) // US_PER_S):
        mono_us = (waiting[0].mono_us // US_PER_S + 1 + second) * US_PER_S
        while position < len(waiting) and waiting[position].mono_us < mono_us:
            newest = waiting[position]
            position += 1
            yield newest
        utc_us = mono_us + START_UTC_US + second // 40
        if reading is not None and second % 2 == 0:
            reading = _next_reading(reading, utc_us, mono_us, chance)
        age_us = None if newest is None else newest.age_us(mono_us)
        yield Sample(utc_us, mono_us, _reachability(chance), newest, age_us, reading)
        if test_every_s and second % test_every_s == test_every_s - 1:
            yield _tested(mono_us, newest, chance)
        if second % 900 == 899:
            yield Event(EventKind.MARK, utc_us, mono_us, message("drive.mark", note="мост"))


def _late(fix: Fix, chance: random.Random) -> Fix:
    """Let a fix arrive as a serial line brings it: 60 to 140 ms late."""
    late_us = chance.randrange(60_000, 140_000)
    return dataclasses.replace(
        fix, utc_us=fix.utc_us + late_us + chance.randrange(3), mono_us=fix.mono_us + late_us
    )


def _reachability(chance: random.Random) -> Reachability:
    if chance.random() < 0.03:
        return Reachability(False, None, chance.choice((Cause.TIMED_OUT, Cause.NO_ROUTE)))
    return Reachability(True, int(chance.lognormvariate(10.8, 0.4)))


def _reading(fix: Fix, chance: random.Random) -> RadioState:
    return RadioState(
        fix.utc_us,
        fix.mono_us,
        RadioTechnology.G4,
        "40177",
        "Altel",
        chance.randrange(2**28),
        chance.randrange(2**16),
        "B3",
        -95.0,
        -11.0,
        8.0,
        -64.0,
    )


def _next_reading(
    before: RadioState, utc_us: int, mono_us: int, chance: random.Random
) -> RadioState:
    late_us = chance.randrange(20_000)
    moved = dataclasses.replace(
        before,
        utc_us=utc_us - late_us,
        mono_us=mono_us - late_us,
        rsrp_dbm=max(-140.0, min(-60.0, (before.rsrp_dbm or 0.0) + chance.randrange(-3, 4))),
        rsrq_db=float(chance.randrange(-16, -6)),
        sinr_db=chance.randrange(-50, 250) / 10,
        rssi_dbm=float(chance.randrange(-90, -50)),
    )
    if chance.random() < 0.03:
        return dataclasses.replace(moved, cell_id=chance.randrange(2**28))
    return moved


def _tested(mono_us: int, fix: Fix | None, chance: random.Random) -> Recorded:
    test = a_watched_test(mono_us // US_PER_S)
    phases = []
    for phase in test.measurement.phases:
        if phase.bins is not None:
            counts = tuple(chance.randrange(400_000, 900_000) for _ in range(44))
            late = tuple(count + chance.randrange(-9_000, 9_000) for count in counts)
            phase = dataclasses.replace(
                phase,
                bins=Bins(counts),
                arrivals=Bins(late),
                round_trips_us=tuple(chance.randrange(40_000, 90_000) for _ in range(20)),
            )
        phases.append(phase)
    return dataclasses.replace(
        test,
        test_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        confirms=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        measurement=dataclasses.replace(test.measurement, phases=tuple(phases)),
        start_fix=fix,
        end_fix=fix,
    )
