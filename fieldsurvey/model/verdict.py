"""Targets (data, versioned) and what is said of a measurement against one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Never a forced yes or no. UNDECIDED reads "not enough data" on screen."""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"


_WORST_FIRST = (Verdict.BELOW, Verdict.UNDECIDED, Verdict.ABOVE)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what a place is shown as that has several. Raises ValueError if there is none."""
    return min(verdicts, key=_WORST_FIRST.index)


class RateLayer(StrEnum):
    """What a rate counts: TCP payload, or the IP packets that carried it."""

    GOODPUT = "goodput"
    IP = "ip"


class Confidence(StrEnum):
    """LOW: fewer than four batches. MEDIUM: a cap ended the test. HIGH: the interval is clear of
    the target."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Target:
    """One row of a target file, e.g. 100 Mbps download at the IP layer."""

    id: str
    version: str
    rate_bps: int
    layer: RateLayer
