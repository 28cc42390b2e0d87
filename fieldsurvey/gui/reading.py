"""What one throughput test says, reduced to what can be read at a glance.

The one place that decides which number, if any, is put on screen: the same for the panel, the map
and the strip chart. "No service" never gets a number.
"""

import statistics
from dataclasses import dataclass
from enum import StrEnum

from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.throughput import Measurement, Mode, Outcome, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import Confidence, Verdict

_BPS_PER_MBPS = 1e6


class Outlook(StrEnum):
    """The kinds of result; each has its own word, shape and colour."""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"
    NO_SERVICE = "no_service"
    SELF_LIMITED = "self_limited"  # our own side was the limit: says nothing about the place
    FAILED = "failed"  # our own fault or the server's, says nothing about the network
    NOT_TESTED = "not_tested"  # cancelled or not even tried


@dataclass(frozen=True, slots=True)
class Reading:
    """``mbps`` with its interval is in the layer the target is stated in, where there is one.

    What our own side limited has no ``mbps``: the rate stands apart, as payload, and is never
    drawn as the place's.
    """

    outlook: Outlook
    mbps: float | None = None
    low_mbps: float | None = None
    high_mbps: float | None = None
    target_mbps: float | None = None
    cause: Message | None = None  # why there is no rate
    confidence: Confidence | None = None  # None where nothing was judged
    limits: tuple[Message, ...] = ()  # of SELF_LIMITED: what they were
    self_limited_mbps: float | None = None


def reading_of(test: ThroughputTest) -> Reading:
    """Reduce ``test`` to what is shown of it."""
    measurement = test.measurement
    cause = message("cause.unknown" if measurement.cause is None else f"cause.{measurement.cause}")
    if test.no_service:
        return Reading(Outlook.NO_SERVICE, cause=cause)
    match measurement.outcome:
        case Outcome.FAILED:
            return Reading(Outlook.FAILED, cause=cause)
        case Outcome.SKIPPED:
            return Reading(Outlook.NOT_TESTED, cause=cause)
        case Outcome.CANCELLED:
            return Reading(Outlook.NOT_TESTED, cause=message("gui.cancelled"))
        case Outcome.COMPLETED:
            return _completed(test)


def _completed(test: ThroughputTest) -> Reading:
    download = test.measurement.phase(PhaseKind.DOWNLOAD)
    estimate = None if download is None else download.estimate
    judgement = test.judgement
    if test.measurement.mode is Mode.PING:
        return Reading(Outlook.NOT_TESTED, cause=_latency(test.measurement))
    if judgement is None:
        if limits := _limits(test.measurement):
            rate_mbps = None if estimate is None else estimate.rate_bps / _BPS_PER_MBPS
            return Reading(Outlook.SELF_LIMITED, limits=limits, self_limited_mbps=rate_mbps)
        if estimate is None:
            return Reading(Outlook.UNDECIDED, cause=message("gui.only_latency"))
        return Reading(
            Outlook.UNDECIDED,
            estimate.rate_bps / _BPS_PER_MBPS,
            estimate.low_bps / _BPS_PER_MBPS,
            estimate.high_bps / _BPS_PER_MBPS,
        )
    outlook = {
        Verdict.ABOVE: Outlook.ABOVE,
        Verdict.BELOW: Outlook.BELOW,
        Verdict.UNDECIDED: Outlook.UNDECIDED,
    }[judgement.verdict]
    low = high = None
    if (
        estimate is not None
        and estimate.rate_bps > 0
        and judgement.confidence is not Confidence.LOW  # too short for an interval worth the name
    ):
        # The estimate counts payload; the interval must stand in the layer of the number above it.
        to_target_layer = judgement.compared_bps / estimate.rate_bps / _BPS_PER_MBPS
        low = estimate.low_bps * to_target_layer
        high = estimate.high_bps * to_target_layer
    return Reading(
        outlook,
        judgement.compared_bps / _BPS_PER_MBPS,
        low,
        high,
        judgement.target.rate_bps / _BPS_PER_MBPS,
        confidence=judgement.confidence,
    )


def _limits(measurement: Measurement) -> tuple[Message, ...]:
    check = measurement.self_check
    return () if check is None else tuple(message(f"self_limit.{limit}") for limit in check.limits)


def _latency(measurement: Measurement) -> Message:
    idle = measurement.phase(PhaseKind.IDLE_LATENCY)
    if idle is None or not idle.round_trips_us:
        return message("gui.only_latency")
    ms = round(statistics.median(idle.round_trips_us) / 1000)
    return message("gui.latency_alone", ms=ms)
