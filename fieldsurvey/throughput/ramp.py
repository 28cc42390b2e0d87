"""Finds where a link has finished speeding up, so that slow start is not taken for the rate.

Must not be fixed: on a short road the ramp costs 0.2 s, on a long one 1 s, and what is left out is
what an estimate has to guess.
"""

from collections.abc import Sequence

GROWTH = 1.25
QUIET_STEPS = 3
SHORTEST_STEP_US = 100_000


def ramp_bins(
    byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int = 0
) -> int:
    """Return how many leading bins belong to the ramp; at most ``ramp_max_us`` worth, or all.

    BBR's "pipe is full" (Cardwell and others, ACM Queue 2016): a sender that speeds up brings at
    least a quarter more with every round trip, so the pipe was full from the last step that did,
    once three more have not. The ramp ends with that step, not with the three: they were counted
    at full speed and belong to the rate. A step is 100 ms, or one round trip where that is
    longer, because within one round trip slow start sends in bursts. Steps begin at the first byte.
    A load that has not settled within ``ramp_max_us`` had its ramp until the last such step.
    """
    limit = min(len(byte_counts), ramp_max_us // width_us)
    per_step = max(-(-max(SHORTEST_STEP_US, round_trip_us) // width_us), 1)
    first = next((index for index, count in enumerate(byte_counts) if count), limit)
    largest = quiet = 0
    end = first
    for start in range(first, limit - per_step + 1, per_step):
        step = sum(byte_counts[start : start + per_step])
        if step > GROWTH * largest:
            largest, end, quiet = step, start + per_step, 0
        else:
            quiet += 1
        if quiet == QUIET_STEPS:
            return end
    return min(end, limit) if limit < len(byte_counts) else limit
