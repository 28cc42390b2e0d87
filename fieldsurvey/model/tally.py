"""What tests came to, in counts that add up: each test is one thing and is counted once."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum

from fieldsurvey.model.throughput import Cause, Outcome, network_failed
from fieldsurvey.model.verdict import Verdict


class Result(StrEnum):
    """The one thing a test is counted as; each is a field of :class:`Tally`."""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"
    NO_SERVICE = "no_service"
    FAILED = "failed"
    SELF_LIMITED = "self_limited"
    UNJUDGED = "unjudged"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of tests.

    ``no_service`` are those the network failed, ``failed`` those our own side or a busy server did.
    ``self_limited`` were completed without a verdict, our own side being the limit; ``unjudged``
    measured no rate, as a ping does. ``skipped`` were not made. ``repeated`` tried a result below
    target again on a second server: the pair is one result, and where the second server delivered
    the target, it is ``undecided``.
    """

    above: int = 0
    below: int = 0
    undecided: int = 0
    no_service: int = 0
    failed: int = 0
    self_limited: int = 0
    unjudged: int = 0
    cancelled: int = 0
    skipped: int = 0
    repeated: int = 0

    @property
    def tests(self) -> int:
        """Return how many places were asked about: neither skipped nor asked once more."""
        total: int = sum(getattr(self, field.name) for field in fields(self))
        return total - self.skipped - self.repeated

    @property
    def silent(self) -> int:
        """Return how many tests were made and say nothing about their place."""
        return self.failed + self.self_limited + self.unjudged + self.cancelled

    def plus(self, result: Result, number: int = 1) -> "Tally":
        return replace(self, **{result.value: getattr(self, result.value) + number})

    def contradicted(self, number: int = 1) -> "Tally":
        """Return the tally once a second server did not bear out ``number`` results below."""
        return self.plus(Result.BELOW, -number).plus(Result.UNDECIDED, number)


def result_of(
    outcome: Outcome, cause: Cause | None, verdict: Verdict | None, *, limited: bool, repeats: bool
) -> Result:
    """Say what a test is counted as. ``limited``: our own side was a limit of it."""
    if outcome is Outcome.SKIPPED:
        return Result.SKIPPED
    if repeats:
        return Result.REPEATED
    if outcome is Outcome.CANCELLED:
        return Result.CANCELLED
    if outcome is Outcome.FAILED:
        return Result.NO_SERVICE if network_failed(outcome, cause) else Result.FAILED
    if verdict is not None:
        return Result(verdict.value)
    return Result.SELF_LIMITED if limited else Result.UNJUDGED
