"""One HQ with all its parts in one process, for the server and for the commands alike."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from fieldsurvey.hq.audit_seal import seal
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.landing import Landing
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.log import MerkleLog
from fieldsurvey.model.clock import Clock
from fieldsurvey.wire.keys import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Station:
    """What belongs together; its parts may be used from any thread."""

    home: Home
    clock: Clock
    key: Ed25519PrivateKey
    ledger: Ledger
    log: MerkleLog
    landing: Landing


@contextmanager
def open_station(home: Home, clock: Clock, max_batch_bytes: int | None = None) -> Iterator[Station]:
    """Open HQ's parts; seal the audit log and close them when the block ends.

    Raises KnownError as :class:`Home` and :class:`Ledger` do.
    """
    key = home.key()
    ledger = home.ledger()
    landing = Landing(
        home, ledger, key, clock.utc_us, max_batch_bytes or home.settings.max_batch_bytes
    )
    try:
        yield Station(home, clock, key, ledger, MerkleLog(ledger, key, home.log), landing)
    finally:
        landing.close()
        with suppress(OSError, SQLAlchemyError):  # what is not sealed now is sealed next time
            seal(ledger, key, home.log)
        ledger.close()
