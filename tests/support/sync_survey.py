"""Survey files with something to send, and everything a syncer needs around them."""

import dataclasses
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.sync.seal import seal_next
from fieldsurvey.sync.transport import HqTransport
from fieldsurvey.wire.keys import Ed25519PrivateKey
from tests.support.store_values import a_drive, an_event
from tests.support.sync_batches import DEVICE
from tests.support.sync_hq import SimulatedHq
from tests.support.sync_time import START_UTC_US, VirtualClock

T = TypeVar("T")

KEY = Ed25519PrivateKey.generate()
DRIVE_ID = "drive"


def make_survey(path: Path, rows: int = 10) -> SurveyFile:
    """Create a survey with a drive and events, ``rows`` in all."""
    survey = SurveyFile.create(path)
    survey.begin_drive(a_drive(DRIVE_ID))
    add_rows(survey, 0, rows - 1)
    return survey


def add_rows(survey: SurveyFile, first_second: int, count: int) -> None:
    """Record ``count`` more rows."""
    seconds = range(first_second, first_second + count)
    survey.append(DRIVE_ID, events=[an_event(second) for second in seconds])


def seal_some(survey: SurveyFile, batches: int, rows_each: int, epoch: str = "e" * 16) -> None:
    """Seal batches of few rows, so that there are many."""
    outbox = Outbox(survey)
    for _ in range(batches):
        seal_next(outbox, DEVICE, KEY, START_UTC_US, lambda: epoch, rows_each)


def parts_for(
    survey: SurveyFile,
    hq: SimulatedHq,
    transport: HqTransport,
    folder: Path,
    *,
    enrolment: Enrolment | None = None,
    on_store: Callable[[Callable[[Outbox], T]], Awaitable[T]] | None = None,
    **others: object,
) -> Parts:
    """Return parts on virtual time; work on the survey is done at once."""
    outbox = Outbox(survey)

    async def at_once(work: Callable[[Outbox], T]) -> T:
        return work(outbox)

    dice = random.Random(7)
    hq.devices.setdefault(DEVICE, KEY.public_key())
    parts = Parts(
        Profile(folder),
        enrolment or hq.enrolment(KEY.public_key()),
        KEY,
        transport,
        on_store or at_once,
        VirtualClock(),
        lambda most: dice.uniform(0, most),
        new_epoch=lambda: f"{dice.getrandbits(64):016x}",
    )
    return dataclasses.replace(parts, **others)
