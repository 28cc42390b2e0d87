"""A little traffic before the clock starts: a radio that sleeps needs up to 300 ms to wake up.

Must not judge: whether anything answers is for the phases to say. Must stay small: it is spent
before every test.
"""

import asyncio
import time

from fieldsurvey.throughput.pinger import Pinger

LONGEST_S = 0.3
MOST_BYTES = 100_000
_INTERVAL_S = 0.015
_PADDING = "&wake=" + "z" * 1024  # a radio opens up for what waits to be sent
_ANSWER_BYTES = 1024  # more than any is
_LEVEL_ANSWERS = 3
_LEVEL_RATIO = 1.3
_LEVEL_US = 10_000  # what an awake radio's schedule makes of it


async def wake_up(pinger: Pinger) -> None:
    """Ask until the answers come evenly: at most 300 ms and 100 KB. Then wait for the last ones.

    They are waited for because a connection that still owes answers is of no more use.
    """
    pinger.padding = _PADDING
    until_s = time.monotonic() + LONGEST_S
    while time.monotonic() < until_s and not _is_level(pinger.round_trips_us):
        due_bytes = (1 + pinger.unanswered()) * (len(_PADDING) + _ANSWER_BYTES)
        if pinger.wire_bytes + due_bytes < MOST_BYTES:
            pinger.ask()
        await asyncio.sleep(_INTERVAL_S)
    if pinger.round_trips_us:
        await pinger.drained(LONGEST_S)


def _is_level(round_trips_us: list[int]) -> bool:
    """Return whether the newest round trips are about as short as any."""
    latest = round_trips_us[-_LEVEL_ANSWERS:]
    highest_us = _LEVEL_RATIO * min(round_trips_us, default=0) + _LEVEL_US
    return len(latest) == _LEVEL_ANSWERS and max(latest) < highest_us
