"""What HQ puts right before it serves: leftovers of a crash, and files the ledger does not know.

A batch that lies in ``raw`` without a row was never acknowledged, but may be the only copy.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from fieldsurvey.hq.home import Home
from fieldsurvey.hq.landing import KNOWN_SCHEMAS, Landing
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.ledger_rows import EXPIRED
from fieldsurvey.hq.raw_files import RawFiles
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.shelf import Item, Shelf
from fieldsurvey.hq.spool import remove_old_files

_SPOOLED_FOR_US = 3_600_000_000  # longer than any body takes
_LATE_US = 3_600_000_000  # clocks are set back, too
_SAMPLE = 100  # files


@dataclass(frozen=True, slots=True)
class Tidied:
    """``foreign``: files in ``raw`` that are no batch of an enrolled device. ``damaged``: of a
    sample, those that are not what was landed. Both are left as they are."""

    spool_files_removed: int
    adopted: int
    foreign: tuple[str, ...]
    damaged: tuple[str, ...]
    reconsidered: int


def tidy(home: Home, ledger: Ledger, landing: Landing, utc_us: Callable[[], int]) -> Tidied:
    """Put right what can be; everything is done again harmlessly."""
    removed = remove_old_files(home.spool, utc_us() - _SPOOLED_FOR_US)
    newest = ledger.newest_received_utc_us() or 0
    adopted, foreign = adopt(home, ledger, landing, min(newest, utc_us()) - _LATE_US)
    return Tidied(
        removed,
        adopted,
        tuple(foreign),
        tuple(_damaged(home, ledger)),
        ledger.reconsider(KNOWN_SCHEMAS),
    )


def adopt(home: Home, ledger: Ledger, landing: Landing, since_utc_us: int) -> tuple[int, list[str]]:
    """Enter files the ledger does not know, as having come when they were written.

    Looks into folders that changed since then. Returns how many, and which could not be.
    """
    raw = home.raw_shelf()
    unknown = [one for one in RawFiles(raw).since(since_utc_us) if not ledger.has_path(one.name)]
    foreign = []
    for one in sorted(unknown, key=lambda one: (one.put_utc_us, one.name)):
        try:
            _enter(raw, landing, one)
        except Refusal:
            foreign.append(one.name)
    return len(unknown) - len(foreign), foreign


def _enter(raw: Shelf, landing: Landing, one: Item) -> None:
    """Enter a file as if it had landed when it was written. Raises Refusal."""
    device, epoch, name = PurePosixPath(one.name).parts
    batch_no, _, digits = PurePosixPath(name).stem.partition("-")
    sealed = landing.checked(raw.read(one.name), (device, epoch, int(batch_no)))
    if not sealed.sha256.startswith(digits):
        raise Refusal(422, "name", "not the content of its name")
    landing.enter(sealed, one.name, one.put_utc_us)


def _damaged(home: Home, ledger: Ledger) -> list[str]:
    """Look at the newest files, where a crash does its harm, and at some others."""
    size = ledger.history.size()
    newest = range(max(0, size - _SAMPLE), size)
    others = random.sample(range(newest.start), min(_SAMPLE, newest.start))
    chosen = ledger.at([*others, *newest])
    raw = home.raw_shelf()
    return [
        one.path for one in chosen if one.code != EXPIRED and raw.digest(one.path) != one.sha256
    ]
