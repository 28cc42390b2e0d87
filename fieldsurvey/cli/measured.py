"""What one measurement says, in sentences: its course first, its result last.

Pure. Must not call a test that our own side held back a verdict about the place.
"""

import statistics

from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.rates import mbps_text
from fieldsurvey.model.throughput import (
    Cause,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfLimit,
)


def course(measurement: Measurement, judgement: Judgement | None, language: str) -> list[Message]:
    """Return what was measured: latencies, rates with their intervals, bytes, our own side."""
    if measurement.mode is Mode.PING:
        return []  # its latency is its result
    said = [line for phase in measurement.phases for line in _of_phase(phase)]
    if judgement is not None:
        said.append(message(f"cli.confidence_{judgement.confidence.value}"))
    if measurement.wire_bytes:
        said.append(message("cli.data_used", megabytes=f"{measurement.wire_bytes / 1e6:.1f}"))
    limits = limits_of(measurement)
    if limits and measurement.outcome is Outcome.COMPLETED and judgement is not None:
        said.append(message("cli.self_limits", limits=_words(limits, language)))
    return said


def result(
    measurement: Measurement, judgement: Judgement | None, target_mbps: float, language: str
) -> Message:
    """Return the one sentence that answers the question."""
    if judgement is not None:
        return message(
            f"cli.verdict_{judgement.verdict.value}",
            mbps=mbps_text(judgement.compared_bps),
            target=f"{target_mbps:g}",
            layer=message(f"cli.layer_{judgement.target.layer.value}"),
        )
    if measurement.outcome is Outcome.COMPLETED and measurement.mode is Mode.PING:
        latencies = [line for phase in measurement.phases for line in _of_phase(phase)]
        return latencies[0] if latencies else message("cli.verdict_completed")
    limits = limits_of(measurement)
    if measurement.outcome is Outcome.COMPLETED and limits:
        return message("cli.verdict_self_limited", limits=_words(limits, language))
    if measurement.cause is Cause.SERVER_BUSY and measurement.retry_after_s is not None:
        return message("cli.verdict_busy", seconds=measurement.retry_after_s)
    cause = message(f"cause.{measurement.cause.value if measurement.cause else 'unknown'}")
    spoiled = measurement.outcome is Outcome.FAILED and not measurement.no_service
    word = "spoiled" if spoiled else measurement.outcome.value
    return message(f"cli.verdict_{word}", cause=cause)


def limits_of(measurement: Measurement) -> tuple[SelfLimit, ...]:
    """Return what of our own may have held the measurement back."""
    return measurement.self_check.limits if measurement.self_check else ()


def _of_phase(phase: Phase) -> list[Message]:
    kind = message(f"cli.phase_{phase.kind.value}")
    said = []
    if phase.estimate is not None:
        said.append(
            message(
                "cli.measured",
                phase=kind,
                mbps=mbps_text(phase.estimate.rate_bps),
                low=mbps_text(phase.estimate.low_bps),
                high=mbps_text(phase.estimate.high_bps),
                seconds=f"{phase.duration_us / 1e6:.1f}",
                megabytes=f"{phase.payload_bytes / 1e6:.1f}",
            )
        )
    if phase.round_trips_us:
        idle = phase.kind is PhaseKind.IDLE_LATENCY
        said.append(
            message(
                "cli.latency_idle" if idle else "cli.latency_loaded",
                phase=kind,
                ms=f"{statistics.median(phase.round_trips_us) / 1e3:.1f}",
                answers=len(phase.round_trips_us),
                lost=phase.round_trips_lost,
            )
        )
    return said


def _words(limits: tuple[SelfLimit, ...], language: str) -> str:
    return ", ".join(message(f"self_limit.{limit.value}").text(language) for limit in limits)
