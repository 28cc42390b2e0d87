"""Drives for the tests of faults: the real engine in this process, and patience in real time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.control import DriveControl
from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.model.clock import Clock, ScaledClock
from fieldsurvey.model.drive import AtBudget, Event, EventKind, Sample, SurveyPlan
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.survey_file import SurveyFile

SPEED = 10.0
NO_TESTS = SurveyPlan(
    trigger_distance_m=None,
    trigger_period_s=None,
    trigger_kilometre_post=False,
    trigger_settlement=False,
    max_test_s=0.3,
    max_test_bytes=2_000_000,
    at_budget=AtBudget.STOP,
)


class JumpingClock(ScaledClock):
    """A clock that somebody sets during a drive."""

    jump_us = 0

    def utc_us(self) -> int:
        return super().utc_us() + self.jump_us


@contextmanager
def driving(config: DriveConfig) -> Iterator[DriveControl]:
    control = DriveControl(config)
    try:
        yield control
    finally:
        control.close()


def wait_for(
    control: DriveControl, condition: Callable[[DriveSnapshot], object], timeout_s: float = 20.0
) -> DriveSnapshot:
    """Return the first snapshot that meets ``condition``."""
    give_up_s = time.monotonic() + timeout_s
    while True:
        snapshot = control.snapshot()
        if condition(snapshot):
            return snapshot
        assert time.monotonic() < give_up_s, f"not reached; last: {snapshot}"
        time.sleep(0.05)


def config_for(
    survey: Path, position_uri: str, server_url: str, *, clock: Clock | None = None, **more: object
) -> DriveConfig:
    plan = SurveyPlan(**{**_as_dict(NO_TESTS), "server_url": server_url, **_plan_part(more)})
    return DriveConfig(
        survey_path=survey,
        plan=plan,
        position_uri=position_uri,
        clock=clock or ScaledClock(SPEED),
        auto_start=bool(more.pop("auto_start", True)),
        **more,  # type: ignore[arg-type] # fields of DriveConfig
    )


def _as_dict(plan: SurveyPlan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in SurveyPlan.__dataclass_fields__}


def _plan_part(more: dict[str, object]) -> dict[str, object]:
    names = [name for name in more if name in SurveyPlan.__dataclass_fields__]
    return {name: more.pop(name) for name in names}


def stored(path: Path) -> tuple[list[Sample], list[Event], list[ThroughputTest]]:
    with SurveyFile.open(path, read_only=True) as survey:
        return list(survey.samples()), list(survey.events()), list(survey.tests())


def kinds(events: list[Event]) -> list[EventKind]:
    return [event.kind for event in events]


def notices(snapshot: DriveSnapshot) -> list[str]:
    return [notice.message.id for notice in snapshot.notices]
