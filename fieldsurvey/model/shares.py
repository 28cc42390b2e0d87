"""How a share is told in whole per cent, alike in window, report and command line."""


def whole_percent(share: float) -> int:
    """Return a share of 1 rounded to whole per cent; but 100 is said of all of them only."""
    whole = round(100 * share)
    return whole if share >= 1 else min(whole, 99)
