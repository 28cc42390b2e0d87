"""A paced download over a link of known capacity, fast enough for thousands of tests in seconds.

A fluid model in steps of 10 ms, many tests at once. Each of four connections starts with ten
segments, doubles with every round trip until the queue overflows, then follows CUBIC (RFC 9438):
0.7 of the window, and back along the cubic curve. The queue holds 100 ms of the link and drops the
rest. Bytes are counted when they come, as Linux tells; or, ``in_order``, as other systems hand
them on: after a drop nothing until the lost bytes have come again, one round trip later or (one in
five times) two or three, then all at once. Radio noise within the recorded seconds is lognormal
AR(1).

What it leaves out: BBR's way of probing, acknowledgements that get lost, the machine itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldsurvey.model.throughput import (
    BIN_WIDTH_US,
    Bins,
    Estimate,
    Measurement,
    MeasurementPlan,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.model.verdict import Target, Verdict
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.judge import judge
from fieldsurvey.throughput.link_trace import LinkTrace
from fieldsurvey.throughput.stop_rule import stop_rule_for

STEP_S = 0.01
STEPS_PER_BIN = round(BIN_WIDTH_US / 1e6 / STEP_S)
SEGMENT_BYTES = 1448
CONNECTIONS = 4
QUEUE_S = 0.1
SMALLEST_QUEUE_BYTES = 30_000

Floats = npt.NDArray[np.float64]


def noise(
    rng: np.random.Generator, tests: int, steps: int, variation: float, memory: float
) -> Floats:
    """Return lognormal factors of mean 1, new every 50 ms; ``memory`` is what is left of a
    deviation after 250 ms. Shape (tests, steps)."""
    bins = -(-steps // STEPS_PER_BIN)
    keep = memory ** (BIN_WIDTH_US / 250_000)
    values = rng.normal(size=(tests, bins))
    for i in range(1, bins):
        values[:, i] = keep * values[:, i - 1] + math.sqrt(1 - keep**2) * values[:, i]
    sigma = math.sqrt(math.log(1 + variation**2))
    factors = np.exp(sigma * values - sigma**2 / 2)
    return np.repeat(factors, STEPS_PER_BIN, axis=1)[:, :steps]


def capacity_of(trace: LinkTrace, starts_s: Sequence[float], steps: int) -> Floats:
    """Return bit/s per step of stretches of a recorded link. Shape (starts, steps)."""
    return np.array(
        [
            np.diff([trace.bits_until(start_s + i * STEP_S) for i in range(steps + 1)]) / STEP_S
            for start_s in starts_s
        ]
    )


def download_bins(
    rng: np.random.Generator,
    capacity_bps: Floats,
    round_trip_s: float,
    pace_bps: float = 0,
    *,
    in_order: bool = False,
) -> npt.NDArray[np.int64]:
    """Return the bytes per bin of 50 ms that a client counts. Shape (tests, bins).

    ``capacity_bps`` has the shape (tests, steps); ``pace_bps`` bounds all connections together.
    """
    tests, steps = capacity_bps.shape
    trip = max(round(round_trip_s / STEP_S), 1)
    shape = (tests, CONNECTIONS)
    window = np.full(shape, 10.0 * SEGMENT_BYTES)
    largest = window.copy()
    slow_start = np.ones(shape, dtype=bool)
    cut_s = np.zeros(shape)  # when the window was last cut
    calm_s = np.zeros(shape)  # until when a further drop belongs to the same loss
    held_from_s, held_until_s = np.full(shape, math.inf), np.zeros(shape)
    in_flight, queue, held = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    passed = np.zeros((steps + trip + 1, *shape))  # what left the queue, by step
    received = np.zeros((tests, steps))
    pace_bytes = pace_bps / 8 * STEP_S / CONNECTIONS if pace_bps else math.inf
    for step in range(steps):
        now_s = step * STEP_S
        link_bytes = capacity_bps[:, step, None] / 8 * STEP_S
        if step >= trip // 2:  # the request has arrived
            acknowledged = passed[step - trip] if step >= trip else 0.0
            in_flight -= acknowledged
            since_s = now_s - cut_s
            back_s = np.cbrt(largest * 0.3 / (0.4 * SEGMENT_BYTES))
            cubic = largest + 0.4 * SEGMENT_BYTES * (since_s - back_s) ** 3
            window = np.where(slow_start, window + acknowledged, np.maximum(window, cubic))
            sent = np.clip(window - in_flight, 0.0, pace_bytes)
            room = np.maximum(link_bytes / STEP_S * QUEUE_S, SMALLEST_QUEUE_BYTES)
            excess = np.maximum((queue + sent).sum(axis=1, keepdims=True) - room, 0.0)
            dropped = np.minimum(
                sent, excess * sent / np.maximum(sent.sum(axis=1, keepdims=True), 1)
            )
            queue += sent - dropped
            in_flight += sent - dropped
            waiting_s = queue.sum(axis=1, keepdims=True) / np.maximum(link_bytes, 1) * STEP_S
            waiting_s = np.minimum(waiting_s, 1.0)
            lost = (dropped > SEGMENT_BYTES / 2) & (now_s >= calm_s)
            largest = np.where(lost, window, largest)
            window = np.where(lost, window * 0.7, window)
            slow_start &= ~lost
            cut_s = np.where(lost, now_s, cut_s)
            calm_s = np.where(lost, now_s + round_trip_s + waiting_s, calm_s)
            rounds = rng.choice([1, 2, 3], p=[0.8, 0.15, 0.05], size=shape)
            first_s = now_s + waiting_s
            held_from_s = np.where(lost & (now_s >= held_until_s), first_s, held_from_s)
            repaired_s = first_s + rounds * (round_trip_s + waiting_s)
            held_until_s = np.where(lost, np.maximum(held_until_s, repaired_s), held_until_s)
        total = queue.sum(axis=1, keepdims=True)
        out = queue * np.minimum(link_bytes / np.maximum(total, 1e-9), 1.0)
        queue -= out
        passed[step] = out
        holding = (now_s >= held_from_s) & (now_s < held_until_s) & in_order
        handed_on = np.where(holding, 0.0, out + held)
        held = np.where(holding, held + out, 0.0)
        arrival = step + trip - trip // 2
        if arrival < steps:
            received[:, arrival] = handed_on.sum(axis=1)
    bins = steps // STEPS_PER_BIN
    whole = received[:, : bins * STEPS_PER_BIN].reshape(tests, bins, STEPS_PER_BIN)
    counts: npt.NDArray[np.int64] = whole.sum(axis=2).round().astype(np.int64)
    return counts


@dataclass(frozen=True, slots=True)
class Played:
    """One test as the engine would have ended it, and the truth of its own stretch."""

    truth_bps: float
    verdict: Verdict
    estimate: Estimate | None
    duration_s: float
    spent_bytes: int
    reason: str

    def is_far(self, target_bps: float) -> bool:
        return abs(self.truth_bps / target_bps - 1) >= 0.15

    def is_wrong(self, target_bps: float) -> bool:
        if self.verdict is Verdict.UNDECIDED:
            return False
        return (self.verdict is Verdict.ABOVE) != (self.truth_bps > target_bps)

    def holds_the_truth(self, pace_bps: float) -> bool:
        """Tell whether the interval does; an upper end at the pace means "or more"."""
        if self.estimate is None:
            return False
        high = self.estimate.high_bps
        open_above = bool(pace_bps) and high >= 0.99 * pace_bps
        return self.estimate.low_bps <= self.truth_bps and (self.truth_bps <= high or open_above)


def play(
    plan: MeasurementPlan,
    target: Target,
    byte_counts: Sequence[int],
    capacity_bps: Floats,
    round_trip_s: float,
) -> Played:
    """Look at the bins one after the other, as a load does, and end where the plan's rule says."""
    estimator = BatchMeanEstimator(plan.pace_bps)
    rule = stop_rule_for(plan, PhaseKind.DOWNLOAD, SEGMENT_BYTES)
    estimate, reason, seen, spent = None, "", 0, 0
    counts = [int(count) for count in byte_counts]
    while not reason:
        spent += counts[seen]
        seen += 1
        estimate = estimator.estimate(
            counts[:seen], BIN_WIDTH_US, plan.ramp_max_us, round(round_trip_s * 1e6)
        )
        if spent >= plan.max_bytes:
            reason = "bytes"
        elif seen * BIN_WIDTH_US >= plan.max_duration_us:
            reason = "time"
        elif estimate is not None:
            reason = rule.reason(estimate) or ""
    duration_us = seen * BIN_WIDTH_US
    phase = Phase(
        PhaseKind.DOWNLOAD,
        0,
        duration_us,
        spent,
        CONNECTIONS,
        Bins(tuple(counts[:seen])),
        estimate,
    )
    measurement = Measurement(
        plan.protocol,
        plan.mode,
        plan.server_url,
        Outcome.COMPLETED,
        duration_us,
        spent,
        (phase,),
        mss_bytes=SEGMENT_BYTES,
        ip_version=4,
        pace_bps=plan.pace_bps,
    )
    judgement = judge(measurement, target)
    return Played(
        truth_bps=float(capacity_bps[: seen * STEPS_PER_BIN].mean()),
        verdict=judgement.verdict if judgement else Verdict.UNDECIDED,
        estimate=estimate,
        duration_s=duration_us / 1e6,
        spent_bytes=min(spent, plan.max_bytes),
        reason=reason,
    )
