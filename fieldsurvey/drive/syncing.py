"""Sends to HQ what a drive has recorded, while it drives, if this laptop is enrolled.

Gives way to throughput tests, and never holds up a drive: what goes wrong here is told in the strip
and tried again. Other surveys than the one that is open are left to ``fieldsurvey sync now``.
"""

import asyncio
import contextlib
import importlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fieldsurvey.drive.issued_check import check_issued
from fieldsurvey.model.clock import Clock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message
from fieldsurvey.radio.link_cost import metered
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.store_thread import StoreThread
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.profile import Profile
from fieldsurvey.sync.progress import SyncProgress
from fieldsurvey.sync.purge import purge

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SyncView:
    """``progress`` is None where nothing is sent; ``off`` then says why and what to do."""

    progress: SyncProgress | None
    off: Message | None = None


class Syncing:
    """``profile_path`` None: this laptop belongs to no HQ. ``busy``: a test has the link."""

    def __init__(
        self,
        profile_path: Path | None,
        store: StoreThread,
        clock: Clock,
        busy: Callable[[], bool],
    ) -> None:
        self.view = SyncView(None)
        self._profile = None if profile_path is None else Profile(profile_path)
        self._store = store
        self._clock = clock
        self._busy = busy
        self._syncer: Syncer | None = None
        self._reachable = False

    def note_reachable(self, reachable: bool) -> None:
        """Tell whether a server answered in this second: a link that is back is used at once."""
        if reachable and not self._reachable and self._syncer is not None:
            self._syncer.network_up()
        self._reachable = reachable

    async def run(self) -> None:
        """Send until cancelled; returns at once where there is no HQ to send to."""
        if self._profile is None:
            return
        try:
            enrolment, key = await asyncio.to_thread(self._profile.enrolled)
            transport = HttpTransport(enrolment.hq_url, enrolment.token, enrolment.ca_pem)
        except KnownError as error:
            self.view = SyncView(None, error.message)
            return
        # Before anything is sealed: loading it takes a moment that a window would feel.
        await asyncio.to_thread(importlib.import_module, "pyarrow.parquet")
        with contextlib.suppress(KnownError):  # a disk in trouble is told by the recorder
            now_utc_us = self._clock.utc_us()
            await asyncio.wrap_future(self._store.submit(lambda survey: purge(survey, now_utc_us)))
        async with transport:
            parts = Parts(
                self._profile,
                enrolment,
                key,
                transport,
                self._on_store,
                self._clock,
                lambda most: random.uniform(0.0, most),
                self._busy,
                lambda: asyncio.to_thread(metered),
                check_issued=check_issued,
            )
            self._syncer = Syncer(parts, self._told)
            await self._syncer.run()

    def _on_store(self, work: Callable[[Outbox], T], /) -> Awaitable[T]:
        return asyncio.wrap_future(self._store.submit(lambda survey: work(Outbox(survey))))

    def _told(self, progress: SyncProgress) -> None:
        self.view = SyncView(progress)
