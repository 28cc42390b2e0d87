"""One round of sending: up to four batches in flight, until nothing waits or HQ is out of reach.

Oldest first, but nothing holds up what comes behind it: a batch that failed is not tried again in
the same round, and one that failed three times steps back for a while. In flight is memory only;
whatever happens in between, the same bytes are simply sent again.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.messages import message
from fieldsurvey.store.outbox import BatchId, Outbox, OutboxProgress
from fieldsurvey.sync.answers import (
    Busy,
    Delivered,
    NotOurServer,
    OtherHq,
    Refused,
    TooOld,
    Trouble,
    Unauthorised,
    Unreachable,
    meaning_of_put,
)
from fieldsurvey.sync.backoff import BASE_S, CAP_S
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.policy import REQUEST_BYTES, fits
from fieldsurvey.sync.progress import describe
from fieldsurvey.sync.quiet import unless_busy
from fieldsurvey.sync.reconcile import deliver
from fieldsurvey.sync.seal import seal_next
from fieldsurvey.sync.transport import TransportError
from fieldsurvey.wire.batch import SealedBatch, parse_batch
from fieldsurvey.wire.canonical import WireError

MOST_REFUSALS = 3
MOST_FAILURES_IN_A_ROW = 3
MOST_STRIKES = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch about to be sent, charged to the budget already."""

    batch: BatchId
    sealed: SealedBatch


class Grudges:
    """What is remembered of single batches between rounds; a restart forgets it harmlessly."""

    def __init__(self) -> None:
        self.refusals: Counter[BatchId] = Counter()
        self._strikes: Counter[BatchId] = Counter()
        self._not_before_us: dict[BatchId, int] = {}

    def strike(self, batch: BatchId, now_mono_us: int) -> None:
        """A batch did not get through though HQ had answered: after three times it steps back."""
        self._strikes[batch] += 1
        strikes = self._strikes[batch]
        if strikes >= MOST_STRIKES:
            wait_s = min(CAP_S, BASE_S * 2 ** min(strikes, 10))
            self._not_before_us[batch] = now_mono_us + int(wait_s * US_PER_S)

    def stepped_back(self, now_mono_us: int) -> set[BatchId]:
        """Return what must not be tried yet."""
        return {batch for batch, until_us in self._not_before_us.items() if until_us > now_mono_us}

    def forget(self, batch: BatchId) -> None:
        """The batch was delivered."""
        for memory in (self.refusals, self._strikes, self._not_before_us):
            memory.pop(batch, None)

    def forgive(self) -> None:
        """The network came back: everything may be tried."""
        self._strikes.clear()
        self._not_before_us.clear()


class SendingRound:
    """``most_in_flight`` as HQ wishes; rows up to ``seal_upto`` are sealed when their turn comes.
    ``told`` hears of every delivery. ``over_budget``: somebody asked to send whatever it costs;
    it is charged all the same.
    """

    def __init__(
        self,
        parts: Parts,
        grudges: Grudges,
        told: Callable[[OutboxProgress], None],
        *,
        most_in_flight: int,
        seal_upto: int,
        over_budget: bool = False,
    ) -> None:
        self._parts = parts
        self._grudges = grudges
        self._told = told
        self._most_in_flight = most_in_flight
        self._seal_upto = seal_upto
        self._over_budget = over_budget
        self._taking = asyncio.Lock()
        self._tried: set[BatchId] = set()  # in this round; under way ones as well
        self._failures_in_a_row = 0
        self._stopped = False
        self.delivered = 0
        self.budget_spent = False
        self.trouble: Trouble | None = None  # the last one

    async def run(self) -> None:
        """Send. ``trouble`` and ``budget_spent`` say what kept batches back, if anything did.

        Raises TestRuns, and KnownError from the survey file or the profile.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(self._most_in_flight)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while not self._stopped:
            async with self._taking:
                parcel = await self._parts.on_store(self._take)
            if parcel is None:
                return
            await self._send(parcel)

    async def _send(self, parcel: Parcel) -> None:
        header = parcel.sealed.header
        put = self._parts.transport.put(
            header.device, header.epoch, header.batch_no, parcel.sealed.content
        )
        meaning: Delivered | Trouble
        try:
            answer = await unless_busy(self._parts.busy, put)
            meaning = meaning_of_put(answer, parcel.sealed, self._parts.enrolment.hq_key)
        except TransportError as error:
            meaning = Unreachable(error.cause, error.detail)
        if isinstance(meaning, Delivered):
            acknowledge = functools.partial(self._acknowledge, parcel, meaning)
            counted = await self._parts.on_store(acknowledge)
            self.delivered += 1
            self._told(counted)
            self._failures_in_a_row = 0
            return
        self.trouble = meaning
        match meaning:
            case Refused():
                await self._parts.on_store(functools.partial(self._refused, parcel, meaning))
            case Unauthorised() | TooOld() | Busy():
                self._stopped = True
            case NotOurServer() | OtherHq() | Unreachable():
                self._grudges.strike(parcel.batch, self._parts.clock.mono_us())
                self._failures_in_a_row += 1
                self._stopped |= self._failures_in_a_row >= MOST_FAILURES_IN_A_ROW

    # -- on the store thread --------------------------------------------------------------------

    def _take(self, outbox: Outbox) -> Parcel | None:
        """Return the next batch to send, sealed now if need be, and charge the budget for it."""
        while (batch := self._next(outbox)) is not None:
            self._tried.add(batch)
            content = outbox.content(batch)
            now_utc_us = self._parts.clock.utc_us()
            if content is None:
                outbox.park(batch, message("sync.content_gone"), now_utc_us)
                continue
            try:
                sealed = parse_batch(content)
            except WireError as error:
                outbox.park(batch, message("sync.batch_damaged", detail=error), now_utc_us)
                continue
            if not self._charge(len(content) + REQUEST_BYTES, now_utc_us):
                self.budget_spent = self._stopped = True
                return None
            return Parcel(batch, sealed)
        return None

    def _next(self, outbox: Outbox) -> BatchId | None:
        stepped_back = self._grudges.stepped_back(self._parts.clock.mono_us())
        skip = self._tried | stepped_back
        waiting = outbox.waiting(1, skip)
        if waiting:
            return waiting[0]
        if outbox.progress().sealed_rows >= self._seal_upto:
            return None
        sealed = seal_next(
            outbox,
            self._parts.enrolment.device,
            self._parts.key,
            self._parts.clock.utc_us(),
            self._parts.new_epoch,
        )
        return None if sealed is None else BatchId(sealed.header.epoch, sealed.header.batch_no)

    def _charge(self, cost_bytes: int, now_utc_us: int) -> bool:
        """Charge what is about to be sent; False if the day's budget has no room for it."""
        spent = self._parts.profile.spent().plus(cost_bytes, now_utc_us)
        if not self._over_budget and not fits(spent, self._parts.enrolment.budget_bytes_per_day):
            return False
        self._parts.profile.keep_spent(spent)
        return True

    def _acknowledge(self, parcel: Parcel, delivered: Delivered, outbox: Outbox) -> OutboxProgress:
        deliver(
            outbox,
            parcel.batch,
            delivered.receipt,
            self._parts.enrolment.device,
            self._parts.clock.utc_us(),
            self._parts.new_epoch,
        )
        self._grudges.forget(parcel.batch)
        return outbox.progress()

    def _refused(self, parcel: Parcel, refused: Refused, outbox: Outbox) -> None:
        """Three times: what was damaged on the way arrives whole the next time."""
        _, reason = describe(refused)
        now_utc_us = self._parts.clock.utc_us()
        outbox.note_failure(parcel.batch, reason, now_utc_us)
        self._grudges.refusals[parcel.batch] += 1
        if self._grudges.refusals[parcel.batch] >= MOST_REFUSALS:
            outbox.park(parcel.batch, reason, now_utc_us)
            del self._grudges.refusals[parcel.batch]
