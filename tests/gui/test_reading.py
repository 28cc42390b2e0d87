"""What is shown of a test: the number in the target's layer, and none where there is no service."""

import pytest

from fieldsurvey.gui.reading import Outlook, reading_of
from fieldsurvey.model.throughput import OWN_CAUSES, Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from tests.support.gui_fake_drive import a_test, no_service_test


@pytest.mark.parametrize(
    ("verdict", "outlook"),
    [
        (Verdict.ABOVE, Outlook.ABOVE),
        (Verdict.BELOW, Outlook.BELOW),
        (Verdict.UNDECIDED, Outlook.UNDECIDED),
    ],
)
def test_a_judged_test_shows_the_rate_it_was_judged_by(verdict: Verdict, outlook: Outlook) -> None:
    reading = reading_of(a_test(verdict, 87.34))
    assert reading.outlook is outlook
    assert reading.mbps == pytest.approx(87.34)
    assert reading.target_mbps == 100


def test_the_interval_stands_in_the_same_layer_as_the_number() -> None:
    test = a_test(Verdict.BELOW, 87.34)
    reading = reading_of(test)
    assert reading.low_mbps is not None
    assert reading.high_mbps is not None
    assert reading.low_mbps == pytest.approx(87.34 * 0.93, rel=1e-5)
    assert reading.high_mbps == pytest.approx(87.34 * 1.07, rel=1e-5)


@pytest.mark.parametrize("cause", [c for c in Cause if c not in OWN_CAUSES])
def test_no_service_has_a_cause_and_never_a_number(cause: Cause) -> None:
    reading = reading_of(no_service_test(cause))
    assert reading.outlook is Outlook.NO_SERVICE
    assert reading.mbps is None
    assert reading.cause is not None
    assert not reading.cause.text().startswith("[")


@pytest.mark.parametrize("cause", OWN_CAUSES)
def test_our_own_failure_is_not_called_no_service(cause: Cause) -> None:
    reading = reading_of(a_test(None, outcome=Outcome.FAILED, cause=cause))
    assert reading.outlook is Outlook.FAILED
    assert reading.mbps is None


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.SKIPPED])
def test_what_was_not_tested_says_why(outcome: Outcome) -> None:
    reading = reading_of(a_test(None, outcome=outcome, cause=Cause.BUDGET))
    assert reading.outlook is Outlook.NOT_TESTED
    assert reading.mbps is None
    assert reading.cause is not None


def test_a_test_without_judgement_is_undecided_with_its_own_rate() -> None:
    reading = reading_of(a_test(None, 103.0))
    assert reading.outlook is Outlook.UNDECIDED
    assert reading.mbps == pytest.approx(100.0)
