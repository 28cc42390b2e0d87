"""Where a test began and ended: the newest fix, unless it is too old to say so."""

from collections.abc import AsyncIterator

import pytest

from fieldsurvey.drive import tester
from fieldsurvey.drive.planning import links_of
from fieldsurvey.drive.receiver import Receiver
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import PositionTrouble, TroubleKind
from fieldsurvey.model.throughput import Mode, ThroughputTest, Trigger
from fieldsurvey.position.watch import Report
from tests.support.drive_testing import ALWAYS, TARGET, HeldClock
from tests.support.drive_values import START_UTC_US, S, a_fix, a_place


class Saying:
    """A source that is never run: the tests set what the receiver has."""

    uri = "test:"

    def __init__(self, *, replayed: bool) -> None:
        self.replayed = replayed

    async def reports(self) -> AsyncIterator[Report]:
        return
        yield


def skipped_at(second: float, *, replayed: bool, speed: float, silent: bool) -> ThroughputTest:
    """Record a test ``second`` s after the only fix."""
    clock = HeldClock()
    clock.speed = speed
    receiver = Receiver(Saying(replayed=replayed))
    receiver.newest = a_fix(0)
    if silent:
        text = message("position.silent", source="test:", seconds=3)
        receiver.trouble = PositionTrouble(START_UTC_US, 0, TroubleKind.SILENT, text)
    clock.forward(int(second * S))
    one = tester.Tester(
        ALWAYS, links_of(ALWAYS)[0], TARGET, clock, receiver, lambda fix: a_place(), lambda: None
    )
    return one.skipped(Trigger.HAND, one.order(Mode.CHECK), "no modem")


@pytest.mark.parametrize(
    ("age_s", "replayed", "speed", "silent", "known"),
    [
        (5.0, False, 1.0, False, True),
        (5.1, False, 1.0, False, False),  # a live receiver: time is all there is to go by
        (5.1, True, 1.0, False, False),
        (5.0, True, 10.0, True, True),
        (5.1, True, 10.0, True, False),  # the recording itself was silent
        (20.0, True, 10.0, False, True),  # the computer was busy for two seconds
        (20.1, True, 10.0, False, False),
    ],
)
def test_a_fix_too_old_does_not_say_where(
    age_s: float, replayed: bool, speed: float, silent: bool, known: bool
) -> None:
    test = skipped_at(age_s, replayed=replayed, speed=speed, silent=silent)
    assert (test.start_fix is not None) is known
    assert (test.end_fix is not None) is known
    assert (test.start_place is not None) is known
    assert (test.end_place is not None) is known
