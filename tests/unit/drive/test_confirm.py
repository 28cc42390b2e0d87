"""What a result below target and its repetition mean together."""

from dataclasses import replace

import pytest

from fieldsurvey.drive.confirm import confirmed
from fieldsurvey.model.throughput import Cause, Judgement, ThroughputTest, Trigger
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from tests.support.drive_testing import TARGET
from tests.support.drive_values import a_failed_test


def judged(verdict: Verdict, test_id: str, target: Target = TARGET) -> ThroughputTest:
    return replace(
        a_failed_test(test_id=test_id),
        judgement=Judgement(verdict, Confidence.HIGH, target, 1, "rule"),
        link="a",
    )


FIRST = judged(Verdict.BELOW, "t1")


def again(verdict: Verdict, target: Target = TARGET) -> ThroughputTest:
    return replace(judged(verdict, "t2", target), trigger=Trigger.CONFIRMATION, confirms="t1")


@pytest.mark.parametrize(
    ("second", "meaning"),
    [
        (again(Verdict.BELOW), True),
        (again(Verdict.ABOVE), False),
        (again(Verdict.UNDECIDED), None),
        (replace(a_failed_test(Cause.REFUSED), confirms="t1", link="a"), None),
        (replace(again(Verdict.BELOW), confirms=None), None),
        (replace(again(Verdict.BELOW), confirms="t0"), None),
        (replace(again(Verdict.BELOW), link="b"), None),
        (again(Verdict.BELOW, replace(TARGET, layer=RateLayer.GOODPUT)), None),
    ],
)
def test_what_the_pair_means(second: ThroughputTest, meaning: bool | None) -> None:
    assert confirmed(FIRST, second) is meaning


def test_only_a_result_below_can_be_confirmed() -> None:
    with pytest.raises(ValueError, match="not below"):
        confirmed(judged(Verdict.ABOVE, "t1"), again(Verdict.BELOW))
