"""What befalls laptops and HQ in a bad world besides their network, and when they die of it."""

import contextlib
import errno
import os
from collections.abc import Iterator
from enum import Enum
from typing import Any
from unittest import mock

from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.sync_network import Fault


class Event(Enum):
    """What happens besides the network, before the next request."""

    LAPTOP_DIES_BEFORE_COMMIT = "laptop: killed before a commit"
    LAPTOP_DIES_AFTER_COMMIT = "laptop: killed after a commit"
    LAPTOP_DISK_FULL = "laptop: the disk is full for a while"
    LAPTOP_COPIED = "laptop: somebody copies file and profile"
    LAPTOP_RESTORED = "laptop: the file is replaced by the copy"
    LAPTOP_CLONED = "laptop: the copy is used on a second laptop"
    LAPTOP_CLOCK_BACK = "laptop: clock back by fifty years"
    LAPTOP_CLOCK_AHEAD = "laptop: clock ahead by ten years"
    RECORDED = "laptop: more is recorded"
    HQ_DIES_AT_SYNC = "HQ: killed when it writes to the disk"
    HQ_DIES_BEFORE_COMMIT = "HQ: killed before a commit"
    HQ_DIES_AFTER_COMMIT = "HQ: killed after a commit"
    HQ_DISK_FULL = "HQ: the disk is full for a while"
    HQ_BACKUP = "HQ: a backup is made"
    HQ_RESTORED = "HQ: restored from the backup"
    HQ_OLDER = "HQ: goes back to a version that does not know our rows"
    HQ_NEWER = "HQ: is updated"
    HQ_MERGES = "HQ: merges what landed"
    REVOKED = "HQ: the device is revoked, and enrols again with another key"


Step = Fault | Event


class Dead(BaseException):
    """The process is gone at this point; nothing of it runs on."""


class Kills:
    """Where the next process dies, and which disk is full."""

    def __init__(self) -> None:
        self.laptop: Event | None = None
        self.hq: Event | None = None
        self.hq_after = 0  # so many more such moments survive
        self.in_hq = False
        self.laptop_full = 0
        self.hq_full = 0

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Put the moments of death into files and databases of both sides."""
        real_sync, real_transaction, real_write = (
            os.fsync,
            SurveyFile.transaction,
            LedgerDatabase.write,
        )

        def sync(handle: int) -> None:
            if self.in_hq and self.hq_full > 0:
                self.hq_full -= 1
                raise OSError(errno.ENOSPC, "No space left on device")
            self._hq(Event.HQ_DIES_AT_SYNC)
            real_sync(handle)

        @contextlib.contextmanager
        def transaction(survey: SurveyFile) -> Iterator[None]:
            if self.laptop_full > 0:
                self.laptop_full -= 1
                raise KnownError("store.disk_full", path=survey.path)
            with real_transaction(survey):
                yield
                self._laptop(Event.LAPTOP_DIES_BEFORE_COMMIT)
            self._laptop(Event.LAPTOP_DIES_AFTER_COMMIT)

        @contextlib.contextmanager
        def write(database: LedgerDatabase) -> Iterator[Any]:
            with real_write(database) as connection:
                yield connection
                self._hq(Event.HQ_DIES_BEFORE_COMMIT)
            self._hq(Event.HQ_DIES_AFTER_COMMIT)

        with (
            mock.patch.object(os, "fsync", sync),
            mock.patch.object(SurveyFile, "transaction", transaction),
            mock.patch.object(LedgerDatabase, "write", write),
        ):
            yield

    @contextlib.contextmanager
    def none(self) -> Iterator[None]:
        """Nobody dies on this laptop while the block lasts."""
        planned, self.laptop, full, self.laptop_full = self.laptop, None, self.laptop_full, 0
        yield
        self.laptop, self.laptop_full = planned, full

    def _laptop(self, moment: Event) -> None:
        if self.laptop is moment:
            self.laptop = None
            raise Dead

    def _hq(self, moment: Event) -> None:
        if self.in_hq and self.hq is moment:
            self.hq_after -= 1
            if self.hq_after < 0:
                self.hq = None
                raise Dead
