"""What happens before a load, over the connection for pings: a wake-up, and idle round trips.

Must not say anything against a network because of a connection kept from before: whether one was
used is told with the result, so that it can be tried again without.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fieldsurvey.model.throughput import MeasurementPlan, Phase, PhaseKind
from fieldsurvey.throughput.link import Link
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.wake_up import wake_up

ElapsedUs = Callable[[], int]  # since the start of the test


@dataclass(frozen=True, slots=True)
class Attempt:
    """A phase, what ended it early, and whether a kept connection may be to blame for that."""

    phase: Phase
    trouble: BaseException | None
    on_kept: bool = False


async def wake_up_once(link: Link, pinger: Pinger, elapsed_us: ElapsedUs) -> Attempt:
    """Wake the radio up. Silence is no trouble here: the next phase meets it, and waits longer."""
    offset_us = elapsed_us()
    trouble: BaseException | None = None
    try:
        await link.open(pinger)
        await wake_up(pinger)
    except BaseException as error:  # noqa: BLE001 - the caller raises it again
        trouble = error
    ending = Ending.of(trouble)
    phase = Phase(
        kind=PhaseKind.WAKE_UP,
        start_offset_us=offset_us,
        duration_us=elapsed_us() - offset_us,
        payload_bytes=pinger.wire_bytes,
        connections=1,
        outcome=ending.outcome,
        cause=ending.cause,
    )
    if trouble is None and pinger.round_trips_us:
        link.keep(pinger.release())
    else:
        pinger.close()
        link.drop_kept()
    return Attempt(phase, trouble)


async def idle_once(
    link: Link, pinger: Pinger, plan: MeasurementPlan, elapsed_us: ElapsedUs
) -> Attempt:
    """Make the plan's idle round trips."""
    offset_us = elapsed_us()
    trouble: BaseException | None = None
    try:
        await link.open(pinger)
        await pinger.round_trips(plan.idle_pings, plan.stall_timeout_us)
    except BaseException as error:  # noqa: BLE001 - the caller raises it again
        trouble = error
    ending = Ending.of(trouble)
    phase = Phase(
        kind=PhaseKind.IDLE_LATENCY,
        start_offset_us=offset_us,
        duration_us=elapsed_us() - offset_us,
        connections=1,
        round_trips_us=tuple(pinger.round_trips_us),
        round_trips_lost=pinger.unanswered() if ending.cause else 0,
        outcome=ending.outcome,
        cause=ending.cause,
    )
    if trouble is None:
        link.keep(pinger.release())
    else:
        pinger.close()
    return Attempt(phase, trouble, link.is_reused(pinger) and not pinger.round_trips_us)
