"""Brings a survey to HQ, for as long as it takes.

Driven by a timer and never by new rows alone: when the network is back, what waits goes out though
nobody drives any more. It never gives up and never deletes; whatever goes wrong, the next round
begins with asking who is there.
"""

import asyncio
import contextlib
from collections.abc import Callable

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.store.codec import message_to_json
from fieldsurvey.store.outbox import Outbox, OutboxProgress
from fieldsurvey.sync.answers import Busy, TooOld, Trouble, Unauthorised
from fieldsurvey.sync.backoff import Backoff
from fieldsurvey.sync.checking import check
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.policy import Policy, allows
from fieldsurvey.sync.profile import Outcome
from fieldsurvey.sync.progress import SyncProgress, SyncState, describe, progress_of
from fieldsurvey.sync.pulling import pull
from fieldsurvey.sync.quiet import TestRuns
from fieldsurvey.sync.seal import MAX_ROWS
from fieldsurvey.sync.sending import Grudges, SendingRound
from fieldsurvey.wire.answers import Hello

MOST_IN_FLIGHT = 4
PERIOD_S = 15.0  # between looks for something to send
SEAL_AFTER_S = 60.0
CHECK_S = 600.0  # between looks at what HQ holds, while something is not durable there
CHECK_ALL_DURABLE_S = 3600.0
TEST_LOOK_S = 1.0
BUDGET_LOOK_S = 600.0  # until it is another day
UNPARK_S = 6 * 3600.0
PULL_S = 3600.0  # between looks at what HQ has issued
PULL_AGAIN_S = 600.0  # after one that did not bring all of it
REPAIR_S = 900.0  # until somebody enrols or updates, HQ need not hear from us often
FRUITLESS_ROUNDS = 3  # of somebody who waits for "sync now"


class Syncer:
    """Sends one survey. ``progress`` is its state at any moment; ``told`` hears of each change."""

    def __init__(
        self, parts: Parts, told: Callable[[SyncProgress], None] = lambda progress: None
    ) -> None:
        self.progress = SyncProgress()
        self._parts = parts
        self._told = told
        self._backoff = Backoff(parts.clock, parts.random)
        self._grudges = Grudges()
        self._wake = asyncio.Event()
        self._counted: OutboxProgress | None = None
        self._state = SyncState.IDLE
        self._last_error: Message | None = None
        self._last_success_utc_us: int | None = None
        self._kept: Outcome | None = None  # None: not read yet
        self._log_broken = False
        self._budget_spent = False
        self._most_in_flight = MOST_IN_FLIGHT
        self._next_check_us: int | None = None  # None: before anything else
        self._next_unpark_us = parts.clock.mono_us()
        self._next_pull_us = self._next_unpark_us
        self._unsealed_since_us: int | None = None

    def network_up(self) -> None:
        """A link appeared: do not wait any longer. On the loop's thread."""
        self._backoff.reset()
        self._grudges.forgive()
        self._next_check_us = None
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            wait_s = await self.round()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s / self._parts.clock.speed):
                    await self._wake.wait()
            self._wake.clear()

    async def drain(self, *, over_budget: bool = False) -> SyncProgress:
        """Send all there is because somebody asked, whatever the policy says.

        Returns when HQ has signed for everything it can get now, or is out of reach; the progress
        says which.
        """
        self.network_up()
        self._next_unpark_us = self._parts.clock.mono_us()
        fruitless = 0
        while True:
            before = self.progress.acknowledged_rows
            await self.round(asked=True, over_budget=over_budget)
            if self.progress.acknowledged_rows > before:
                fruitless = 0
            else:
                fruitless += 1
            if not self._can_go_on() or fruitless >= FRUITLESS_ROUNDS:
                return self.progress
            await self._parts.clock.sleep(self._backoff.wait_s)

    def _can_go_on(self) -> bool:
        now = self.progress
        waits = now.sealed_rows < now.recorded_rows or now.waiting_batches > 0
        return waits and self._state in (
            SyncState.IDLE,
            SyncState.WAITING,
            SyncState.NOT_OUR_SERVER,
        )

    async def round(self, *, asked: bool = False, over_budget: bool = False) -> float:
        """Do what can be done now; return after how many seconds to look again."""
        try:
            await self._count()
            wait_s = await self._round(asked=asked, over_budget=over_budget)
        except KnownError as error:  # of the survey file or the profile; nothing is half-written
            self._backoff.fail()
            self._state, self._last_error = SyncState.WAITING, error.message
            self._tell()
            return self._backoff.wait_s
        return wait_s

    async def _round(self, *, asked: bool, over_budget: bool) -> float:
        policy = self._parts.enrolment.policy
        if not asked and not allows(policy, await self._metered()):
            off = policy is Policy.OFF
            await self._end(
                SyncState.OFF if off else SyncState.WAITING,
                message("sync.policy_off" if off else "sync.metered"),
            )
            return PERIOD_S
        if self._backoff.wait_s > 0:
            return self._backoff.wait_s
        try:
            await self._unpark_when_due()
            trouble = await self._check_when_due()
            if trouble is None:
                trouble = await self._send(asked=asked, over_budget=over_budget)
            if trouble is None:
                await self._pull_when_due(asked=asked, over_budget=over_budget)
        except TestRuns:
            await self._end(SyncState.TESTING, self._last_error)
            return TEST_LOOK_S
        return await self._conclude(trouble)

    async def _metered(self) -> bool | None:
        if self._parts.enrolment.policy is not Policy.UNMETERED:
            return None  # it would make no difference
        return await self._parts.metered()

    async def _conclude(self, trouble: Trouble | None) -> float:
        if trouble is None:
            self._backoff.reset()
            if self._budget_spent:
                await self._end(SyncState.BUDGET, message("sync.budget_spent"))
                return BUDGET_LOOK_S
            await self._end(SyncState.IDLE, self._advice())
            return PERIOD_S
        self._next_check_us = None
        match trouble:
            case Busy(retry_after_s):
                self._backoff.fail(retry_after_s)
            case Unauthorised() | TooOld():
                self._backoff.fail(REPAIR_S)
            case _:
                self._backoff.fail()
        await self._end(*describe(trouble))
        return self._backoff.wait_s

    # -- the steps of a round -------------------------------------------------------------------

    async def _unpark_when_due(self) -> None:
        """What HQ refused is tried again now and then: HQ, or what lies between, may be mended."""
        now_us = self._parts.clock.mono_us()
        if now_us >= self._next_unpark_us:
            self._next_unpark_us = now_us + int(UNPARK_S * US_PER_S)
            await self._parts.on_store(lambda outbox: outbox.unpark_all())
            await self._count()

    async def _check_when_due(self) -> Trouble | None:
        now_us = self._parts.clock.mono_us()
        if self._next_check_us is not None and now_us < self._next_check_us:
            return None
        if self.progress.recorded_rows == 0:
            return None
        hello = await check(self._parts)
        if not isinstance(hello, Hello):
            return hello
        self._most_in_flight = max(1, min(MOST_IN_FLIGHT, hello.max_in_flight))
        self._last_success_utc_us = self._parts.clock.utc_us()
        await self._count()  # HQ may have lost something
        durable = self.progress.durable_rows == self.progress.recorded_rows
        period_s = CHECK_ALL_DURABLE_S if durable else CHECK_S
        self._next_check_us = now_us + int(period_s * US_PER_S)
        return None

    async def _send(self, *, asked: bool, over_budget: bool) -> Trouble | None:
        self._budget_spent = False
        seal_upto = self._seal_upto(asked=asked)
        if self.progress.waiting_batches == 0 and seal_upto <= self.progress.sealed_rows:
            return None
        self._state = SyncState.SENDING
        self._tell()
        sending = SendingRound(
            self._parts,
            self._grudges,
            self._delivered,
            most_in_flight=self._most_in_flight,
            seal_upto=seal_upto,
            over_budget=over_budget,
        )
        try:
            await sending.run()
        finally:
            if sending.delivered:
                self._backoff.reset()
            self._budget_spent = sending.budget_spent
        await self._count()
        return sending.trouble

    async def _pull_when_due(self, *, asked: bool, over_budget: bool) -> None:
        """What HQ gives comes last and keeps nothing back: its troubles are nobody's."""
        now_us = self._parts.clock.mono_us()
        check = self._parts.check_issued
        if check is None or (now_us < self._next_pull_us and not asked):
            return
        done = False
        with contextlib.suppress(KnownError):  # of its folder: `sync status` tells it too
            done = await pull(self._parts, check, over_budget=over_budget)
        self._next_pull_us = now_us + int((PULL_S if done else PULL_AGAIN_S) * US_PER_S)

    def _seal_upto(self, *, asked: bool) -> int:
        """Return how many rows to seal: none, or all there are now. Rows wait for a minute, so that
        a batch is worth its header, unless there are enough."""
        unsealed = self.progress.recorded_rows - self.progress.sealed_rows
        waited_us = self._parts.clock.mono_us() - (self._unsealed_since_us or 0)
        if not asked and unsealed < MAX_ROWS and waited_us < SEAL_AFTER_S * US_PER_S:
            return 0
        self._unsealed_since_us = None
        return self.progress.recorded_rows

    def _note_unsealed(self) -> None:
        if self.progress.recorded_rows == self.progress.sealed_rows:
            self._unsealed_since_us = None
        elif self._unsealed_since_us is None:
            self._unsealed_since_us = self._parts.clock.mono_us()

    # -- what there is to tell ------------------------------------------------------------------

    def _advice(self) -> Message | None:
        """Return what somebody should know although nothing failed just now."""
        if self.progress.parked_batches:
            return message("sync.parked", batches=self.progress.parked_batches)
        return self._last_error if self.progress.waiting_batches else None

    def _delivered(self, counted: OutboxProgress) -> None:
        self._counted = counted
        self._last_success_utc_us = self._parts.clock.utc_us()
        self._tell()

    async def _end(self, state: SyncState, error: Message | None) -> None:
        """Say how a round ended, and remember it for whoever asks with no round running."""
        self._state, self._last_error = state, error
        outcome = Outcome(
            self._last_success_utc_us, None if error is None else message_to_json(error)
        )
        if outcome != self._kept:
            self._kept = outcome
            await self._parts.on_store(lambda _: self._parts.profile.keep_outcome(outcome))
        self._tell()

    async def _count(self) -> None:
        profile = self._parts.profile
        if self._kept is None:
            self._kept = await self._parts.on_store(lambda _: profile.outcome())
            self._last_success_utc_us = self._kept.last_success_utc_us

        def count(outbox: Outbox) -> tuple[OutboxProgress, bool]:
            return outbox.progress(), profile.log_broken()

        self._counted, self._log_broken = await self._parts.on_store(count)
        self._tell()
        self._note_unsealed()

    def _tell(self) -> None:
        if self._counted is None:
            return
        progress = progress_of(
            self._counted,
            self._state,
            self._last_success_utc_us,
            self._last_error,
            log_broken=self._log_broken,
        )
        if progress != self.progress:
            self.progress = progress
            self._told(progress)
