"""Dead stretches and lost positions become events, once each."""

from fieldsurvey.drive.watch import PositionWatch, ServiceWatch
from fieldsurvey.model.drive import Event, EventKind
from fieldsurvey.model.throughput import Cause
from tests.support.drive_values import START_UTC_US, S, a_fix, a_sample


def service_events(pattern: str) -> list[Event]:
    """``.`` is a reachable second, ``x`` a dead one."""
    watch = ServiceWatch()
    samples = [
        a_sample(second, cause=Cause.TIMED_OUT if mark == "x" else None)
        for second, mark in enumerate(pattern)
    ]
    return [event for event in map(watch.see, samples) if event is not None]


def test_three_dead_seconds_are_a_stretch_that_began_with_the_first() -> None:
    lost, back = service_events("..xxxx..")
    assert (lost.kind, lost.utc_us) == (EventKind.SERVICE_LOST, START_UTC_US + 2 * S)
    assert "no answer in time" in str(lost.message)
    assert (back.kind, back.utc_us) == (EventKind.SERVICE_BACK, START_UTC_US + 6 * S)
    assert "after 4 s" in str(back.message)


def test_two_dead_seconds_are_not() -> None:
    assert service_events("..xx..xx.") == []


def test_each_stretch_is_told() -> None:
    assert len(service_events("xxx.xxx.xxx")) == 5


def test_position_lost_and_back() -> None:
    watch = PositionWatch()
    fix = a_fix(0)
    events = [watch.see(a_sample(second, fix=fix), None) for second in range(8)]
    assert [event.kind if event else None for event in events] == [
        *[None] * 4,
        EventKind.POSITION_LOST,
        *[None] * 3,
    ]
    back = watch.see(a_sample(8, fix=a_fix(8)), None)
    assert back is not None
    assert back.kind is EventKind.POSITION_BACK
    assert "8 s" in str(back.message)


def test_no_fix_from_the_start_is_lost() -> None:
    event = PositionWatch().see(a_sample(0), None)
    assert event is not None
    assert event.kind is EventKind.POSITION_LOST
