"""The small lines around the big number, as text: pure, so that every state can be looked through.

Must not say anything about the place that the test itself does not.
"""

from fieldsurvey.drive.snapshot import DriveSnapshot, RunningTest
from fieldsurvey.gui.reading import Outlook, Reading
from fieldsurvey.gui.texts import Texts
from fieldsurvey.model.throughput import ThroughputTest

_US_PER_S = 1_000_000
_MOST_RUNNING_LINES = 2
_MOST_LIMITS = 2


def title_line(texts: Texts, snapshot: DriveSnapshot) -> str:
    """Return "Last result", if there is one."""
    if snapshot.last_test is None:
        return ""
    return texts.tr("last_result_replayed" if snapshot.replayed else "last_result")


def link_line(test: ThroughputTest | None) -> str:
    """Return the link a result came over and its operator, where the plan has several links."""
    if test is None or not test.link:
        return ""
    said_already = test.operator.casefold() in test.link.casefold()
    names = [test.link] if said_already else [test.link, test.operator]
    return " · ".join(_short(name) for name in names)


def _short(name: str, longest: int = 22) -> str:
    """Return a name of the plan's, cut where nobody would have room for it."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def interval_line(texts: Texts, reading: Reading | None) -> str:
    """Return "93–101 Mbps, sure"; what was measured all the same where it is no verdict."""
    if reading is None:
        return ""
    if reading.self_limited_mbps is not None:
        return texts.tr("measured_only", rate=texts.rate(reading.self_limited_mbps))
    sure = "" if reading.confidence is None else texts.tr(f"sure_{reading.confidence.value}")
    if reading.low_mbps is None or reading.high_mbps is None:
        return sure
    low, high = texts.rate(reading.low_mbps), texts.rate(reading.high_mbps)
    interval = texts.tr("interval", low=low, high=high)
    return f"{interval}, {sure}" if sure else interval


def cause_line(texts: Texts, reading: Reading | None) -> str:
    """Return why there is no number, as a sentence."""
    if reading is None:
        return ""
    if reading.outlook is Outlook.SELF_LIMITED:
        limits = ", ".join(texts.say(limit) for limit in reading.limits[:_MOST_LIMITS])
        if more := len(reading.limits[_MOST_LIMITS:]):
            limits += f" {texts.tr('and_more', n=texts.number(more))}"
        return _sentence(f"{limits}: {texts.tr('not_the_place')}")
    return "" if reading.cause is None else _sentence(texts.say(reading.cause))


def confirmation_line(texts: Texts, test: ThroughputTest | None) -> str:
    """Return what a result says of the one below target that it tries again, if it does."""
    if test is None or test.confirms is None:
        return ""
    verdict = "unclear" if test.judgement is None else test.judgement.verdict.value
    return texts.tr(f"again_{verdict}")


def running_line(texts: Texts, snapshot: DriveSnapshot) -> str:
    """Return the tests in progress."""
    running = snapshot.running_tests
    if not running and snapshot.running_test is not None:
        running = (snapshot.running_test,)
    if len(running) > _MOST_RUNNING_LINES:
        return _together(texts, running)
    return "\n".join(_running(texts, test) for test in running)


def off_line(texts: Texts, snapshot: DriveSnapshot) -> str:
    """Return why no throughput is measured; nothing while a test runs."""
    if snapshot.testing_off is None or running_line(texts, snapshot):
        return ""
    return texts.say(snapshot.testing_off)


def _running(texts: Texts, running: RunningTest) -> str:
    name = f"{_short(running.link)}: " if running.link else ""
    return name + _progress(texts, running.elapsed_us, running.payload_bytes)


def _together(texts: Texts, running: tuple[RunningTest, ...]) -> str:
    longest_us = max(test.elapsed_us for test in running)
    name = texts.tr("links", n=texts.number(len(running)))
    return f"{name}: {_progress(texts, longest_us, sum(test.payload_bytes for test in running))}"


def _progress(texts: Texts, elapsed_us: int, payload_bytes: int) -> str:
    seconds = texts.tr("seconds", n=texts.number(elapsed_us / _US_PER_S, 1))
    return " · ".join([texts.tr("measuring"), seconds, texts.bytes(payload_bytes)])


def budget_line(texts: Texts, snapshot: DriveSnapshot) -> str:
    """Return what is used of the budget that is nearer to its end, and what its end has meant."""
    budget = snapshot.budget
    if budget is None:
        used, limit = snapshot.budget_used_bytes, snapshot.budget_bytes
        return texts.tr("data_today", used=texts.bytes(used), budget=texts.bytes(limit))
    day_part = budget.day_used_bytes / max(1, budget.day_limit_bytes)
    if day_part >= budget.used_part:
        span, used, limit = "today", budget.day_used_bytes, budget.day_limit_bytes
    else:
        span, used, limit = "month", budget.month_used_bytes, budget.month_limit_bytes
    line = texts.tr(
        f"data_{span}_of_link" if budget.link else f"data_{span}",
        link=_short(budget.link, longest=14),
        used=texts.bytes(used),
        budget=texts.bytes(limit),
    )
    return f"{line}: {texts.tr(f'at_cap_{budget.at_cap.value}')}" if budget.at_cap else line


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
