"""How a rate is told, alike in window, report and command line."""

import math

LEAST_MBPS = 0.01  # what is less is told to be that, and never 0.0


def cut_mbps(mbps: float) -> tuple[float, int]:
    """Return a rate of at least ``LEAST_MBPS`` cut (not rounded) to three significant figures and
    no finer than that, with its decimals.

    Cut, because 99.96 below the target must not read "100": no figure may flatter.
    """
    whole_digits = max(1, math.floor(math.log10(mbps)) + 1)
    step = 10.0 ** (whole_digits - 3) if mbps >= 1 else LEAST_MBPS
    # The small addend keeps 87.3, stored as 87.299999…, from reading 87.2.
    cut = math.floor(mbps / step + 1e-9) * step
    return cut, max(0, 3 - whole_digits) if mbps >= 1 else 2


def mbps_text(rate_bps: float) -> str:
    """Return a rate in Mbps without the unit, for the command line: "43.6", "<0.01"."""
    if rate_bps < LEAST_MBPS * 1e6:
        return f"<{LEAST_MBPS}"
    cut, decimals = cut_mbps(rate_bps / 1e6)
    return f"{cut:.{decimals}f}"
