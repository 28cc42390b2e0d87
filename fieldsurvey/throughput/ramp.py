"""Finds where a link has finished speeding up, so that slow start is not taken for the rate.

Must not be fixed: on a short road the ramp costs 0.2 s, on a long one 1 s, and what is thrown away
costs the surveyor data and metres.
"""

from collections.abc import Sequence

LEVEL_STEPS = 3
LEVEL_TOLERANCE = 0.10
FULL_GROWTH = 0.25
SHORTEST_STEP_US = 100_000
SHORTEST_RAMP_ROUND_TRIPS = 5


def ramp_bins(
    byte_counts: Sequence[int], width_us: int, ramp_max_us: int, round_trip_us: int = 0
) -> int:
    """Return how many leading bins belong to the ramp; at most ``ramp_max_us`` worth, or all.

    The ramp ends after three steps in a row that (a) lie within 10 % of each other (the rule of the
    FCC's Measuring Broadband America) or (b) brought no step 25 % above the largest before (BBR's
    "pipe is full"). A step is 100 ms, or one round trip where that is longer: within one round trip
    slow start sends in bursts. Steps are counted from the first byte on, and a ramp is never
    shorter than five round trips.
    """
    limit = min(len(byte_counts), ramp_max_us // width_us)
    per_step = max(-(-max(SHORTEST_STEP_US, round_trip_us) // width_us), 1)
    first = next((index for index, count in enumerate(byte_counts) if count), limit)
    shortest = first - (-SHORTEST_RAMP_ROUND_TRIPS * round_trip_us // width_us)
    steps: list[int] = []
    for start in range(first, limit - per_step + 1, per_step):
        steps.append(sum(byte_counts[start : start + per_step]))
        end = start + per_step
        if end >= shortest and len(steps) >= LEVEL_STEPS and (_is_level(steps) or _is_full(steps)):
            return end
    return limit


def _is_level(steps: Sequence[int]) -> bool:
    latest = steps[-LEVEL_STEPS:]
    return min(latest) > 0 and max(latest) - min(latest) <= LEVEL_TOLERANCE * max(latest)


def _is_full(steps: Sequence[int]) -> bool:
    before, latest = steps[:-LEVEL_STEPS], steps[-LEVEL_STEPS:]
    return bool(before) and max(latest) < (1 + FULL_GROWTH) * max(before)
