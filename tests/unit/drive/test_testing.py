"""Which tests a drive makes: rounds, confirmations, calibrations, budgets, busy servers."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from fieldsurvey.drive.budget import most_bytes
from fieldsurvey.drive.planning import links_of, measurement_plan
from fieldsurvey.model.drive import AtBudget, EventKind, SurveyPlan
from fieldsurvey.model.messages import catalogue
from fieldsurvey.model.throughput import Cause, Mode, Outcome, Trigger
from fieldsurvey.model.verdict import Verdict
from tests.support.drive_testing import ALWAYS, TARGET, TWO_LINKS, Driven
from tests.support.drive_values import S

IN_TURN = replace(ALWAYS, links=TWO_LINKS)
TOGETHER = replace(IN_TURN, links_together=True)
SECOND = "http://second.test"


def most_of_a_check() -> int:
    """What a check is charged with before it starts."""
    (link,) = links_of(ALWAYS)
    return most_bytes(measurement_plan(ALWAYS, link, TARGET, Mode.CHECK))


def driven(plan: SurveyPlan, seconds: int, made: Counter[str] | None = None) -> Driven:
    """Drive ``plan`` for ``seconds`` with links that always answer."""

    async def drive() -> Driven:
        drive = Driven(plan, made)
        await drive.seconds(seconds)
        await drive.testing.finish(cancel=False)
        return drive

    return asyncio.run(drive())


def test_each_trigger_tests_every_link_and_the_first_one_changes() -> None:
    made = driven(IN_TURN, 30).made()
    assert [link for link, _, _ in made] == ["a", "b", "b", "a", "a", "b"]
    assert {trigger for _, _, trigger in made} == {Trigger.TIME}


@pytest.mark.parametrize(("plan", "most_at_once"), [(IN_TURN, 1), (TOGETHER, 2)])
def test_in_turn_or_together(plan: SurveyPlan, most_at_once: int) -> None:
    async def drive() -> int:
        drive = Driven(plan)
        at_once: list[int] = []
        for link in drive.links:
            link.while_running = lambda: at_once.append(sum(one.running for one in drive.links))
        await drive.seconds(12)
        await drive.testing.finish(cancel=False)
        return max(at_once)

    assert asyncio.run(drive()) == most_at_once


@pytest.mark.parametrize("plan", [IN_TURN, TOGETHER])
def test_one_cancel_ends_all_and_nothing_starts_after_it(plan: SurveyPlan) -> None:
    async def drive() -> Driven:
        drive = Driven(plan)
        for link in drive.links:
            link.go.clear()
        await drive.seconds(1)
        await drive.testing.finish(cancel=True)
        drive.testing.by_hand()
        await drive.seconds(30)
        return drive

    drive = asyncio.run(drive())
    assert [link.cancelled for link in drive.links] == [1, 1]
    assert len(drive.heard.tests) == (2 if plan.links_together else 1)


def test_a_bug_in_one_link_is_told_and_the_other_goes_on() -> None:
    async def drive() -> Driven:
        drive = Driven(TOGETHER)

        def fail() -> None:
            raise RuntimeError("broken")

        drive.links[0].while_running = fail
        await drive.seconds(1)
        await drive.testing.finish(cancel=False)
        return drive

    drive = asyncio.run(drive())
    assert [link for link, _, _ in drive.made()] == ["b"]
    assert [text.id for text in drive.heard.told] == ["drive.bug"]
    used_bytes = drive.ledger.state("a").day_used_bytes
    assert used_bytes > SurveyPlan().max_test_bytes, "what it took is unknown: all"


# -- confirmation ---------------------------------------------------------------------------------


def below_then(plan: SurveyPlan, *verdicts: Verdict) -> Driven:
    async def drive() -> Driven:
        drive = Driven(plan)
        drive.links[0].verdicts.extend([Verdict.BELOW, *verdicts])
        await drive.seconds(5)
        await drive.testing.finish(cancel=False)
        return drive

    return asyncio.run(drive())


def test_a_result_below_is_tried_again_at_once_on_the_second_server() -> None:
    drive = below_then(replace(ALWAYS, confirm_server_url=SECOND), Verdict.BELOW)
    first, second = drive.heard.tests
    assert (second.trigger, second.confirms) == (Trigger.CONFIRMATION, first.test_id)
    assert second.measurement.server_url == SECOND
    assert first.confirms is None
    assert second.started_mono_us - first.ended_mono_us < S


def test_no_confirmation_above_or_without_a_second_server() -> None:
    plan = replace(ALWAYS, confirm_server_url=SECOND)
    assert len(driven(plan, 5).heard.tests) == 1
    assert len(below_then(ALWAYS).heard.tests) == 1


def test_no_confirmation_beyond_the_budget() -> None:
    one = most_of_a_check()
    plan = replace(ALWAYS, confirm_server_url=SECOND, budget_bytes_per_day=one + 1)
    assert [trigger for _, _, trigger in below_then(plan).made()] == [Trigger.TIME]
    plan = replace(plan, budget_bytes_per_day=one + 10_000_000)
    assert len(below_then(plan).heard.tests) == 2


def test_links_in_turn_wait_for_the_confirmation() -> None:
    drive = below_then(replace(IN_TURN, confirm_server_url=SECOND))
    assert [(link, trigger) for link, _, trigger in drive.made()] == [
        ("a", Trigger.TIME),
        ("a", Trigger.CONFIRMATION),
        ("b", Trigger.TIME),
    ]


# -- calibration ----------------------------------------------------------------------------------


def test_one_test_in_so_many_is_a_calibration_for_each_link() -> None:
    made = driven(replace(IN_TURN, calibrate_every=3), 60).made()
    for name in ("a", "b"):
        modes = [mode for link, mode, _ in made if link == name]
        assert modes == [Mode.CHECK, Mode.CHECK, Mode.CALIBRATE] * 2


def test_calibrations_keep_their_turn_after_a_break() -> None:
    plan = replace(ALWAYS, calibrate_every=3)
    assert [mode for _, mode, _ in driven(plan, 5, Counter({"": 2})).made()] == [Mode.CALIBRATE]


def test_confirmations_do_not_count_for_calibrations() -> None:
    plan = replace(ALWAYS, calibrate_every=2, confirm_server_url=SECOND)

    async def drive() -> Driven:
        drive = Driven(plan)
        drive.links[0].verdicts.append(Verdict.BELOW)
        await drive.seconds(15)
        await drive.testing.finish(cancel=False)
        return drive

    modes = [mode for _, mode, _ in asyncio.run(drive()).made()]
    assert modes == [Mode.CHECK, Mode.CHECK, Mode.CALIBRATE]


def test_no_calibration_that_the_budget_has_no_room_for() -> None:
    check = most_of_a_check()
    plan = replace(ALWAYS, calibrate_every=1, budget_bytes_per_day=2 * check)
    drive = driven(plan, 5)
    assert [mode for _, mode, _ in drive.made()] == [Mode.CHECK]
    assert drive.testing.off is None


# -- budget ---------------------------------------------------------------------------------------


def test_the_most_is_charged_before_and_what_it_took_after() -> None:
    async def drive() -> tuple[int, int]:
        drive = Driven(ALWAYS)
        during: list[int] = []
        drive.links[0].while_running = lambda: during.append(drive.ledger.state("").day_used_bytes)
        await drive.seconds(5)
        return during[0], drive.ledger.state("").day_used_bytes

    assert asyncio.run(drive()) == (most_of_a_check(), 10_000_000)


@pytest.mark.parametrize(
    ("at_budget", "after", "id_"),
    [
        (AtBudget.PING, [Mode.PING], "drive.budget_reached_ping"),
        (AtBudget.STOP, [], "drive.budget_reached"),
    ],
)
def test_at_the_cap(at_budget: AtBudget, after: list[Mode], id_: str) -> None:
    plan = replace(ALWAYS, budget_bytes_per_day=most_of_a_check() + 15_000_000, at_budget=at_budget)
    drive = driven(plan, 60)
    modes = [mode for _, mode, _ in drive.made()]
    assert modes[:2] == [Mode.CHECK] * 2
    assert set(modes[2:]) == set(after)
    assert drive.testing.off is not None
    assert drive.testing.off.id == id_
    assert [kind for kind, _ in drive.heard.events] == [EventKind.BUDGET_REACHED]
    assert drive.testing.budget.at_cap is at_budget
    assert drive.testing.budget.day_used_bytes >= 20_000_000


def test_each_link_has_a_budget_of_its_own() -> None:
    plan = replace(
        IN_TURN, budget_bytes_per_day=most_of_a_check() + 9_000_000, at_budget=AtBudget.STOP
    )

    async def drive() -> Driven:
        drive = Driven(plan)
        drive.links[1].answers.extend([{"wire_bytes": 100}] * 9)
        await drive.seconds(40)
        await drive.testing.finish(cancel=False)
        return drive

    drive = asyncio.run(drive())
    links = Counter(link for link, _, _ in drive.made())
    assert links["a"] == 1
    assert links["b"] >= 3
    assert drive.testing.off is not None
    assert "a: Testing is off" in str(drive.testing.off)
    assert drive.testing.budget.link == "a"


def test_the_month_has_a_cap_too() -> None:
    plan = replace(
        ALWAYS, budget_bytes_per_month=most_of_a_check() + 5_000_000, at_budget=AtBudget.STOP
    )
    drive = driven(plan, 40)
    assert len(drive.heard.tests) == 1
    assert drive.testing.off is not None
    assert drive.testing.off.id == "drive.budget_month_reached"


def test_a_new_day_gives_new_bytes() -> None:
    plan = replace(
        ALWAYS, budget_bytes_per_day=most_of_a_check() + 5_000_000, at_budget=AtBudget.STOP
    )

    async def drive() -> Driven:
        drive = Driven(plan)
        await drive.seconds(30)
        assert drive.testing.off is not None
        drive.clock.forward(24 * 3600 * S)
        await drive.seconds(5)
        return drive

    drive = asyncio.run(drive())
    assert len(drive.heard.tests) == 2
    assert drive.testing.off is None


def test_every_way_to_say_so_exists() -> None:
    for name in ("budget_reached", "budget_month_reached"):
        assert {f"drive.{name}", f"drive.{name}_ping"} <= set(catalogue())


# -- a busy server, an absent modem ---------------------------------------------------------------

BUSY: dict[str, object] = {
    "outcome": Outcome.FAILED,
    "cause": Cause.SERVER_BUSY,
    "retry_after_s": 25,
    "wire_bytes": 500,
}


def busy(plan: SurveyPlan, seconds: int, **answer: object) -> Driven:
    async def drive() -> Driven:
        drive = Driven(plan)
        drive.links[0].answers.append(BUSY | answer)
        await drive.seconds(seconds)
        await drive.testing.finish(cancel=False)
        return drive

    return asyncio.run(drive())


def test_a_busy_server_is_left_alone_as_long_as_it_asks() -> None:
    drive = busy(ALWAYS, 40)
    first, second, *_ = drive.heard.tests
    assert 25 * S <= second.started_mono_us - first.ended_mono_us <= 28 * S
    assert [text.id for text in drive.heard.told] == ["drive.server_busy"]


def test_a_busy_server_is_not_asked_over_the_other_link_either() -> None:
    assert [link for link, _, _ in busy(IN_TURN, 20).made()] == ["a"]


def test_busy_without_a_time_holds_nothing_back() -> None:
    assert len(busy(ALWAYS, 25, retry_after_s=None).heard.tests) == 3


def test_the_hand_may_try_a_busy_server() -> None:
    async def drive() -> Driven:
        drive = Driven(ALWAYS)
        drive.links[0].answers.append(BUSY)
        await drive.seconds(5)
        drive.testing.by_hand()
        await drive.seconds(2)
        return drive

    assert [t for _, _, t in asyncio.run(drive()).made()] == [Trigger.TIME, Trigger.HAND]


def test_a_busy_second_server_holds_confirmations_only() -> None:
    plan = replace(ALWAYS, confirm_server_url=SECOND)

    async def drive() -> Driven:
        drive = Driven(plan)
        link = drive.links[0]
        link.verdicts.extend([Verdict.BELOW] * 9)
        link.answers.extend([{}, BUSY])
        await drive.seconds(18)
        return drive

    triggers = [trigger for _, _, trigger in asyncio.run(drive()).made()]
    assert triggers == [Trigger.TIME, Trigger.CONFIRMATION, Trigger.TIME]


def test_a_modem_that_is_not_there_is_skipped_and_told_once() -> None:
    async def drive() -> Driven:
        drive = Driven(IN_TURN)
        drive.links[0].modem.reason = "No such device"
        await drive.seconds(25)
        drive.links[0].modem.reason = None
        await drive.seconds(10)
        return drive

    drive = asyncio.run(drive())
    outcomes = [test.measurement.outcome for test in drive.heard.tests if test.link == "a"]
    assert outcomes == [Outcome.SKIPPED, Outcome.SKIPPED, Outcome.SKIPPED, Outcome.COMPLETED]
    assert not any(test.no_service for test in drive.heard.tests)
    assert [text.id for text in drive.heard.told] == ["drive.link_missing"]
    assert sum(link == "b" for link, _, _ in drive.made()) == 4
