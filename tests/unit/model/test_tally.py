"""Each test is counted once, as one thing."""

import pytest

from fieldsurvey.model.tally import Result, Tally, result_of
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict


@pytest.mark.parametrize(
    ("outcome", "cause", "verdict", "limited", "repeats", "result"),
    [
        (Outcome.COMPLETED, None, Verdict.ABOVE, False, False, Result.ABOVE),
        (Outcome.COMPLETED, None, Verdict.BELOW, False, False, Result.BELOW),
        (Outcome.COMPLETED, None, Verdict.UNDECIDED, True, False, Result.UNDECIDED),
        (Outcome.COMPLETED, None, None, True, False, Result.SELF_LIMITED),
        (Outcome.COMPLETED, None, None, False, False, Result.UNJUDGED),
        (Outcome.FAILED, Cause.TIMED_OUT, None, False, False, Result.NO_SERVICE),
        (Outcome.FAILED, Cause.ENGINE, None, False, False, Result.FAILED),
        (Outcome.FAILED, Cause.SERVER_BUSY, None, False, False, Result.FAILED),
        (Outcome.CANCELLED, None, None, False, False, Result.CANCELLED),
        (Outcome.SKIPPED, Cause.BUDGET, None, False, True, Result.SKIPPED),
        (Outcome.COMPLETED, None, Verdict.BELOW, False, True, Result.REPEATED),
        (Outcome.FAILED, Cause.DNS, None, False, True, Result.REPEATED),
    ],
)
def test_what_a_test_is_counted_as(
    outcome: Outcome,
    cause: Cause | None,
    verdict: Verdict | None,
    limited: bool,
    repeats: bool,
    result: Result,
) -> None:
    assert result_of(outcome, cause, verdict, limited=limited, repeats=repeats) is result


def test_the_parts_add_up_and_a_repetition_is_not_one_more() -> None:
    tally = Tally()
    for number, result in enumerate(Result, start=1):
        tally = tally.plus(result, number)
    judged = tally.above + tally.below + tally.undecided
    assert tally.tests == judged + tally.no_service + tally.silent == sum(range(1, 9))


def test_a_contradicted_result_is_still_one_test() -> None:
    tally = Tally(below=2)
    assert tally.contradicted() == Tally(below=1, undecided=1)
    assert tally.contradicted().tests == tally.tests
