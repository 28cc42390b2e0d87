"""The small lines: how sure a number is, whose it is, what it confirms, what it cost."""

from dataclasses import replace

import pytest

from fieldsurvey.drive.snapshot import LinkBudget
from fieldsurvey.gui import lines
from fieldsurvey.gui.reading import Outlook, reading_of
from fieldsurvey.gui.texts import Texts
from fieldsurvey.model.drive import AtBudget
from fieldsurvey.model.messages import LANGUAGES, message
from fieldsurvey.model.throughput import SelfCheck, SelfLimit, ThroughputTest
from fieldsurvey.model.verdict import Confidence, Verdict
from tests.support.gui_fake_drive import a_running_test, a_test, driving
from tests.support.gui_scenes import SCENES

EN = Texts("en")
GB = 1_000_000_000


def with_confidence(confidence: Confidence) -> ThroughputTest:
    test = a_test(Verdict.UNDECIDED, 97.0)
    assert test.judgement is not None
    return replace(test, judgement=replace(test.judgement, confidence=confidence))


def self_limited(*limits: SelfLimit) -> ThroughputTest:
    test = a_test(None, 87.34)
    measurement = replace(test.measurement, self_check=SelfCheck(limits=limits))
    return replace(test, measurement=measurement)


def test_an_interval_says_how_sure_it_is() -> None:
    said = {c: lines.interval_line(EN, reading_of(with_confidence(c))) for c in Confidence}
    assert said == {
        Confidence.HIGH: "90.2–103 Mbps, sure",
        Confidence.MEDIUM: "90.2–103 Mbps, not sure",
        Confidence.LOW: "too short to be sure",  # and no interval: it would be made up
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", list(SelfLimit))
def test_a_test_that_we_limited_has_its_reason_and_no_number(
    limit: SelfLimit, language: str
) -> None:
    texts = Texts(language)
    reading = reading_of(self_limited(limit))
    assert reading.outlook is Outlook.SELF_LIMITED
    assert reading.mbps is reading.low_mbps is reading.high_mbps is None
    cause = lines.cause_line(texts, reading)
    reason = message(f"self_limit.{limit}").text(language)
    assert cause.casefold().startswith(reason.casefold())
    assert texts.tr("not_the_place") in cause
    assert texts.rate(84.79) in lines.interval_line(texts, reading)


def test_more_reasons_than_fit_are_counted() -> None:
    cause = lines.cause_line(EN, reading_of(self_limited(*SelfLimit)))
    assert "(and 5 more)" in cause


def test_a_verdict_that_stands_is_not_called_limited() -> None:
    """Above in spite of a busy processor is above."""
    test = a_test(Verdict.ABOVE, 140.0)
    check = SelfCheck(limits=(SelfLimit.CPU,))
    reading = reading_of(replace(test, measurement=replace(test.measurement, self_check=check)))
    assert reading.outlook is Outlook.ABOVE
    assert reading.mbps == pytest.approx(140.0)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.BELOW, "also below"),
        (Verdict.ABOVE, "above"),
        (Verdict.UNDECIDED, "not enough data"),
        (None, "no result"),
    ],
)
def test_a_confirmation_says_what_it_found(verdict: Verdict | None, said: str) -> None:
    test = replace(a_test(verdict), confirms="test-1")
    assert lines.confirmation_line(EN, test) == f"Tried again on a second server: {said}"
    assert lines.confirmation_line(EN, a_test(verdict)) == ""


def test_only_a_named_link_is_named() -> None:
    test = replace(a_test(), operator="Altel")
    assert lines.link_line(test) == ""
    assert lines.link_line(replace(test, link="left")) == "left · Altel"
    assert lines.link_line(replace(test, link="Altel roof")) == "Altel roof"
    assert lines.link_line(replace(test, link="x" * 200, operator="")).endswith("x…")


def test_latency_alone_is_told_as_latency() -> None:
    test = SCENES["ping_only"]().now.last_test
    assert test is not None
    reading = reading_of(test)
    assert reading.outlook is Outlook.NOT_TESTED
    assert lines.cause_line(EN, reading) == "Latency 40 ms; no rate was measured"


def test_running_tests_one_two_and_many() -> None:
    one = replace(a_running_test(), link="left")
    two = (one, replace(one, link="right"))
    assert lines.running_line(EN, driving(running_test=a_running_test())).startswith("Measuring")
    assert lines.running_line(EN, driving(running_tests=two)).count("\n") == 1
    many = lines.running_line(EN, driving(running_tests=two + two))
    assert many == "links: 4: Measuring · 1.4 s · 50 MB"


def test_why_nothing_is_measured_waits_for_the_test_that_runs() -> None:
    off = message("drive.budget_reached", used_gb=20.1, budget_gb=20)
    snapshot = driving(testing_off=off)
    assert lines.off_line(EN, snapshot) == off.text()
    assert lines.off_line(EN, replace(snapshot, running_test=a_running_test())) == ""


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (LinkBudget("", 2 * GB, 20 * GB, 30 * GB, 400 * GB), "used today: 2.0 GB of 20.0 GB"),
        (LinkBudget("", 1 * GB, 20 * GB, 390 * GB, 400 * GB), "this month: 390.0 GB of 400.0 GB"),
        (
            LinkBudget("left", 20 * GB, 20 * GB, 30 * GB, 400 * GB, AtBudget.PING),
            "left: 20.0 GB of 20.0 GB today: only latency",
        ),
        (
            LinkBudget("left", 1 * GB, 20 * GB, 400 * GB, 400 * GB, AtBudget.STOP),
            "left: 400.0 GB of 400.0 GB this month: no tests",
        ),
    ],
)
def test_the_budget_that_is_nearer_to_its_end(budget: LinkBudget, said: str) -> None:
    assert lines.budget_line(EN, driving(budget=budget)).endswith(said)
