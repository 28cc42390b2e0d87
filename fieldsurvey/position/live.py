"""Runs a real receiver: opens its link, decodes, watches, and reconnects for ever.

Must not give up, and must not hold on to a port after it was cancelled.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from fieldsurvey.model.clock import US_PER_S, Clock
from fieldsurvey.position.stream import Decoder, Link, LinkError, moment
from fieldsurvey.position.watch import Report, Watch

TICK_S = 0.5
REOPEN_AFTER_S = 15.0  # a half-open TCP connection or a hung USB driver never wakes by itself
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0  # a replugged receiver should not be waited for longer than it boots


class LiveSource:
    """A link and the decoder for what it carries, behind the ``PositionSource`` protocol."""

    replayed = False
    due_us = None

    def __init__(
        self, uri: str, name: str, clock: Clock, link: Link, new_decoder: Callable[[], Decoder]
    ) -> None:
        self.uri = uri
        self._name = name
        self._clock = clock
        self._link = link
        self._new_decoder = new_decoder

    async def reports(self) -> AsyncIterator[Report]:
        """See ``PositionSource``."""
        watch = Watch(self._name, moment(self._clock))
        pause_s = FIRST_PAUSE_S
        while True:
            decoder = self._new_decoder()
            try:
                await self._link.open()
                watch.connected(moment(self._clock))
                while watch.silent_for_us(moment(self._clock)) < REOPEN_AFTER_S * US_PER_S:
                    for report in await self._listen(decoder, watch):
                        yield report
                    if decoder.understood:
                        pause_s = FIRST_PAUSE_S
            except LinkError as error:
                now = moment(self._clock)
                for report in watch.take(decoder.flush(), now) + watch.gone(error.message, now):
                    yield report
            finally:
                self._link.close()
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _listen(self, decoder: Decoder, watch: Watch) -> list[Report]:
        """Wait for bytes, at most a tick."""
        quiet_s = decoder.quiet_s
        wait_s = TICK_S if quiet_s is None else quiet_s
        understood = decoder.understood
        try:
            async with asyncio.timeout(wait_s / self._clock.speed):
                arrival = await self._link.read()
        except TimeoutError:
            statements, now = decoder.flush(), moment(self._clock)
        else:
            statements, now = decoder.feed(arrival), arrival.at
            watch.heard(now, decoder.understood > understood)
        return watch.take(statements, now) + watch.tick(now, decoder.receiver_gone)
