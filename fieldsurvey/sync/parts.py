"""What the parts of sync are handed: the laptop's identity, the way to HQ, the way to the file."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from fieldsurvey.model.clock import Clock
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.sync.transport import HqTransport
from fieldsurvey.wire.issued import IssuedKind
from fieldsurvey.wire.keys import Ed25519PrivateKey

T = TypeVar("T")


class OnStore(Protocol):
    """Runs work on the outbox where the survey file may be touched, in the order it was given.

    Work on the profile's files goes the same way: the disk may make it wait.
    """

    def __call__(self, work: Callable[[Outbox], T], /) -> Awaitable[T]: ...


def new_epoch() -> str:
    """Return an epoch that nobody used before."""
    return secrets.token_hex(8)


def never() -> bool:
    """No throughput test runs."""
    return False


async def not_known() -> bool | None:
    """Nobody knows whether the link is metered."""
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """``busy``: a throughput test has the link, nothing may be sent. ``metered``: whether the link
    costs money, None if nobody knows. ``random``: a number from 0 to its argument.
    ``check_issued`` raises KnownError for a document of HQ's that cannot be used; None: nothing is
    pulled.
    """

    profile: Profile
    enrolment: Enrolment
    key: Ed25519PrivateKey
    transport: HqTransport
    on_store: OnStore
    clock: Clock
    random: Callable[[float], float]
    busy: Callable[[], bool] = never
    metered: Callable[[], Awaitable[bool | None]] = not_known
    new_epoch: Callable[[], str] = new_epoch
    check_issued: Callable[[IssuedKind, Path], None] | None = None
