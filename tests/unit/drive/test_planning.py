"""From the plan of a campaign to one order for one link."""

from dataclasses import replace

import pytest

from fieldsurvey.drive.planning import links_of, measurement_plan, mode_of_test, target_of
from fieldsurvey.model.drive import PlannedLink, SurveyPlan
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import Mode, PhaseKind
from fieldsurvey.model.verdict import RateLayer
from tests.support.drive_testing import TARGET, TWO_LINKS

PLAN = SurveyPlan(server_url="http://first.test", operator="Op", access_type=AccessType.MOBILE)


def test_without_links_the_plan_itself_names_the_operator() -> None:
    assert links_of(PLAN) == (PlannedLink("", "", "Op", AccessType.MOBILE),)
    assert links_of(replace(PLAN, links=TWO_LINKS)) == TWO_LINKS


def test_a_link_is_measured_over_its_interface() -> None:
    assert measurement_plan(PLAN, TWO_LINKS[1], TARGET, Mode.CHECK).interface == "127.0.0.2"
    assert measurement_plan(PLAN, links_of(PLAN)[0], TARGET, Mode.CHECK).interface is None


def test_the_plan_says_which_layer_counts() -> None:
    assert target_of(TARGET, PLAN) is TARGET
    plan = replace(PLAN, layer=RateLayer.GOODPUT)
    assert target_of(TARGET, plan) == replace(TARGET, layer=RateLayer.GOODPUT)
    order = measurement_plan(plan, links_of(plan)[0], TARGET, Mode.CHECK)
    assert order.target_layer is RateLayer.GOODPUT


def test_pace_follows_the_ratio() -> None:
    def pace_bps(ratio: float) -> int:
        plan = replace(PLAN, pace_ratio=ratio)
        return measurement_plan(plan, links_of(plan)[0], TARGET, Mode.CHECK).pace_bps

    assert pace_bps(1.5) == pytest.approx(150_000_000, rel=0.1)
    assert pace_bps(3.0) == pytest.approx(2 * pace_bps(1.5), rel=0.01)


def test_the_plans_bounds_hold_for_a_check_only() -> None:
    plan = replace(PLAN, max_test_s=1.5, max_test_bytes=3_000_000)
    link = links_of(plan)[0]
    check = measurement_plan(plan, link, TARGET, Mode.CHECK)
    assert (check.max_duration_us, check.max_bytes) == (1_500_000, 3_000_000)
    calibration = measurement_plan(plan, link, TARGET, Mode.CALIBRATE)
    assert calibration.max_duration_us == 10_000_000
    assert calibration.max_bytes > 100_000_000
    ping = measurement_plan(plan, link, TARGET, Mode.PING)
    assert not {PhaseKind.DOWNLOAD, PhaseKind.UPLOAD} & set(ping.phases)


def test_the_second_server_is_measured_in_the_same_way() -> None:
    link = links_of(PLAN)[0]
    first = measurement_plan(PLAN, link, TARGET, Mode.CHECK)
    second = measurement_plan(PLAN, link, TARGET, Mode.CHECK, "http://second.test")
    assert second == replace(first, server_url="http://second.test")


def test_every_so_many_tests_is_a_calibration() -> None:
    plan = replace(PLAN, calibrate_every=20)
    modes = [mode_of_test(plan, number) for number in range(1, 41)]
    assert [i for i, mode in enumerate(modes, 1) if mode is Mode.CALIBRATE] == [20, 40]
    assert mode_of_test(replace(PLAN, calibrate_every=0), 20) is Mode.CHECK
    assert mode_of_test(replace(PLAN, calibrate_every=1, mode=Mode.PING), 20) is Mode.PING
